"""Tests of whether a sample follows its law: from its statistics to p-values."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special, stats

from fastinit.arguments import dtypes
from fastinit.check import cells
from fastinit.check.cells import Cells
from fastinit.check.counts import AT_HIGH, AT_LOW, GREATEST, LEAST, OUTSIDE, POWERS, SIDE, TAILS, Summary
from fastinit.check.exact import Array, Floats, Moments, moments, moments_of
from fastinit.check.laws import Law
from fastinit.check.numeric import Numeric
from fastinit.check.results import Row, fault_row

#: Cells are joined until each expects this many values, so that the statistic follows chi-squared far out.
EXPECTED = 50.0
#: Largest chance of a cell for which statistics of continuous laws still have their own distribution.
FINE = 2.0**-6
#: Cells with less mass than this beyond them add nothing to an integral.
TINY = 1e-15
#: Of fewer values the distance of Kolmogorov and Smirnov has its exact law, and ranks stand for values in tests of order.
FEW = 1 << 16
#: Largest chance of the last step of words that were rounded to 24 bits.
LAST_STEP = 2.0**-24
#: Below this variance a power says nothing: the values are two numbers at the same distance.
SAME = 1e-9


def two_sided(below: float, above: float) -> float:
    """The p-value of both sides, from the chances of at most and of at least what was seen; NaN if one of them is."""
    return float(np.minimum(1.0, 2.0 * np.minimum(below, above)))


def normal_p(z: float) -> float:
    """The p-value of a standard normal statistic, both sides."""
    return float(2.0 * stats.norm.sf(abs(z)))


def chi_squared(group: str, name: str, statistic: float, freedom: float) -> Row:
    """A row of both sides: too good a fit is suspicious too."""
    p = two_sided(stats.chi2.cdf(statistic, freedom), stats.chi2.sf(statistic, freedom))
    detail = f"{statistic:,.1f}, expected {freedom:,} +- {math.sqrt(2 * freedom):,.1f}"
    return Row(group, name, float(statistic), p, detail=detail)


def cells_row(group: str, name: str, observed: Array, expected: Any) -> Row:
    """Chi-squared of counts in two or more cells."""
    return chi_squared(group, name, float(((observed - expected) ** 2 / expected).sum()), len(observed) - 1)


def count_row(group: str, name: str, observed: float, expected: float, size: int | None = None, most: float = 0.0) -> Row:
    """A row for a count of events: binomial among `size` values, Poisson if no size is given.

    If `most` is greater than `expected`, any expectation between the two is right.
    """
    law = stats.poisson if size is None else stats.binom  # not frozen, which takes SciPy 2 ms
    few, many = ((each,) if size is None else (size, min(each / size, 1.0)) for each in (expected, max(expected, most)))
    p = two_sided(float(law.cdf(observed, *few)), float(law.sf(observed - 1, *many)))
    return Row(group, name, float(observed), p, detail=f"{observed:,.0f}, expected {expected:,.4g}")


def joined(counts: Array, mass: Floats, size: int) -> tuple[Array, Floats]:
    """Join neighbouring cells until each expects EXPECTED values."""
    below = (np.cumsum(mass) * size).tolist()
    first, ends = [0], bisect.bisect_left(below, EXPECTED)
    while ends < len(below) - 1:  # a cell ends where EXPECTED more values than at its beginning lie below
        first.append(ends + 1)
        ends = bisect.bisect_left(below, below[ends] + EXPECTED, ends + 1)
    observed, expected = np.add.reduceat(counts, first), np.add.reduceat(mass * size, first)
    if len(first) > 1 and expected[-1] < EXPECTED:
        observed, expected = np.append(observed[:-2], observed[-2:].sum()), np.append(expected[:-2], expected[-2:].sum())
    return observed, expected


def fit_cells(counts: Array, mass: Floats, size: int) -> Iterator[Row]:
    """Chi-squared over the cells; the exact law of the count if there are two."""
    observed, expected = joined(counts, mass, size)
    if len(observed) == 2:
        yield count_row("chi2", "values in the lower of 2 cells", observed[0], expected[0], size)
    elif len(observed) > 2:
        yield cells_row("chi2", f"chi-squared, {len(observed)} cells", observed, expected)


def anderson_darling_sf(x: float) -> float:
    """Chance of more than x for a law without fitted parameters, by the series of Anderson and Darling (1952), section 4.

    Far out only its first eigenvalue counts: sqrt(3) erfc(sqrt(x)).
    """
    if x < 0.02:
        return 1.0
    if x > 12.0:
        return min(1.0, math.sqrt(3.0) * math.erfc(math.sqrt(x)))
    total = 0.0
    for j in range(20):
        rate = (4 * j + 1) ** 2 * math.pi**2 / (8 * x)
        w = np.linspace(0.0, 9.0 / math.sqrt(rate), 2001)
        inner = np.trapezoid(np.exp(x / (8 * (w * w + 1)) - rate * w * w - rate), w)
        total += float(special.binom(-0.5, j)) * (4 * j + 1) * float(inner)
    return min(1.0, max(0.0, 1.0 - math.sqrt(2 * math.pi) / x * total))


def kolmogorov_sf(distance: float, size: int) -> float:
    """Chance of more than this distance: exact for few values, else by M. A. Stephens (1970).

    SciPy's exact one is 1 at 1e11 values.
    """
    if size < FEW:
        return float(stats.kstwo.sf(distance, size))
    root = math.sqrt(size)
    return float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def distances(sample: Summary, grid: Cells) -> Iterator[Row]:
    """The distances of Kolmogorov and Smirnov, and of Anderson and Darling, at the edges of the cells.

    The first is at most the distance at all places, and the second is an integral with as many panels. If a cell holds much of
    the law, the first is too small for its law, so its p is too large: of few values that is safe, of many it says nothing. The
    second is left out then.
    """
    size, mass = sample.size, grid.mass
    law, seen = np.cumsum(mass)[:-1], np.cumsum(sample.counts)[:-1] / size
    at = int(np.abs(seen - law).argmax())
    largest = float(abs(seen - law)[at])
    detail = f"{seen[at]:.4%} of the values are below {grid.edges[at]:.6g}, {law[at]:.4%} of the law"
    fine = grid.mass.max() <= FINE
    if fine or size < FEW:
        yield Row("KS", "Kolmogorov-Smirnov", largest, kolmogorov_sf(largest, size), detail=detail)
    if fine:
        above = np.cumsum(mass[::-1])[::-1][1:]
        inside = (law > TINY) & (above > TINY)
        panel = (mass[1:] + mass[:-1]) / 2
        off = (seen - law)[inside]
        distance = float((off * off * panel[inside]) @ (size / (law * above)[inside]))
        detail = f"{distance:,.4g}, expected 1 +- 0.76"
        yield Row("AD", "Anderson-Darling", distance, anderson_darling_sf(distance), detail=detail)


def sums_of(scores: Floats, counts: Array, expected: Moments) -> Floats:
    """Sums of standardised powers of what stands for the values in each cell."""
    seen = counts > 0
    y = (scores[seen] - expected.mean) / max(expected.deviation, 1e-300)
    return np.array([counts[seen] @ y**k for k in range(1, POWERS + 1)])


def _moments(sample: Summary, law: Law, real: dtypes.Real, grid: Cells) -> Iterator[Row]:
    """The moments of the values, or of their ranks, which have moments for every law."""
    if law.moments and grid.values is None:
        return powers(sample.sums, sample.size, moments(law, real))
    scores, of = np.cumsum(grid.mass) - grid.mass / 2, " of ranks"
    if law.moments and grid.values is not None and np.isfinite(grid.values).all():
        scores, of = grid.values, ""
    expected = moments_of(scores, grid.mass)
    return powers(sums_of(scores, sample.counts, expected), sample.size, expected, of)


def _moment_detail(k: int, mean: float, z: float, expected: Moments, of: str) -> str:
    """What the mean of a standardised power says: the mean and the deviation in units of the values."""
    centre, unit, exact = expected.mean, expected.deviation, expected.standard[k]
    if k == 1:
        seen, exact, what = centre + unit * mean, centre, f"mean{of}"
    elif k == 2:
        seen, exact, what = unit * math.sqrt(max(mean, 0.0)), unit * math.sqrt(exact), f"standard deviation{of}"
    else:
        seen, what = mean, f"{of and of[1:] + ', '}standardised"
    exact = 0.0 if abs(exact) < 1e-9 * unit else exact
    return f"{what} {seen:.6g}, expected {exact:.6g}, {abs(z):.1f} standard errors off"


def powers(sums: Floats, n: int, expected: Moments, of: str = "") -> Iterator[Row]:
    """The first eight moments; a high one only if there are enough values for its mean to follow Pearson's third law."""
    at = expected.standard
    for k in range(1, POWERS + 1):
        mean, variance = at[k], at[2 * k] - at[k] ** 2
        if variance < SAME:
            continue
        third = (at[3 * k] - 3 * at[2 * k] * mean + 2 * mean**3) / variance**1.5
        fourth = (at[4 * k] - 4 * at[3 * k] * mean + 6 * at[2 * k] * mean**2 - 3 * mean**4) / variance**2 - 3
        if abs(third) / math.sqrt(n) > 0.05 or abs(fourth) / n > 0.01:
            continue
        z = (sums[k - 1] / n - mean) / math.sqrt(variance / n)
        skew = third / math.sqrt(n)
        p = two_sided(float(stats.pearson3.cdf(z, skew)), float(stats.pearson3.sf(z, skew)))
        yield Row("moments", f"moment {k}", float(z), p, detail=_moment_detail(k, sums[k - 1] / n, z, expected, of))


def tails(sample: Summary, law: Law, real: dtypes.Real) -> Iterator[Row]:
    """Counts in both tails, and the extremes on infinite sides."""
    for upper, values in enumerate(cells.thresholds(law, real)):
        for k, value in enumerate(values):
            least, most = (sample.size * share for share in cells.tail_between(law, real, value, bool(upper)))
            name = f"at {'least' if upper else 'most'} {value:.9g}"
            yield count_row("tails", name, sample.ends[TAILS + SIDE * upper + k], least, sample.size, most)
    for upper, bound, name in ((False, law.a, "least value"), (True, law.b, "greatest value")):
        if math.isinf(bound):
            value = float(sample.ends[GREATEST if upper else LEAST])
            here = cells.tail(law, real, value, upper)
            beyond = max(here - cells.mass(law, real, value, value), 0.0)
            if isinstance(law.base(), Numeric) and beyond == 0.0 < here and real.compute.itemsize == 4:
                here += LAST_STEP  # a bound that nobody named, where the last step of the words may end
            # the chances that a value lies there or beyond, and that none lies beyond
            reached, stayed = -math.expm1(-sample.size * here), math.exp(-sample.size * beyond)
            detail = f"{value:.6g}; so far out or farther: {sample.size * here:.2g} expected"
            yield Row("tails", name, value, two_sided(reached, stayed), detail=detail)


def bounds(sample: Summary, law: Law, real: dtypes.Real) -> Iterator[Row]:
    """No value outside the bounds, and at the bounds as many as expected."""
    yield fault_row("bounds", "outside the bounds, or not finite", sample.ends[OUTSIDE])
    for upper, bound in enumerate(law.ends(real)):
        if math.isinf(bound):
            continue
        name, observed = f"at {bound:.9g}", float(sample.ends[AT_HIGH if upper else AT_LOW])
        share, most = cells.tail_between(law, real, bound, bool(upper))
        if law.coarse and real.name == "float32":  # the last step of the words may end there
            p = float(stats.binom.sf(observed - 1, sample.size, share + LAST_STEP))
            detail = f"{observed:,.0f}, expected {sample.size * (share + LAST_STEP):,.4g} at most"
            yield Row("bounds", name, observed, p, detail=detail)
            continue
        if not law.kept and not law.steps(real) and real.compute.itemsize == 4:  # so it may in numbers that are rounded again
            most = share + LAST_STEP
        yield count_row("bounds", name, observed, sample.size * share, sample.size, sample.size * most)


def rows(sample: Summary, law: Law, real: dtypes.Real) -> Iterator[Row]:
    """All tests of how often values lie where."""
    grid = cells.cells(law, real)
    yield from bounds(sample, law, real)
    if not sample.counts.any():
        yield fault_row("chi2", "no value lies where one may", 1)
        return
    if len(grid.mass) == 1:  # only one number lies between the bounds
        return
    yield from fit_cells(sample.counts, grid.mass, sample.size)
    yield from distances(sample, grid)
    yield from _moments(sample, law, real, grid)
    yield from tails(sample, law, real)
