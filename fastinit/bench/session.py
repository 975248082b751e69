"""One table: a worker for each sampler, all kept alive, timed in turns while the others wait."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fastinit.bench.measure import FEW_ROUNDS, Missing, median_ratio, numpy_dtype
from fastinit.bench.peers import LIBRARIES, OWN, Job, find, installed
from fastinit.bench.process import Failure, Worker

#: A peer that takes more times the store's time than this takes part in the first few rounds only.
SLOW = 20.0
#: Seconds before each turn in which another library's threads may still find out that they have nothing to do.
PAUSE = 0.01


@dataclass
class Row:
    """What one sampler did: samples are the mean seconds of `calls` calls for `values` values, in the order of the rounds."""

    library: str
    sampler: str
    allocates: bool = False
    serial: bool = False
    values: int = 0
    calls: int = 0
    seconds: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    skipped: str | None = None


@dataclass
class Table:
    """The samplers of one law, dtype, buffer and number of threads, after so many rounds."""

    law: str
    job: Job
    rounds: int
    rows: dict[str, Row]

    @property
    def nbytes(self) -> int:
        """Bytes of one whole fill."""
        return self.job.values * numpy_dtype(self.job.dtype).itemsize

    def times(self, library: str) -> list[float]:
        """Seconds of the whole fill in each round: those of a row that makes fewer values are scaled up."""
        row = self.rows.get(library)
        return [] if row is None or row.skipped else [each * self.job.values / row.values for each in row.seconds]

    def ratio(self, library: str, to: str) -> float | None:
        """Median over the rounds of one's time over the other's; None where one of them has none."""
        mine, other = self.times(library), self.times(to)
        return median_ratio(mine, other) if mine and other else None

    def is_slow(self, library: str) -> bool:
        """Whether it has been measured well enough after the first few rounds."""
        mine, store = self.times(library), self.times("store")
        return library not in OWN and bool(mine and store) and statistics.median(mine) > SLOW * statistics.median(store)


def _start(row: Row, law: str, job: Job, limit: float) -> Worker | None:
    try:
        sampler = find(row.library, law, job.dtype)
        row.sampler, row.allocates, row.serial = sampler.name, sampler.allocates, sampler.serial
        if row.library not in OWN and not installed(row.library):
            raise Missing("is not installed")
        return Worker(row.library, law, job, limit)
    except (Missing, OSError) as error:
        row.skipped = str(error)
        return None


class Session:
    """The workers of one table."""

    def __init__(self, table: Table, limit: float) -> None:
        self._table = table
        self._limit = limit
        self._workers: dict[str, Worker] = {}

    def run(self, advance: Callable[[int], object]) -> None:
        """Fill the table; `advance` is told of every turn."""
        with contextlib.ExitStack() as stack:
            for library, row in self._table.rows.items():
                worker = _start(row, self._table.law, self._table.job, self._limit)
                if worker is not None:
                    stack.callback(worker.close)
                    self._workers[library] = worker
            for library in list(self._workers):
                self._ready(library)
            for i in range(self._table.rounds):
                for library in self._table.rows:
                    self._turn(library, i)
                    advance(1)

    def _drop(self, library: str, failure: Failure) -> None:
        self._table.rows[library].skipped = str(failure)
        self._workers.pop(library).close()

    def _ready(self, library: str) -> None:
        row = self._table.rows[library]
        try:
            answer = self._workers[library].answer()
            row.values, row.calls = answer["values"], answer["calls"]
        except Failure as failure:
            self._drop(library, failure)

    def _turn(self, library: str, i: int) -> None:
        if library not in self._workers or (i >= FEW_ROUNDS and self._table.is_slow(library)):
            return
        row = self._table.rows[library]
        time.sleep(PAUSE)
        try:
            sample = self._workers[library].sample()
            row.seconds.append(sample["seconds"])
            row.cores.append(sample["cores"])
        except Failure as failure:
            self._drop(library, failure)


def measure(
    law: str,
    job: Job,
    libraries: Sequence[str],
    rounds: int,
    limit: float,
    advance: Callable[[int], object] = lambda turns: None,
) -> Table:
    """Measure one table.

    Parameters
    ----------
    law : str
        "uniform", "normal" or "truncated_normal": standard ones, the last between two deviations.
    job : Job
        Values, dtype, buffer and threads.
    libraries : sequence of str
        Keys of `peers.LIBRARIES`, in the order of their turns.
    rounds : int
        How many, at least 1.
    limit : float
        Seconds after which a worker that has not answered is killed.
    advance : callable, optional
        Called with 1 after every turn.

    Returns
    -------
    Table
        A row for each library, with samples or with the reason why there are none.
    """
    table = Table(law, job, rounds, {name: Row(name, LIBRARIES[name]) for name in libraries})
    Session(table, limit).run(advance)
    return table
