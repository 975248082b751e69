"""The probability integral transform: values through their exact distribution function to words, for test batteries."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.check import exact, laws
from fastinit.laws import Distribution

#: Bits of a word from a value: far fewer than it has, so that few numbers lie at the border of two words.
BITS = {"float32": 16, "float64": 32}
#: Greatest chance of a number: a word stands for 16 numbers at least. For the standard normal law in float32 it is 2^-25.
GRAIN = 2.0**-20
#: Leading bits of a float32 number that look up its cell.
LEADING = 24


class Cells(NamedTuple):
    """The line cut into 2^16 equally likely cells, and the float32 numbers in which the cuts lie."""

    #: The first cell that a number may be in, by its leading bits in the order of the numbers.
    first: npt.NDArray[np.uint16]
    #: The number that each cut rounds to; infinity after the last.
    cuts: npt.NDArray[np.float32]
    #: How much of the chance of that number lies below the cut.
    below: npt.NDArray[np.float64]


def words(distribution: Distribution, dtype: str, seed: int) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """A function from values to words; `seed` is for the few values whose word is a matter of chance."""
    if dtype not in BITS:
        raise ValueError(f"dtype must be {' or '.join(BITS)} for words of values; got {dtype!r}")
    if distribution.name not in laws.EXACT or (law := laws.of(distribution)).points is not None:
        raise ValueError(f"law must be a continuous one of fastinit.laws for words of values; got {distribution!r}")
    if dtype == "float32":
        return functools.partial(_halves, cells(law), np.random.default_rng(seed))
    return functools.partial(_words, law.base())


def _words(base: Any, values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    """Words of 32 bits: the leading bits of the chance of at most each value."""
    chances: npt.NDArray[np.float64] = base.cdf(values.ravel())
    return np.minimum(chances * 2.0**32, 2.0**32 - 1).astype(np.uint32)


def cells(law: laws.Law) -> Cells:
    """Cut the line for a law."""
    base = law.base()
    chances = np.arange(1, 1 << 16) / 2.0**16
    cuts = np.asarray(base.ppf(chances), np.float32)
    real = next(real for real in law.reals if real.name == "float32")
    below = _below(law, real, cuts, chances)
    # how many cuts have less leading bits than a number, and so lie below it
    counts = np.bincount(_order(cuts.view(np.uint32)) >> np.uint32(32 - LEADING), minlength=1 << LEADING)
    first = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.uint16)
    return Cells(first, np.append(cuts, np.float32(np.inf)), np.append(below, 1.0))


def _below(
    law: laws.Law, real: dtypes.Real, cuts: npt.NDArray[np.float32], chances: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How much of the chance of each number lies below the cut that rounds to it."""
    middle = cuts.astype(np.float64)
    lower, upper = ((middle + np.nextafter(cuts, np.float32(end))) / 2 for end in (-np.inf, np.inf))
    start, end = (exact.below_and_above(law, real, edges)[0] for edges in (lower, upper))
    if (end - start).max() > GRAIN:
        raise ValueError(f"law must have numbers of a chance below 2^-20 each, for words of values; got {law.title} in float32")
    # where a number is too small to have a chance in float64, as 0, its side does not matter
    below = np.full(len(cuts), 0.5)
    np.divide(chances - start, end - start, out=below, where=end > start)
    return below.clip(0.0, 1.0)


@numba.vectorize  # type: ignore[untyped-decorator]
def _order(raw: Any) -> Any:
    """The bits of a float32 number, so that greater numbers have greater ones."""
    return ~raw if raw >> np.uint32(31) else raw ^ np.uint32(1 << 31)


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _find(values: Any, raw: Any, first: Any, cuts: Any, below: Any, sides: Any, out: Any) -> None:
    """Write the cell of each value; one at a cut takes its side by chance."""
    for i in range(values.size):
        cell = np.intp(first[_order(raw[i]) >> np.uint32(32 - LEADING)])
        cell += cuts[cell] < values[i]  # no branch, which the CPU would foresee wrongly for one value in five
        while cuts[cell] < values[i]:
            cell += 1
        if cuts[cell] == values[i] and sides.random() >= below[cell]:
            cell += 1
        out[i] = cell


def _halves(found: Cells, sides: np.random.Generator, values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Words of 16 bits: the cells of values. Where a value is the number at a cut, `sides` chooses its side."""
    flat = values.ravel()
    out = np.empty(flat.size, np.uint16)
    _find(flat, flat.view(np.uint32), *found, sides, out)
    return out
