"""The cells that values are counted in: each number of a small dtype, or 2^16 equally likely bins of a large one."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.check import laws
from fastinit.check.laws import Array, Floats, Law

BINS = 1 << 16
#: Steps of the table that leads from a value to its bin, and how many of them make a column of the picture.
GUIDE = 1 << 19
COLUMN = 1 << 10
COLUMNS = GUIDE // COLUMN


class Cells(NamedTuple):
    """`edges` are the inner ones; `mass` has one entry more. `values` are what a small dtype's cells hold."""

    edges: Floats
    mass: Floats
    values: Floats | None
    starts: Array  # of a large dtype: the least number of each bin but the first, then infinity
    code_cells: npt.NDArray[np.int64]  # of a small dtype: the cell of each code, or -1


def is_small(real: dtypes.Real) -> bool:
    """Whether every number of the dtype can be counted by itself."""
    return real.dtype.itemsize <= 2


def unsigned(real: dtypes.Real) -> np.dtype[Any]:
    """The integers that hold the dtype's bits."""
    return np.dtype(f"u{real.dtype.itemsize}")


def numbers(real: dtypes.Real) -> Floats:
    """The number that each code of a small dtype stands for."""
    codes = np.arange(2 ** (8 * real.dtype.itemsize)).astype(unsigned(real))
    with np.errstate(invalid="ignore"):  # not every code is a number
        return np.asarray(codes.view(real.dtype), np.float64)


def _beside(x: Floats, towards: float, real: dtypes.Real) -> Floats:
    """Half way between a number of the computing type and its neighbour."""
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
    return Cells(edges, laws.masses(law, real, edges), values, np.empty(0), code_cells)


def _bins(law: Law, real: dtypes.Real) -> Cells:
    least, greatest = law.ends(real)
    starts = np.unique(laws.quantiles(law, BINS).astype(real.dtype))
    starts = starts[(starts > least) & (starts <= greatest)]
    edges = _beside(starts.astype(np.float64), -math.inf, real)
    starts = np.append(starts, real.dtype.type(math.inf))
    return Cells(edges, laws.masses(law, real, edges), None, starts, np.empty(0, np.int64))


@functools.lru_cache(maxsize=64)
def cells(law: Law, real: dtypes.Real) -> Cells:
    """The cells of a law in a dtype."""
    return _every(law, real) if is_small(real) else _bins(law, real)


class Guide(NamedTuple):
    """The bin of the lower end of each step between `low` and its other end, `scale` steps to the unit."""

    low: float
    scale: float
    table: npt.NDArray[np.int32]


@functools.lru_cache(maxsize=8)
def guide(law: Law, real: dtypes.Real) -> Guide:
    """How to find a value's bin without a search."""
    low, high = laws.span(law)
    scale = GUIDE / (high - low)
    ends = low + (np.arange(GUIDE) - 1e-3) / scale  # a step's arithmetic may round a value up into it
    table = np.searchsorted(cells(law, real).starts[:-1], ends, side="right").astype(np.int32)
    table[0] = 0
    return Guide(low, scale, table)


def mass_from(law: Law, real: dtypes.Real, value: float) -> float:
    """The chance of this number or more."""
    found = cells(law, real)
    if found.values is not None:
        return float(found.mass[found.values >= value].sum())
    edge = _beside(np.array([value]), -math.inf, real)
    return float(laws.below_and_above(law, real, edge)[1][0])


def mass_up_to(law: Law, real: dtypes.Real, value: float) -> float:
    """The chance of this number or less."""
    found = cells(law, real)
    if found.values is not None:
        return float(found.mass[found.values <= value].sum())
    edge = _beside(np.array([value]), math.inf, real)
    return float(laws.below_and_above(law, real, edge)[0][0])


def mass_at(law: Law, real: dtypes.Real, value: float) -> float:
    """The chance of this number."""
    found = cells(law, real)
    if found.values is not None:
        return float(found.mass[found.values == value].sum())
    ends = np.array([value])
    edges = np.append(_beside(ends, -math.inf, real), _beside(ends, math.inf, real))
    return float(laws.masses(law, real, edges)[1])


def thresholds(law: Law, real: dtypes.Real) -> tuple[list[float], list[float]]:
    """Numbers of the dtype towards the lower and the upper end: 6, 5 and 4 deviations out where there is no bound.

    Else those that leave 10^-4, 10^-5 and 10^-6 beyond them; none in a small dtype, whose every number is a cell.
    """
    sides: list[list[float]] = []
    base = laws.base(law)
    for sign, end, at in ((-1, law.a, base.ppf), (1, law.b, base.isf)):
        if math.isinf(end) and float(base.cdf(-4.0) if sign < 0 else base.sf(4.0)) < 0.01:
            sides.append([sign * float(k) for k in (4, 5, 6)])
        elif is_small(real):
            sides.append([])
        else:
            sides.append([float(real.dtype.type(at(q))) for q in (1e-4, 1e-5, 1e-6)])
    return sides[0], sides[1]
