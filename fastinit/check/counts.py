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
from fastinit.check.exact import Array, Floats
from fastinit.check.laws import Law
from fastinit.kernels import cpus

POWERS = 8
#: Places in `ends`: the extremes; how many values are outside the bounds or not finite, and at either bound; the tails.
LEAST, GREATEST, OUTSIDE, AT_LOW, AT_HIGH, TAILS = range(6)
SIDE = 3


def _tally(x, starts, table, scales, bounds, tails, counts, columns, sums, ends):  # type: ignore[no-untyped-def]
    low, scale, centre, factor = scales
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
    except RuntimeError:  # there is no directory for a cache
        return njit(nogil=True, error_model="numpy")(function)


tally, count_codes = _compiled(_tally), _compiled(_count)


class Summary(NamedTuple):
    """Statistics of a sample: `counts` by cells, `sums` of standardised powers, `ends`.

    `columns` are counts of equally wide intervals for the picture; a small dtype has none.
    """

    size: int
    counts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    sums: Floats
    ends: Floats


class _Counter:
    """Adds up blocks of values in several parts, one for each thread."""

    def __init__(self, law: Law, real: dtypes.Real, parts: int) -> None:
        self.law, self.real = law, real
        self.cells = cells.cells(law, real)
        self.tails = cells.thresholds(law, real)
        length = 2 ** (8 * real.dtype.itemsize) if cells.is_small(real) else len(self.cells.mass)
        self.counts = np.zeros((parts, length), np.int64)
        self.columns = np.zeros((parts, cells.COLUMNS), np.int64)
        self.sums = np.zeros((parts, POWERS))
        self.ends = np.zeros((parts, TAILS + 2 * SIDE))
        self.ends[:, LEAST], self.ends[:, GREATEST] = math.inf, -math.inf

    def add(self, part: int, x: Array) -> None:
        """Count the values of one part of a block."""
        if cells.is_small(self.real):
            count_codes(x.view(cells.unsigned(self.real)), self.counts[part])
            return
        guide, moments = cells.guide(self.law, self.real), exact.moments(self.law, self.real)
        scales = (guide.low, guide.scale, moments.mean, 1.0 / moments.deviation)
        down, up = (tuple(side) for side in self.tails)
        tally(
            *(x, self.cells.starts, guide.table, scales, self.law.ends(self.real), down + up),
            *(self.counts[part], self.columns[part], self.sums[part], self.ends[part]),
        )

    def summary(self, size: int) -> Summary:
        """The statistics of all parts."""
        counts, ends = self.counts.sum(0), self.ends.sum(0)
        if self.cells.values is not None:
            return self._from_codes(size, counts, self.cells.values)
        ends[LEAST], ends[GREATEST] = self.ends[:, LEAST].min(), self.ends[:, GREATEST].max()
        return Summary(size, counts, self.columns.sum(0), self.sums.sum(0), ends)

    def _from_codes(self, size: int, codes: npt.NDArray[np.int64], values: Floats) -> Summary:
        """The statistics, from the counts of each bit pattern of a small dtype."""
        inside = self.cells.code_cells >= 0
        counts = np.bincount(self.cells.code_cells[inside], codes[inside], len(values)).astype(np.int64)
        moments, seen = exact.moments_of(values, self.cells.mass), counts > 0
        y = (values[seen] - moments.mean) / max(moments.deviation, 1e-300)
        sums = np.array([counts[seen] @ y**k for k in range(1, POWERS + 1)])
        ends = np.zeros(TAILS + 2 * SIDE)
        ends[LEAST], ends[GREATEST] = values[seen].min(initial=math.inf), values[seen].max(initial=-math.inf)
        ends[OUTSIDE] = codes[~inside].sum()
        ends[AT_LOW], ends[AT_HIGH] = counts[0], counts[-1]
        for k, value in enumerate(self.tails[0]):
            ends[TAILS + k] = counts[values <= value].sum()
        for k, value in enumerate(self.tails[1]):
            ends[TAILS + SIDE + k] = counts[values >= value].sum()
        return Summary(size, counts, np.empty(0, np.int64), sums, ends)


def summarise(law: Law, real: dtypes.Real, blocks: Iterable[Array]) -> Summary:
    """The statistics of blocks of values, counted with as many threads as a fill uses."""
    parts, size = cpus.allowed(), 0
    counter = _Counter(law, real, parts)
    with ThreadPoolExecutor(parts) as pool:
        for x in blocks:
            size += x.size
            list(pool.map(counter.add, range(parts), np.array_split(x, parts)))
    return counter.summary(size)
