"""Tests of how many different numbers there are: too few words, or too coarse ones, repeat values too often."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import stats

from fastinit.arguments import dtypes
from fastinit.check import cells
from fastinit.check.counts import Summary
from fastinit.check.exact import Array, Floats
from fastinit.check.fits import FINE, count_row, normal_p
from fastinit.check.laws import Law, is_real
from fastinit.check.results import Row

#: Repeats are counted among this many values, in dtypes with too many numbers to be counted one by one.
FIRST = 1 << 20
#: Least number of different words that were rounded to 24 bits.
WORDS = 2**23
#: Places in each bin at which the distance of neighbouring numbers is looked up.
PLACES = (np.arange(4) + 0.5) / 4


def different(x: Array) -> int:
    """How many different values there are, by sorting: `np.unique` hashes, which takes ten times as long if most differ."""
    x = np.sort(x)
    return int(np.count_nonzero(x[1:] != x[:-1])) + 1


def _distinct_numbers(sample: Summary, mass: Floats) -> Row:
    """How many of the numbers that have a cell appear at all."""
    empty = np.exp(-sample.size * mass)
    single = sample.size * mass * empty
    variance = float((empty * (1 - empty)).sum()) - float(single.sum()) ** 2 / sample.size
    return _distinct("distinct numbers", int((sample.counts > 0).sum()), float((1 - empty).sum()), variance)


def _distinct(name: str, observed: float, mean: float, variance: float) -> Row:
    """A row for a sum of independent yes and no: nearly normal, or bounded by Bernstein's inequality if it has few terms."""
    off, detail = abs(observed - mean), f"{observed:,.0f}, expected {mean:,.5g}"
    if variance < 100:
        off = max(off - 1.0, 0.0)
        p = min(1.0, 2.0 * math.exp(-off * off / 2 / (variance + off / 3 + 1e-9)))
        return Row("distinct", name, observed, p, detail=detail)
    return Row("distinct", name, observed, normal_p(off / math.sqrt(variance)), detail=detail)


@functools.lru_cache(maxsize=64)
def occupancy(law: Law, real: dtypes.Real, draws: int) -> tuple[float, float]:
    """Mean and variance of how many of this many draws in a large dtype repeat an earlier value."""
    grid = cells.cells(law, real)  # in each bin but the two at the ends the density is nearly constant
    edges, mass = grid.starts[:-1].astype(np.float64), grid.mass[1:-1] / len(PLACES)
    x = edges[:-1, None] + np.diff(edges)[:, None] * PLACES
    unit = np.full(x.shape, (law.b - law.a) / law.steps(real) if law.steps(real) else 0.0)
    if is_real(real):
        digits = 24 if real.compute.itemsize == 4 else 53
        unit = np.maximum(unit, 2.0 ** (np.floor(np.log2(np.abs(x))) + 1 - digits))
    numbers = np.diff(edges)[:, None] / len(PLACES) / unit
    rate = draws * mass[:, None] / numbers
    empty = np.exp(-rate)
    again = np.where(rate < 1e-4, rate * rate / 2, rate + np.expm1(-rate))
    # (1 - e^-r)(e^-r) summed, less the covariance from the fixed total
    variance = float((numbers * -np.expm1(-rate) * empty).sum()) - float((numbers * rate * empty).sum()) ** 2 / draws
    return float((numbers * again).sum()), max(variance, 1e-12)


def _repeats(x: Array, law: Law, real: dtypes.Real) -> Row:
    """How many of the first values of a large dtype repeat an earlier one.

    Float32 values of words that were rounded to 24 bits may repeat more often than the numbers alone would give, by as many as
    2^23 equally likely numbers have.
    """
    x = x[:FIRST]
    name, observed = f"repeats among {x.size}", x.size - different(x)
    mean, variance = occupancy(law, real, x.size)
    if law.coarse and real.name == "float32":
        most = mean + x.size + WORDS * math.expm1(-x.size / WORDS)
        detail = f"{observed:,}, expected {most:,.4g} at most"
        return Row("distinct", f"{name}, at most", observed, float(stats.poisson.sf(observed - 1, most)), detail=detail)
    if mean < 1000:
        return count_row("distinct", name, observed, mean)
    detail = f"{observed:,}, expected {mean:,.4g}"
    return Row("distinct", name, observed, normal_p((observed - mean) / math.sqrt(variance)), detail=detail)


def applies(law: Law, real: dtypes.Real) -> bool:
    """Whether the test is valid: a bin that holds much of the law, such as all that rounds to 0, has values that repeat."""
    grid = cells.cells(law, real)
    if law.discrete or grid.values is not None:
        return not law.discrete
    # in float64 a bin is left out where the density is so high that numbers repeat
    return float(grid.mass.max()) <= FINE and (real.name != "float64" or len(grid.starts) == cells.BINS)


def row(sample: Summary, law: Law, real: dtypes.Real, first: Array) -> Row:
    """The test for this law and dtype; `first` are the first values."""
    grid = cells.cells(law, real)
    return _repeats(first, law, real) if grid.values is None else _distinct_numbers(sample, grid.mass)
