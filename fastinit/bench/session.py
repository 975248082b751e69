"""One table: a worker for each sampler, all kept alive, timed in turns while the others wait."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastinit.bench.measure import FEW_ROUNDS, Job, median_ratio, numpy_dtype
from fastinit.bench.process import Failure, Worker
from fastinit.bench.samplers import REFERENCES, STORES, TITLES, describe
from fastinit.peers.libraries import Missing
from fastinit.progress import Advance

#: A peer that takes more times the store's time than this, and more seconds, takes part in the first few rounds only.
SLOW, LONG = 20.0, 0.25
#: Seconds before each turn, in which another library's threads go to sleep.
PAUSE = 0.01


@dataclass
class Row:
    """One sampler's samples, in the order of the rounds: each is the mean seconds of `calls` calls for `values` values.

    `cores` and `hertz` are what was busy in each sample (0 where the system does not tell), and the clock after it.
    `overhead_seconds` are those of a call for one value, where a sample has several calls.
    """

    library: str
    sampler: str
    allocates: bool = False
    serial: bool = False
    values: int = 0
    calls: int = 0
    seconds: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    hertz: list[float] = field(default_factory=list)
    overhead_seconds: float | None = None
    skipped: str | None = None


@dataclass
class Table:
    """The samplers of one job."""

    job: Job
    rounds: int
    rows: dict[str, Row]

    @property
    def nbytes(self) -> int:
        """Bytes of one whole fill."""
        return self.job.values * numpy_dtype(self.job.dtype).itemsize

    def times(self, library: str) -> list[float]:
        """Seconds of the whole fill in each round, scaled up for a sampler that makes fewer values."""
        row = self.rows.get(library)
        return [] if row is None or row.skipped else [each * self.job.values / row.values for each in row.seconds]

    def ratio(self, library: str, to: str) -> float | None:
        """Median over the rounds of the ratio of two times; None if either was not measured."""
        times, others = self.times(library), self.times(to)
        return median_ratio(times, others) if times and others else None

    @property
    def roof(self) -> str | None:
        """The store with the fastest round; None if neither was measured."""
        best = {name: min(times) for name in STORES if (times := self.times(name))}
        return min(best, key=best.__getitem__, default=None)

    def is_slow(self, library: str) -> bool:
        """Whether the first few rounds are enough for this sampler: its samples are long, and far longer than the store's."""
        ratio, row = self.ratio(library, "store"), self.rows[library]
        return library not in REFERENCES and ratio is not None and ratio > SLOW and row.calls * min(row.seconds) > LONG


def _start(row: Row, job: Job, limit: float) -> Worker | None:
    """A worker for the row; None, and the reason in the row, if there is no such sampler."""
    try:
        row.sampler, row.allocates, row.serial = describe(row.library, job)
        return Worker(row.library, job, limit)
    except (Missing, OSError) as error:
        row.skipped = str(error)
        return None


def _answer(row: Row, workers: dict[str, Worker], ask: Callable[[Worker], dict[str, Any]]) -> dict[str, Any] | None:
    """The answer of the row's worker. One that fails is closed at once, since it may be using the cores."""
    try:
        return ask(workers[row.library])
    except Failure as failure:
        row.skipped = str(failure)
        workers.pop(row.library).close()
        return None


def _turn(table: Table, row: Row, workers: dict[str, Worker], i: int) -> None:
    if row.library not in workers or (i >= FEW_ROUNDS and table.is_slow(row.library)):
        return
    time.sleep(PAUSE)
    sample = _answer(row, workers, lambda worker: worker.sample())
    if sample is not None:
        row.seconds.append(sample["seconds"])
        row.cores.append(sample["cores"])
        row.hertz.append(sample["hertz"])
        row.overhead_seconds = sample.get("overhead_seconds", row.overhead_seconds)  # in the first one


def measure(
    job: Job, libraries: Sequence[str], rounds: int, limit: float, advance: Advance = lambda done, text=None: None
) -> Table:
    """Measure one table: a row for each library, in the order of their turns, with samples or the reason why there are none.

    Laws are standard, and the truncated normal has bounds of two deviations. A worker that does not answer within `limit`
    seconds is killed. `advance` is called with 1 after each turn, and before it with 0 and the name of the sampler.
    """
    table = Table(job, rounds, {name: Row(name, TITLES[name]) for name in libraries})
    workers: dict[str, Worker] = {}
    with contextlib.ExitStack() as stack:
        for row in table.rows.values():
            worker = _start(row, job, limit)
            if worker is not None:
                stack.callback(worker.close)
                workers[row.library] = worker
        for library in list(workers):
            row = table.rows[library]
            advance(0, f"starting {TITLES[library]}")
            answer = _answer(row, workers, lambda worker: worker.answer())
            if answer is not None:
                row.values, row.calls = answer["values"], answer["calls"]
        for i in range(rounds):
            for row in table.rows.values():
                advance(0, TITLES[row.library])
                _turn(table, row, workers, i)
                advance(1)
    return table
