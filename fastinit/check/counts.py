"""Statistics of a sample, added up block by block in constant memory: counts of cells, sums of powers, ends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from fastinit.arguments import dtypes
from fastinit.check import cells, exact
from fastinit.check.cells import COLUMN
from fastinit.check.exact import Array, Floats
from fastinit.check.laws import Law
from fastinit.kernels import cpus

POWERS = 8
#: Places in `ends`: the extremes; how many values are outside the bounds or not finite, and at either bound; the tails.
LEAST, GREATEST, OUTSIDE, AT_LOW, AT_HIGH, TAILS = range(6)
SIDE = 3


def _place(x, starts, table, low, scale, depth, counts, columns):  # type: ignore[no-untyped-def]
    last = table.size - 3
    for i in range(x.size):
        place = (x[i] - low) * scale
        g = np.int64(min(max(place, 0.0), last))
        b = np.int64(table[g])
        for k in range(depth):  # no branches, which would be guessed wrong half of the time
            half = np.int64(1) << (depth - 1 - k)
            b += half * (x[i] >= starts[b + half - 1])
        counts[b] += 1
        if 0.0 <= place <= last + 1:
            columns[g // COLUMN] += 1


def _add_powers(x, centre, factor, sums):  # type: ignore[no-untyped-def]
    s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = 0.0
    for i in range(x.size):
        y = (x[i] - centre) * factor
        y2 = y * y
        y3, y4 = y2 * y, y2 * y2
        s1 += y
        s2 += y2
        s3 += y3
        s4 += y4
        s5 += y4 * y
        s6 += y4 * y2
        s7 += y4 * y3
        s8 += y4 * y4
    sums += np.array((s1, s2, s3, s4, s5, s6, s7, s8))


def _count(codes, counts):  # type: ignore[no-untyped-def]
    for i in range(codes.size):
        counts[codes[i]] += 1


def _compiled(function: Any) -> Any:
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # there is no directory for a cache
        return njit(nogil=True, error_model="numpy")(function)


place, add_powers, count_codes = _compiled(_place), _compiled(_add_powers), _compiled(_count)


class Summary(NamedTuple):
    """Statistics of a sample: `counts` by cells, `sums` of standardised powers of values in bins, `ends`.

    `columns` are counts of equally wide intervals for the picture, where values are counted in bins. `stopped` is the
    interrupt that ended the sample early.
    """

    size: int
    counts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    sums: Floats
    ends: Floats
    stopped: KeyboardInterrupt | None = None


class _Bins:
    """Counts values in bins, in several parts, one for each thread."""

    def __init__(self, law: Law, real: dtypes.Real, parts: int) -> None:
        grid, self.guide = cells.cells(law, real), cells.guide(law, real)
        self.starts = np.append(grid.starts, np.full(1 << self.guide.depth, math.inf, grid.starts.dtype))
        moments = exact.moments(law, real) if law.moments else None
        self.standard = (moments.mean, 1.0 / moments.deviation) if moments else (0.0, 0.0)
        self.type, self.bounds, self.tails = cells.counted(real), law.ends(real), cells.thresholds(law, real)
        self.counts = np.zeros((parts, len(grid.mass)), np.int64)
        self.columns = np.zeros((parts, cells.COLUMNS), np.int64)
        self.sums = np.zeros((parts, POWERS))
        self.ends = np.zeros((parts, TAILS + 2 * SIDE))
        self.ends[:, LEAST], self.ends[:, GREATEST] = math.inf, -math.inf

    def add(self, part: int, x: Array) -> None:
        """Count the values of one part of a block."""
        x = self._inside(self.ends[part], x.astype(self.type, copy=False))
        if not x.size:
            return
        self._add_ends(self.ends[part], x)
        add_powers(x, *self.standard, self.sums[part])
        guide = self.guide
        place(x, self.starts, guide.table, guide.low, guide.scale, guide.depth, self.counts[part], self.columns[part])

    def _inside(self, ends: Floats, x: Array) -> Array:
        """The values that are finite and inside the bounds; how many are not is counted."""
        (low, high), largest = self.bounds, float(np.finfo(x.dtype).max)
        if x.size and max(low, -largest) <= float(x.min()) and float(x.max()) <= min(high, largest):
            return x
        inside = x[(x >= np.float64(low)) & (x <= np.float64(high)) & np.isfinite(x)]
        ends[OUTSIDE] += x.size - inside.size
        return inside

    def _add_ends(self, ends: Floats, x: Array) -> None:
        least, greatest = float(x.min()), float(x.max())
        ends[LEAST], ends[GREATEST] = min(ends[LEAST], least), max(ends[GREATEST], greatest)
        for at, bound, end in ((AT_LOW, self.bounds[0], least), (AT_HIGH, self.bounds[1], greatest)):
            ends[at] += np.count_nonzero(x == bound) if end == bound else 0
        down, up = self.tails
        if least <= down[0]:
            ends[TAILS : TAILS + SIDE] += [np.count_nonzero(x <= value) for value in down]
        if greatest >= up[0]:
            ends[TAILS + SIDE :] += [np.count_nonzero(x >= value) for value in up]

    def summary(self) -> Summary:
        """The statistics of all parts."""
        counts, ends = self.counts.sum(0), self.ends.sum(0)
        ends[LEAST], ends[GREATEST] = self.ends[:, LEAST].min(), self.ends[:, GREATEST].max()
        return Summary(int(counts.sum()) + int(ends[OUTSIDE]), counts, self.columns.sum(0), self.sums.sum(0), ends)


class _Numbers:
    """Counts each number by itself: the bit patterns of a small dtype, or the values of a law of points."""

    def __init__(self, law: Law, real: dtypes.Real, parts: int) -> None:
        self.grid, self.tails = cells.cells(law, real), cells.thresholds(law, real)
        assert self.grid.values is not None
        self.values = self.grid.values
        self.unsigned = cells.unsigned(real) if cells.is_small(real) else None
        length = len(self.grid.code_cells) if self.unsigned else len(self.values) + 1
        self.counts = np.zeros((parts, length), np.int64)

    def add(self, part: int, x: Array) -> None:
        """Count the values of one part of a block; the last place of a law of points is for all others."""
        if self.unsigned:
            codes = x.view(self.unsigned)
        else:
            codes = np.searchsorted(self.values, x).clip(max=len(self.values) - 1)
            codes[self.values[codes] != x] = len(self.values)
        count_codes(codes, self.counts[part])

    def summary(self) -> Summary:
        """The statistics of all parts."""
        values, counts = self.values, self.counts.sum(0)
        size = int(counts.sum())
        if self.unsigned:
            inside = self.grid.code_cells >= 0
            outside = counts[~inside].sum()
            counts = np.bincount(self.grid.code_cells[inside], counts[inside], len(values)).astype(np.int64)
        else:
            counts, outside = counts[:-1], counts[-1]
        seen, ends = values[counts > 0], np.zeros(TAILS + 2 * SIDE)
        ends[LEAST], ends[GREATEST] = seen.min(initial=math.inf), seen.max(initial=-math.inf)
        ends[OUTSIDE], ends[AT_LOW], ends[AT_HIGH] = outside, counts[0], counts[-1]
        for k, value in enumerate(self.tails[0]):
            ends[TAILS + k] = counts[values <= value].sum()
        for k, value in enumerate(self.tails[1]):
            ends[TAILS + SIDE + k] = counts[values >= value].sum()
        return Summary(size, counts, np.empty(0, np.int64), np.empty(0), ends)


def summarise(law: Law, real: dtypes.Real, blocks: Iterable[Array]) -> Summary:
    """The statistics of blocks of values, counted with as many threads as a fill uses.

    An interrupt ends them early: the threads finish what they have begun, and the statistics are those of what was counted.
    """
    parts, stopped = cpus.allowed(), None
    with exact.quiet():
        counter = _Bins(law, real, parts) if cells.cells(law, real).values is None else _Numbers(law, real, parts)
    try:
        with ThreadPoolExecutor(parts) as pool:
            for x in blocks:
                list(pool.map(counter.add, range(parts), np.array_split(x, parts)))
    except KeyboardInterrupt as stop:
        stopped = stop
    return counter.summary()._replace(stopped=stopped)
