"""How often each number of a dtype must come, and the test that it does.

ALPHA is the chance that a right sampler fails one test with a seed picked blindly. Some 200 tests are made, so all of them pass
at first sight 998 times in 1,000. The broken samplers of `test_4_bounds.py` give less than 1e-12.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
from scipy import stats

from tests.definition.reference_floats import middle_above
from tests.promise.helpers import INF
from tests.promise.narrow import NARROWED, numbers, value_bounds

ALPHA = 1e-5


def neighbours(low, high, dtype, including):
    """All numbers of a dtype in [low, high) or [low, high], which must not be too many, as float64."""
    if dtype in NARROWED:
        every = numbers(dtype)
        return every[(every >= low) & ((every <= high) if including else (every < high))]
    one = np.dtype(dtype).type
    value = one(low)
    if float(value) < low:
        value = np.nextafter(value, one(INF))
    values = []
    while float(value) < high or (including and float(value) == high):
        values.append(float(value))
        assert len(values) <= 4096
        value = np.nextafter(value, one(INF))
    return np.array(values)


def has_shares(x, values, share, what):
    """No other values than these, each as often as its share says: chi-squared, and the two ends by themselves."""
    x = x.astype(np.float64)
    share = np.asarray(share, np.float64)
    assert abs(share.sum() - 1) < 1e-9
    place = np.minimum(np.searchsorted(values, x), len(values) - 1)
    assert np.all(values[place] == x), f"{what}: values that are outside or between"
    counts = np.bincount(place, minlength=len(values))
    n = len(x)
    for end in (0, -1):
        p = stats.binomtest(int(counts[end]), n, float(min(share[end], 1.0))).pvalue
        assert p > ALPHA, f"{what}: {counts[end]} at {values[end]}, {n * share[end]:.1f} expected, p = {p:.3g}"
    often = share * n >= 10
    observed, expected = counts[often], share[often] * n
    if not often.all():
        observed, expected = np.append(observed, counts[~often].sum()), np.append(expected, share[~often].sum() * n)
    if len(observed) > 1:
        statistic = ((observed - expected) ** 2 / np.maximum(expected, 1e-300)).sum()
        p = stats.chi2.sf(statistic, len(observed) - 1)
        assert p > ALPHA, f"{what}: chi-squared {statistic:.1f} of {len(observed)} cells, p = {p:.3g}"


def uniform_shares(low, high, values, dtype):
    """The part of [low, high) that rounds to each value, exact.

    What would round to `high` is not drawn where values are stored as computed; what rounds outside is kept at the ends else.
    """
    low, high = Fraction(low), Fraction(high)
    if high - low >= {"float32": Fraction(2) ** -102, "float64": Fraction(2) ** -969}.get(dtype, math.inf):
        high = min(high, middle_above(float(values[-1]), dtype))
    exact = [Fraction(float(v)) for v in values]
    edges = [low, *((x + y) / 2 for x, y in itertools.pairwise(exact)), high]
    return [float((y - x) / (high - low)) for x, y in itertools.pairwise(edges)]


def truncated_shares(a, b, loc, scale, units, values):
    low, high = value_bounds(a, b, loc, scale, units)
    edges = np.concatenate([[low], (values[:-1] + values[1:]) / 2, [high]])
    standard = (edges - loc) / scale
    flip = standard[0] > 0  # far in the upper tail differences of the survival function are accurate
    part = stats.norm.cdf(-standard[::-1] if flip else standard)
    share = np.diff(part)
    return (share[::-1] if flip else share) / share.sum()
