"""What a sample comes to, block by block, in constant memory: counts of cells, sums of powers, ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from fastinit.arguments import dtypes
from fastinit.check import cells, laws
from fastinit.check.laws import Array, Floats, Law
from fastinit.kernels import cpus

POWERS = 8
#: Places in `ends`: the extremes; how many are no numbers or outside the bounds, and at either bound; then the tails.
LEAST, GREATEST, OUTSIDE, AT_LOW, AT_HIGH, TAILS = range(6)
SIDE = 3


def _tally(x, starts, table, place, bounds, tails, counts, columns, sums, ends):  # type: ignore[no-untyped-def]
    low, scale, centre, factor = place
    last, columns_last, step = table.size - 1, columns.size - 1, table.size // columns.size
    for i in range(x.size):
        v = x[i]
        if not bounds[0] <= v <= bounds[1] or abs(v) == np.inf:
            ends[OUTSIDE] += 1
            continue
        g = min(max(np.int64((v - low) * scale), 0), last)
        b = table[g]
        while v >= starts[b]:
            b += 1
        counts[b] += 1
        columns[min(g // step, columns_last)] += 1
        y = (v - centre) * factor
        power = 1.0
        for k in range(POWERS):
            power *= y
            sums[k] += power
        if v < ends[LEAST]:
            ends[LEAST] = v
        if v > ends[GREATEST]:
            ends[GREATEST] = v
        ends[AT_LOW] += v == bounds[0]
        ends[AT_HIGH] += v == bounds[1]
        if v <= tails[0]:
            for k in range(SIDE):
                ends[TAILS + k] += v <= tails[k]
        if v >= tails[SIDE]:
            for k in range(SIDE):
                ends[TAILS + SIDE + k] += v >= tails[SIDE + k]


def _count(codes, counts):  # type: ignore[no-untyped-def]
    for i in range(codes.size):
        counts[codes[i]] += 1


def _compiled(function: Any) -> Any:
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # no directory to keep a cache in
        return njit(nogil=True, error_model="numpy")(function)


tally, count_codes = _compiled(_tally), _compiled(_count)


class Summary(NamedTuple):
    """A sample's statistics: `counts` by cells, `columns` for the picture, `sums` of standardised powers, `ends`."""

    size: int
    counts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    sums: Floats
    ends: Floats


class Counter:
    """Adds blocks of a law's values up; the work is shared by as many threads as a fill."""

    def __init__(self, law: Law, real: dtypes.Real) -> None:
        self.law, self.real, self.size = law, real, 0
        self.small = cells.is_small(real)
        self.cells = cells.cells(law, real)
        self.tails = cells.thresholds(law, real)
        parts = cpus.allowed()
        length = 2 ** (8 * real.dtype.itemsize) if self.small else len(self.cells.mass)
        self._counts = np.zeros((parts, length), np.int64)
        self._columns = np.zeros((parts, cells.COLUMNS), np.int64)
        self._sums = np.zeros((parts, POWERS))
        self._ends = np.zeros((parts, TAILS + 2 * SIDE))
        self._ends[:, LEAST], self._ends[:, GREATEST] = math.inf, -math.inf
        self._pool = ThreadPoolExecutor(parts)

    def add(self, x: Array) -> None:
        """Count a block, of the dtype."""
        self.size += x.size
        work = self._count_small if self.small else self._tally_large
        pieces = np.array_split(x, len(self._counts))
        for done in [self._pool.submit(work, i, piece) for i, piece in enumerate(pieces)]:
            done.result()

    def _count_small(self, part: int, x: Array) -> None:
        count_codes(x.view(cells.unsigned(self.real)), self._counts[part])

    def _tally_large(self, part: int, x: Array) -> None:
        way, moments = cells.guide(self.law, self.real), laws.moments(self.law, self.real)
        place = (way.low, way.scale, moments.mean, 1.0 / moments.deviation)
        down, up = (tuple(side) for side in self.tails)
        tally(
            *(x, self.cells.starts, way.table, place, self.law.ends(self.real), down + up),
            *(self._counts[part], self._columns[part], self._sums[part], self._ends[part]),
        )

    def summary(self) -> Summary:
        """What came so far."""
        counts, sums = self._counts.sum(0), self._sums.sum(0)
        if self.small:
            return self._from_codes(counts)
        ends = self._ends.sum(0)
        ends[LEAST], ends[GREATEST] = self._ends[:, LEAST].min(), self._ends[:, GREATEST].max()
        return Summary(self.size, counts, self._columns.sum(0), sums, ends)

    def _from_codes(self, codes: npt.NDArray[np.int64]) -> Summary:
        """The same statistics, from how often each number of a small dtype came."""
        inside = self.cells.code_cells >= 0
        values: Floats = self.cells.values if self.cells.values is not None else np.empty(0)
        counts = np.bincount(self.cells.code_cells[inside], codes[inside], len(values)).astype(np.int64)
        moments = laws.moments_of(values, self.cells.mass)
        y = (values[counts > 0] - moments.mean) / max(moments.deviation, 1e-300)
        sums = np.array([counts[counts > 0] @ y**k for k in range(1, POWERS + 1)])
        ends = np.zeros(TAILS + 2 * SIDE)
        seen = values[counts > 0]
        ends[LEAST], ends[GREATEST] = (seen[0], seen[-1]) if len(seen) else (math.inf, -math.inf)
        ends[OUTSIDE] = codes[~inside].sum()
        ends[AT_LOW], ends[AT_HIGH] = counts[0], counts[-1]
        self._fill_tails(ends, values, counts)
        low, high = laws.span(self.law)
        columns = np.histogram(values, cells.COLUMNS, (low, high), weights=counts)[0].astype(np.int64)
        return Summary(self.size, counts, columns, sums, ends)

    def _fill_tails(self, ends: Floats, values: Floats, counts: npt.NDArray[np.int64]) -> None:
        down, up = self.tails
        for k, value in enumerate(down):
            ends[TAILS + k] = counts[values <= value].sum()
        for k, value in enumerate(up):
            ends[TAILS + SIDE + k] = counts[values >= value].sum()

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown()


def summarise(law: Law, real: dtypes.Real, blocks: Sequence[Array]) -> Summary:
    """The statistics of a few blocks."""
    counter = Counter(law, real)
    try:
        for x in blocks:
            counter.add(x)
        return counter.summary()
    finally:
        counter.close()
