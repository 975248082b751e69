"""Cells in which values are counted: one for each number of a small dtype or of a law of points, or 2^16 bins."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.check import exact
from fastinit.check.exact import Array, Floats
from fastinit.check.laws import Law, is_real

BINS = 1 << 16
#: Steps of the table that leads from a value to its bin, and how many steps make a column of the picture.
GUIDE = 1 << 19
COLUMN = 1 << 10
COLUMNS = GUIDE // COLUMN


#: The chances of a normal beyond 4, 5 and 6 deviations: so much lies beyond the tested places of an infinite side.
FAR = (3.167124183311986e-05, 2.866515718791939e-07, 9.865876450376981e-10)
#: So much lies between a bound and the tested places.
NEAR = (1e-4, 1e-5, 1e-6)
#: How much the chances of neighbouring numbers of float64 may differ: by this share, or by so much that no test sees it.
EVEN, FAINT = 2.0**-10, 2.0**-32
#: A chance of infinity that is not seen.
_RARE = 1e-12


class Cells(NamedTuple):
    """The inner edges of the cells, and the chance of each cell: one more.

    `values` are the numbers that have a cell each, and `code_cells` has the cell of each bit pattern of a small dtype, or -1.
    Otherwise `starts` are the least number of each bin but the first, then infinity.
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
    """The number of each bit pattern of a small dtype; of a bool, those of its byte."""
    codes = np.arange(2 ** (8 * real.dtype.itemsize)).astype(unsigned(real))
    with np.errstate(invalid="ignore"):  # some patterns are NaN
        return np.asarray(codes if real.dtype == np.bool_ else codes.view(real.dtype), np.float64)


def counted(real: dtypes.Real) -> np.dtype[Any]:
    """The type in which values of a large dtype are compared: integers as doubles."""
    return real.dtype if is_real(real) else np.dtype(np.float64)


def _beside(x: Floats, towards: float, real: dtypes.Real) -> Floats:
    """The middle between a number of the computing type, or an integer, and its neighbour on this side."""
    if not is_real(real):
        return x + math.copysign(0.5, towards)
    kind = real.compute.type
    single = x.astype(kind)
    neighbour: Floats = np.nextafter(single, kind(towards)).astype(np.float64)
    return (single.astype(np.float64) + neighbour) / 2


def _cells_of_codes(values: Floats, real: dtypes.Real) -> npt.NDArray[np.int64]:
    """The cell of each bit pattern of a small dtype: the place of its number among the values, or -1."""
    if not is_small(real):
        return np.empty(0, np.int64)
    of_code = numbers(real)
    places = np.searchsorted(values, of_code).clip(max=len(values) - 1)
    return np.where(values[places] == of_code, places, -1)


def _points(law: Law, real: dtypes.Real) -> Cells:
    values = np.array(law.points, np.float64)
    edges = (values[1:] + values[:-1]) / 2
    return Cells(edges, np.array(law.chances), values, np.empty(0), _cells_of_codes(values, real))


def _is_reached(law: Law, real: dtypes.Real, largest: float) -> bool:
    """Whether enough of the law lies beyond the dtype's largest number to be rounded to infinity."""
    below, above = exact.below_and_above(law, real, np.array([-largest, largest]))
    return dtypes.has_infinity(real) and max(float(below[0]), float(above[1])) > _RARE


def _every(law: Law, real: dtypes.Real) -> Cells:
    least, greatest = law.ends(real)
    of_code = numbers(real)
    largest = float(of_code[np.isfinite(of_code)].max())
    first_beyond = 2 * float(dtypes.half_way_above(largest, real)) - largest  # stands for infinity, as rounding has it
    allowed = np.isfinite(of_code) | (np.isinf(of_code) & _is_reached(law, real, largest))
    allowed &= (of_code >= least) & (of_code <= greatest)
    values, places = np.unique(of_code[allowed], return_inverse=True)  # 0 and -0 are one
    is_even = np.zeros(len(values), bool)
    is_even[places] = np.flatnonzero(allowed) % 2 == 0
    spaced = values.clip(-first_beyond, first_beyond)
    middle = (spaced[1:] + spaced[:-1]) / 2
    edges = np.where(is_even[:-1], _beside(middle, math.inf, real), _beside(middle, -math.inf, real))  # ties to even
    return Cells(edges, exact.masses(law, real, edges), values, np.empty(0), _cells_of_codes(values, real))


def _has_no_middle(law: Law, real: dtypes.Real) -> bool:
    """Whether chances are needed at the middle between two numbers of float64, which is none."""
    return is_real(real) and real.compute.itemsize == 8 and law.points is None and not law.steps(real)


def _interpolated(law: Law, real: dtypes.Real, starts: Floats) -> tuple[Floats, Floats, Floats]:
    """The starts of bins, and the chances below and above the middle between each and the number before it.

    They are the means of those at both numbers. Starts beside which the density changes too fast for that are left out.
    """
    after, before = np.nextafter(starts, math.inf), np.nextafter(starts, -math.inf)
    numbers = (np.nextafter(before, -math.inf), before, starts, after)
    chances = [exact.below_and_above(law, real, each) for each in numbers]
    gaps = np.diff([below for below, _ in chances], axis=0)
    even = np.abs(gaps[[0, 2]] - gaps[1]).max(axis=0) <= np.maximum(EVEN * gaps[1], FAINT)
    below, above = (np.mean(pair, axis=0)[even] for pair in zip(chances[1], chances[2], strict=True))
    return starts[even], below, above


def _bins(law: Law, real: dtypes.Real) -> Cells:
    least, greatest = law.ends(real)
    starts = exact.quantiles(law, BINS)
    starts = np.unique(starts.astype(real.dtype) if is_real(real) else np.ceil(starts))
    starts = starts[(starts > least) & (starts <= greatest)]
    if _has_no_middle(law, real):
        starts, below, above = _interpolated(law, real, starts)
    else:
        below, above = exact.below_and_above(law, real, _beside(starts.astype(np.float64), -math.inf, real))
    edges = _beside(starts.astype(np.float64), -math.inf, real)
    starts = np.append(starts, counted(real).type(math.inf))
    return Cells(edges, exact.between(below, above), None, starts, np.empty(0, np.int64))


@functools.lru_cache(maxsize=64)
def cells(law: Law, real: dtypes.Real) -> Cells:
    """The cells of a law in a dtype."""
    return _points(law, real) if law.points is not None else _every(law, real) if is_small(real) else _bins(law, real)


class Guide(NamedTuple):
    """`table` has the bin where each step begins, from `low` on, at `scale` steps per unit; then the last bin twice.

    A value's bin is one of the 2^depth from there on.
    """

    low: float
    scale: float
    depth: int
    table: npt.NDArray[np.int32]


@functools.lru_cache(maxsize=8)
def guide(law: Law, real: dtypes.Real) -> Guide:
    """The table between whose entries a value's bin is searched."""
    low, high = exact.span(law)
    scale = GUIDE / (high - low)
    ends = low + (np.arange(GUIDE + 2) - 1e-3) / scale  # rounding may move a value up into this step
    table = np.searchsorted(cells(law, real).starts[:-1], ends, side="right").astype(np.int32)
    table[0], table[-2:] = 0, len(cells(law, real).starts) - 1
    return Guide(low, scale, int((table[2:] - table[:-2]).max()).bit_length(), table)


@functools.lru_cache(maxsize=1024)
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


def tail_between(law: Law, real: dtypes.Real, value: float, upper: bool) -> tuple[float, float]:
    """The least and the greatest chance of this number or one farther out.

    They differ for float64 alone: the middle between two of its numbers is none, so the chance is that of one or the other.
    """
    if not _has_no_middle(law, real):
        share = tail(law, real, value, upper)
        return share, share
    inner = np.nextafter(value, -math.inf if upper else math.inf)
    below, above = exact.below_and_above(law, real, np.array([value, inner]))
    found = above if upper else below
    return float(found[0]), float(found[1])


@functools.lru_cache(maxsize=64)
def thresholds(law: Law, real: dtypes.Real) -> tuple[list[float], list[float]]:
    """Numbers towards the lower and the upper end, beyond which values are counted: few lie there.

    Before a bound, a small dtype needs none, because each number has its cell.
    """
    if law.points is not None:
        return [], []
    sides: list[list[float]] = []
    for end, at in ((law.a, law.base().ppf), (law.b, law.base().isf)):
        shares = FAR if math.isinf(end) else () if is_small(real) else NEAR
        with np.errstate(over="ignore"):  # beyond the largest number is infinity
            sides.append([float(counted(real).type(at(q))) for q in shares])
    return sides[0], sides[1]
