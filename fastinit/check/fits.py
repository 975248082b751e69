"""From a sample's statistics to p-values: whether it follows the law."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from fastinit.arguments import dtypes
from fastinit.check import cells, laws
from fastinit.check.counts import AT_HIGH, AT_LOW, GREATEST, LEAST, OUTSIDE, POWERS, SIDE, TAILS, Summary
from fastinit.check.laws import Array, Floats, Law

#: Cells are joined until so many values are expected in each, so that chi-squared's law holds far out.
EXPECTED = 50.0
#: Largest cell for which the statistics of continuous laws keep their own.
FINE = 2.0**-6
#: Less mass than this at an end adds nothing to an integral.
TINY = 1e-15
#: Values among which repeats are counted, of the dtypes whose numbers are too many to be counted one by one.
FIRST = 1 << 20
#: Two numbers of a float32 truncated normal may share a step of its 24-bit proposals: so many steps it has at least.
PROPOSALS = 2**23
#: The chance of the last of the steps that such a law is proposed in, at most.
LAST_STEP = 2.0**-24


class Row(NamedTuple):
    """One test: its group, its name, its statistic, and the chance of one as far off or farther for a right sampler.

    `counted` is False where there is no chance in it: p is 1 or 0 then.
    """

    group: str
    name: str
    statistic: float
    p: float
    counted: bool = True


def exact(group: str, name: str, faults: float) -> Row:
    """A row for what must not happen at all."""
    return Row(group, name, float(faults), 0.0 if faults else 1.0, counted=False)


def two_sided(below: float, above: float) -> float:
    """From the chances of as little or less and as much or more."""
    return float(min(1.0, 2.0 * min(below, above)))


def normal_p(z: float) -> float:
    """Of a standard normal statistic, both sides."""
    return float(2.0 * stats.norm.sf(abs(z)))


def chi_squared(group: str, name: str, statistic: float, freedom: float) -> Row:
    """Both sides: too good a fit is no chance either."""
    p = two_sided(stats.chi2.cdf(statistic, freedom), stats.chi2.sf(statistic, freedom))
    return Row(group, name, float(statistic), p)


def count_row(group: str, name: str, observed: float, expected: float, size: int | None = None) -> Row:
    """A count of events among `size` values; of rare ones, which is Poisson's, where no size is given."""
    law = stats.poisson(expected) if size is None else stats.binom(size, min(expected / size, 1.0))
    return Row(group, name, float(observed), two_sided(float(law.cdf(observed)), float(law.sf(observed - 1))))


def joined(counts: Array, mass: Floats, size: int) -> tuple[Array, Floats]:
    """Neighbouring cells joined until EXPECTED values are expected in each."""
    ranks = np.floor(np.cumsum(mass) * size / EXPECTED)
    # a new cell begins where the number of wholes of EXPECTED below it has grown
    first = np.flatnonzero(np.diff(ranks, prepend=-1.0) > 0)
    first[0] = 0
    observed, expected = np.add.reduceat(counts, first), np.add.reduceat(mass * size, first)
    if len(first) > 1 and expected[-1] < EXPECTED:
        observed, expected = np.append(observed[:-2], observed[-2:].sum()), np.append(expected[:-2], expected[-2:].sum())
    return observed, expected


def fit_cells(counts: Array, mass: Floats, size: int) -> Row:
    """Chi-squared over the cells."""
    observed, expected = joined(counts, mass, size)
    statistic = float(((observed - expected) ** 2 / expected).sum())
    name = f"chi-squared, {len(observed)} cells"
    return chi_squared("chi2", name, statistic, len(observed) - 1) if len(observed) > 1 else Row("chi2", name, 0.0, 1.0)


def anderson_darling_sf(x: float) -> float:
    """Chance of more than x for a law that is wholly given, by the series of Anderson and Darling (1952), section 4.

    Far out the first of its eigenvalues is left: sqrt(3) erfc(sqrt(x)).
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


def distances(counts: Array, mass: Floats, size: int) -> Iterator[Row]:
    """Kolmogorov and Smirnov's, Anderson and Darling's distance from the law, taken at the edges of the cells.

    Taken at 2^16 places the first is at most what it is at all places, and the second is its integral by as many panels.
    """
    law, seen = np.cumsum(mass)[:-1], np.cumsum(counts)[:-1] / size
    above = np.cumsum(mass[::-1])[::-1][1:]
    largest = float(np.abs(seen - law).max(initial=0.0))
    root = math.sqrt(size)
    yield Row("KS", "Kolmogorov-Smirnov", largest, float(special.kolmogorov((root + 0.12 + 0.11 / root) * largest)))
    inside = (law > TINY) & (above > TINY)
    panel = (mass[1:] + mass[:-1]) / 2
    off = (seen - law)[inside]
    distance = float((off * off * panel[inside]) @ (size / (law * above)[inside]))
    yield Row("AD", "Anderson-Darling", distance, anderson_darling_sf(distance))


def powers(found: Summary, moments: laws.Moments) -> Iterator[Row]:
    """The moments to the eighth, each as soon as its mean's law is near enough to Pearson's third, which has its skewness."""
    at, n = moments.standard, found.size
    for k in range(1, POWERS + 1):
        mean, variance = at[k], at[2 * k] - at[k] ** 2
        third = (at[3 * k] - 3 * at[2 * k] * mean + 2 * mean**3) / variance**1.5
        fourth = (at[4 * k] - 4 * at[3 * k] * mean + 6 * at[2 * k] * mean**2 - 3 * mean**4) / variance**2 - 3
        if abs(third) / math.sqrt(n) > 0.05 or abs(fourth) / n > 0.01:
            continue
        z = (found.sums[k - 1] / n - mean) / math.sqrt(variance / n)
        law = stats.pearson3(third / math.sqrt(n))
        yield Row("moments", f"moment {k}", float(z), two_sided(float(law.cdf(z)), float(law.sf(z))))


def tails(found: Summary, law: Law, real: dtypes.Real) -> Iterator[Row]:
    """Counts far out, and the extremes, on either side."""
    down, up = cells.thresholds(law, real)
    for k, value in enumerate(down):
        expected = found.size * cells.mass_up_to(law, real, value)
        yield count_row("tails", f"at most {value:.9g}", found.ends[TAILS + k], expected, found.size)
    for k, value in enumerate(up):
        expected = found.size * cells.mass_from(law, real, value)
        yield count_row("tails", f"at least {value:.9g}", found.ends[TAILS + SIDE + k], expected, found.size)
    if math.isinf(law.a) and found.counts.any():
        yield _extreme("least value", found.ends[LEAST], found.size, law, real, lower=True)
    if math.isinf(law.b) and found.counts.any():
        yield _extreme("greatest value", found.ends[GREATEST], found.size, law, real, lower=False)


def _extreme(name: str, value: float, size: int, law: Law, real: dtypes.Real, *, lower: bool) -> Row:
    """The outermost value: one at least has come so far, and none farther."""
    if lower:
        here, inside = cells.mass_up_to(law, real, value), cells.mass_at(law, real, value)
    else:
        here, inside = cells.mass_from(law, real, value), cells.mass_at(law, real, value)
    reached, stayed = -math.expm1(-size * here), math.exp(-size * max(here - inside, 0.0))
    return Row("tails", name, float(value), two_sided(reached, stayed))


def bounds(found: Summary, law: Law, real: dtypes.Real) -> Iterator[Row]:
    """Nothing outside, and at the bounds no more and no less than their share."""
    yield exact("bounds", "outside the bounds, or not finite", found.ends[OUTSIDE])
    least, greatest = law.ends(real)
    if math.isfinite(least):
        yield _at_bound(least, found.ends[AT_LOW], found.size, cells.mass_up_to(law, real, least), law, real)
    if math.isfinite(greatest):
        yield _at_bound(greatest, found.ends[AT_HIGH], found.size, cells.mass_from(law, real, greatest), law, real)


def _at_bound(bound: float, observed: float, size: int, share: float, law: Law, real: dtypes.Real) -> Row:
    """The count at a bound; that of a float32 truncated normal may hold a step of its proposals, so it is held to no more."""
    name = f"at {bound:.9g}"
    if law.method == "truncated_normal" and real.dtype.itemsize == 4:
        return Row("bounds", name, float(observed), float(stats.binom(size, share + LAST_STEP).sf(observed - 1)))
    return count_row("bounds", name, observed, size * share, size)


def distinct_numbers(found: Summary, mass: Floats) -> Row:
    """How many numbers of a small dtype came at all."""
    empty = np.exp(-found.size * mass)
    single = found.size * mass * empty
    variance = float((empty * (1 - empty)).sum()) - float(single.sum()) ** 2 / found.size
    return _distinct("distinct numbers", int((found.counts > 0).sum()), float((1 - empty).sum()), variance)


def _distinct(name: str, observed: float, mean: float, variance: float) -> Row:
    """A sum of independent yes and no: near a normal one, or bounded as S. Bernstein does where it has few terms."""
    off = abs(observed - mean)
    if variance < 100:
        off = max(off - 1.0, 0.0)
        return Row("distinct", name, observed, min(1.0, 2.0 * math.exp(-off * off / 2 / (variance + off / 3 + 1e-9))))
    return Row("distinct", name, observed, normal_p(off / math.sqrt(variance)))


def repeats(x: Array, law: Law, real: dtypes.Real) -> Row:
    """How many of the first values have come before: of a large dtype.

    A truncated normal in float32 comes from words of 24 bits, so it may repeat more often than its own numbers make it: as
    often as 2^23 equally likely numbers would, besides.
    """
    x = x[:FIRST]
    name, observed = f"repeats among {x.size}", x.size - len(np.unique(x))
    mean, variance = laws.occupancy(law, real, x.size)
    if law.method == "truncated_normal" and real.compute.itemsize == 4:
        most = x.size + PROPOSALS * math.expm1(-x.size / PROPOSALS)
        z = (observed - mean - most) / math.sqrt(variance + x.size**2 / 2 / PROPOSALS)
        return Row("distinct", f"{name}, at most", observed, float(stats.norm.sf(z)))
    if mean < 1000:
        return count_row("distinct", name, observed, mean)
    return Row("distinct", name, observed, normal_p((observed - mean) / math.sqrt(variance)))


def rows(found: Summary, law: Law, real: dtypes.Real, first: Array) -> Iterator[Row]:
    """All tests of a sample's law; `first` are its first values."""
    own = cells.cells(law, real)
    yield from bounds(found, law, real)
    if not found.counts.any():
        yield exact("chi2", "values that can be counted", 1)
        return
    if len(own.mass) == 1:  # one number is all there is between the bounds
        return
    yield fit_cells(found.counts, own.mass, found.size)
    if own.mass.max() <= FINE:
        yield from distances(found.counts, own.mass, found.size)
    moments = laws.moments(law, real) if own.values is None else laws.moments_of(own.values, own.mass)
    yield from powers(found, moments)
    yield from tails(found, law, real)
    yield distinct_numbers(found, own.mass) if own.values is not None else repeats(first, law, real)
