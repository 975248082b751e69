"""Cells in which values are counted: one for each number of a small dtype, or 2^16 equally likely bins of a large one."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.check import exact
from fastinit.check.exact import Array, Floats
from fastinit.check.laws import Law

BINS = 1 << 16
#: Steps of the table that leads from a value to its bin, and how many steps make a column of the picture.
GUIDE = 1 << 19
COLUMN = 1 << 10
COLUMNS = GUIDE // COLUMN


class Cells(NamedTuple):
    """The inner edges of the cells, and the chance of each cell: one more.

    `values` are the numbers of a small dtype, a cell each, and `code_cells` has the cell of each bit pattern, or -1. For a
    large dtype, `starts` are the least number of each bin but the first, then infinity.
    """

    edges: Floats
    mass: Floats
    values: Floats | None
    starts: Array
    code_cells: npt.NDArray[np.int64]


def is_small(real: dtypes.Real) -> bool:
    """Whether each number of the dtype has its own cell."""
    return real.dtype.itemsize <= 2


def unsigned(real: dtypes.Real) -> np.dtype[Any]:
    """The unsigned integers of the dtype's size."""
    return np.dtype(f"u{real.dtype.itemsize}")


def numbers(real: dtypes.Real) -> Floats:
    """The number of each bit pattern of a small dtype."""
    codes = np.arange(2 ** (8 * real.dtype.itemsize)).astype(unsigned(real))
    with np.errstate(invalid="ignore"):  # some patterns are NaN
        return np.asarray(codes.view(real.dtype), np.float64)


def _beside(x: Floats, towards: float, real: dtypes.Real) -> Floats:
    """The middle between a number of the computing type and its neighbour on this side."""
    kind = real.compute.type
    single = x.astype(kind)
    neighbour: Floats = np.nextafter(single, kind(towards)).astype(np.float64)
    return (single.astype(np.float64) + neighbour) / 2


def _every(law: Law, real: dtypes.Real) -> Cells:
    least, greatest = law.ends(real)
    of_code = numbers(real)
    allowed = np.isfinite(of_code) & (of_code >= least) & (of_code <= greatest)
    values, places = np.unique(of_code[allowed], return_inverse=True)  # 0 and -0 are one
    code_cells = np.full(len(of_code), -1)
    code_cells[allowed] = places
    is_even = np.zeros(len(values), bool)
    is_even[places] = np.flatnonzero(allowed) % 2 == 0
    middle = (values[1:] + values[:-1]) / 2
    edges = np.where(is_even[:-1], _beside(middle, math.inf, real), _beside(middle, -math.inf, real))  # ties to even
    return Cells(edges, exact.masses(law, real, edges), values, np.empty(0), code_cells)


def _bins(law: Law, real: dtypes.Real) -> Cells:
    least, greatest = law.ends(real)
    starts = np.unique(exact.quantiles(law, BINS).astype(real.dtype))
    starts = starts[(starts > least) & (starts <= greatest)]
    edges = _beside(starts.astype(np.float64), -math.inf, real)
    starts = np.append(starts, real.dtype.type(math.inf))
    return Cells(edges, exact.masses(law, real, edges), None, starts, np.empty(0, np.int64))


@functools.lru_cache(maxsize=64)
def cells(law: Law, real: dtypes.Real) -> Cells:
    """The cells of a law in a dtype."""
    return _every(law, real) if is_small(real) else _bins(law, real)


class Guide(NamedTuple):
    """`table` has the bin of each step, from `low` on, at `scale` steps per unit."""

    low: float
    scale: float
    table: npt.NDArray[np.int32]


@functools.lru_cache(maxsize=8)
def guide(law: Law, real: dtypes.Real) -> Guide:
    """The table that leads to a value's bin without a search."""
    low, high = exact.span(law)
    scale = GUIDE / (high - low)
    ends = low + (np.arange(GUIDE) - 1e-3) / scale  # rounding may move a value up into this step
    table = np.searchsorted(cells(law, real).starts[:-1], ends, side="right").astype(np.int32)
    table[0] = 0
    return Guide(low, scale, table)


def mass(law: Law, real: dtypes.Real, low: float = -math.inf, high: float = math.inf) -> float:
    """The chance of a number from `low` to `high`, both included."""
    grid = cells(law, real)
    if grid.values is not None:
        return float(grid.mass[(grid.values >= low) & (grid.values <= high)].sum())
    edges = np.append(_beside(np.array([low]), -math.inf, real), _beside(np.array([high]), math.inf, real))
    return float(exact.masses(law, real, edges)[1])


def tail(law: Law, real: dtypes.Real, value: float, upper: bool) -> float:
    """The chance of this number or one farther out on a side."""
    return mass(law, real, low=value) if upper else mass(law, real, high=value)


def thresholds(law: Law, real: dtypes.Real) -> tuple[list[float], list[float]]:
    """Numbers towards the lower and the upper end, beyond which values are counted.

    On an infinite side they lie 4, 5 and 6 deviations out. Before a bound, 10^-4, 10^-5 and 10^-6 of the values lie beyond
    them; a small dtype needs none there, because each number has its cell.
    """
    sides: list[list[float]] = []
    base = exact.base(law)
    for sign, end, at in ((-1, law.a, base.ppf), (1, law.b, base.isf)):
        if math.isinf(end) and float(base.cdf(-4.0) if sign < 0 else base.sf(4.0)) < 0.01:
            sides.append([sign * float(k) for k in (4, 5, 6)])
        elif is_small(real):
            sides.append([])
        else:
            sides.append([float(real.dtype.type(at(q))) for q in (1e-4, 1e-5, 1e-6)])
    return sides[0], sides[1]
