"""Two runs side by side: how much longer each sampler took in the second one, and whether that is more than noise."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from fastinit.bench.figures import quartiles
from fastinit.bench.markdown import grid, wrapped
from fastinit.bench.samplers import REFERENCES, TITLES
from fastinit.bench.session import Table
from fastinit.bench.table import counted, number, percent

#: The least change of a median that counts, as a ratio.
LEAST = 1.03
#: Rounds of each run from which there is a verdict. Of samplers that have not changed the rule calls 5 in 1,000 changed with 7
#: rounds, 4 in 10,000 with 9: 2 (n + 1) of the C(2n, n) orders of two runs' samples, which are equally likely.
ROUNDS = 7
HEAD = ("sampler", "a: ns", "b: ns", "b / a", "+/- %", "to the store", "verdict")

Key = tuple[object, ...]


def _is_above(times: Sequence[float], others: Sequence[float]) -> bool:
    """Whether all times are longer than all others but the longest: another process can make one sample of a run longer."""
    return min(times) > sorted(others)[-2] and statistics.median(times) >= LEAST * statistics.median(others)


class Change(NamedTuple):
    """A sampler in two tables: nanoseconds a value in each round, and the ratio of its times over the store's."""

    library: str
    before: Sequence[float]
    after: Sequence[float]
    relative: float | None

    @property
    def ratio(self) -> float:
        """The ratio of the medians; above 1, the second run is slower."""
        return statistics.median(self.after) / statistics.median(self.before)

    @property
    def noise_percent(self) -> float | None:
        """Half the distance between the ratios of opposite quartiles, over the ratio; None for a single round."""
        before, after = quartiles(self.before), quartiles(self.after)
        if before is None or after is None:
            return None
        return 50 * (after.high / before.low - after.low / before.high) / self.ratio

    @property
    def verdict(self) -> str:
        """`slower` or `faster` if that is more than noise, `few rounds` if that cannot be said, else empty."""
        if min(len(self.before), len(self.after)) < ROUNDS:
            return "few rounds"
        return "slower" if _is_above(self.after, self.before) else "faster" if _is_above(self.before, self.after) else ""


def key(table: Table) -> Key:
    """What two tables must have in common. Sizes named by a cache are the same question, even if the caches are not."""
    job = table.job
    return (job.law, job.dtype, job.buffer, job.threads, job.device, job.place or job.values)


def pairs(before: Sequence[Table], after: Sequence[Table]) -> list[tuple[Table, Table]]:
    """The tables that both runs have; ValueError if there are none."""
    known = {key(table): table for table in before}
    both = [(known[key(table)], table) for table in after if key(table) in known]
    if not both:
        raise ValueError("--compare: no two tables agree in law, dtype, size, buffer, threads and device")
    return both


def changes(before: Table, after: Table) -> list[Change]:
    """A change for each sampler that both tables have measured."""
    found = []
    for library in after.rows:
        old, new = ([1e9 * each / table.job.values for each in table.times(library)] for table in (before, after))
        if old and new:
            ratios = before.ratio(library, "store"), after.ratio(library, "store")
            found.append(Change(library, old, new, ratios[1] / ratios[0] if ratios[0] and ratios[1] else None))
    return found


def failures(before: Table, after: Table) -> dict[str, str]:
    """Why samplers that the first table has measured have no times in the second one, by library."""
    lost = [library for library in before.rows if before.times(library) and not after.times(library)]
    asked = [library for library in lost if library in after.rows or library in REFERENCES]  # other peers were not asked for
    return {library: after.rows[library].skipped or "" if library in after.rows else "was left out" for library in asked}


def _heading(before: Table, after: Table) -> str:
    """What the two tables have in common."""
    job = after.job
    counts = dict.fromkeys((before.job.values, job.values))
    size = f"{' and '.join(f'{count:,}' for count in counts)} values" + (f" for {job.place.upper()}" if job.place else "")
    place = "on a CUDA device" if job.device == "cuda" else f"{job.buffer} buffer, {counted(job.threads, 'thread')}"
    return f"{job.law} {job.dtype}, {size}, {place}, {before.rounds} and {after.rounds} rounds"


def text(before: Table, after: Table) -> str:
    """A table of the changes, and a line for each sampler that failed in the second run."""
    cells = [
        (
            TITLES.get(change.library, change.library),
            number(statistics.median(change.before)),
            number(statistics.median(change.after)),
            number(change.ratio),
            percent(change.noise_percent),
            number(change.relative),
            change.verdict,
        )
        for change in changes(before, after)
    ]
    lost = [f"- {TITLES.get(name, name)}: failed: {reason}" for name, reason in failures(before, after).items()]
    body = grid(HEAD, cells, left=(HEAD[0], HEAD[-1]))
    return "\n".join(
        [wrapped(_heading(before, after)), "", body, *([""] if lost else []), *(wrapped(line, "  ") for line in lost)]
    )


def has_worse_fills(both: Sequence[tuple[Table, Table]]) -> bool:
    """Whether fastinit failed, or became slower by more than noise, in one of the tables."""
    slower = any(change.verdict == "slower" for pair in both for change in changes(*pair) if change.library == "fastinit")
    return slower or any("fastinit" in failures(*pair) for pair in both)
