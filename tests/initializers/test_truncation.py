"""The deviation of a truncated normal against mpmath, to the last digit, and the scale for a given deviation."""

import decimal
import math

import mpmath
import pytest

from fastinit.initializers import truncated_std, truncation

INF = math.inf
BOUNDS = [
    (-2.0, 2.0),
    (-1.0, 1.0),
    (-3.0, 1.0),
    (0.0, INF),
    (-INF, 0.5),
    (-0.3, 4.0),
    (3.0, 10.0),
    (7.9999, 8.0001),
    (8.0, INF),
    (-INF, -30.0),
    (-35.0, -34.0),
    (3.0, 3.000001),
    (-0.01, 0.01),
    (1e-5, 2e-5),
    (-39.0, 39.0),
    (-5.0, 300.0),
    (-45.0, 46.0),
    (-1e-12, 1e-3),
]


def by_mpmath(a, b):
    """1 + (a p(a) - b p(b)) / P - ((p(a) - p(b)) / P)^2 with enough digits for all of the bounds."""
    with mpmath.workdps(1500):
        if a + b < 0:
            a, b = -b, -a
        a, b = mpmath.mpf(a), mpmath.mpf(b)
        density_a, density_b = mpmath.npdf(a), mpmath.npdf(b) if b < INF else mpmath.mpf(0)
        root = mpmath.sqrt(2)
        mass = (mpmath.erfc(a / root) - (mpmath.erfc(b / root) if b < INF else 0)) / 2
        edges = a * density_a - (b * density_b if density_b else 0)
        return float(mpmath.sqrt(1 + edges / mass - ((density_a - density_b) / mass) ** 2))


@pytest.mark.parametrize(("a", "b"), BOUNDS)
def test_against_mpmath(a, b):
    assert truncated_std(a, b) == by_mpmath(a, b)
    assert truncated_std(-b, -a) == truncated_std(a, b)


def test_limits():
    """Limits: no truncation, a uniform distribution between close bounds, an exponential one far out."""
    assert truncated_std(-INF, INF) == 1.0
    assert truncated_std(-1e300, 1e300) == 1.0
    assert math.isclose(truncated_std(1e-300, 2e-300), 1e-300 / math.sqrt(12), rel_tol=1e-15)
    assert math.isclose(truncated_std(5.0, math.nextafter(5.0, 6)), (math.nextafter(5.0, 6) - 5) / math.sqrt(12), rel_tol=1e-15)
    assert math.isclose(truncated_std(1e8, INF), 1e-8, rel_tol=1e-15)
    assert truncated_std(1e300, INF) == 1e-300


@pytest.mark.parametrize("border", [8.0, -40.0, 1e-10])
def test_nothing_jumps_where_the_method_changes(border):
    below, above = math.nextafter(border, -INF), math.nextafter(border, INF)
    for b in (border + 1.0, border + 60.0) if border != 1e-10 else (0.0,):
        low, high = (truncated_std(*sorted((x, b))) for x in (below, above))
        assert math.isclose(low, high, rel_tol=1e-14)


def test_a_decimal_context_of_others_does_not_matter():
    truncation.deviation.cache_clear()
    with decimal.localcontext(prec=3, rounding=decimal.ROUND_UP) as context:
        context.traps[decimal.Inexact] = context.traps[decimal.Underflow] = True
        assert truncated_std(-2.0, 2.0) == by_mpmath(-2.0, 2.0)
        assert truncated_std(0.0, 1e200) == by_mpmath(0.0, INF)


@pytest.mark.parametrize(
    ("target", "a", "b", "loc"),
    [
        (0.5, -1, 1, 0),
        (0.01, -2, 2, 0),
        (0.2, 0, 1, -3),
        (2, 0, INF, -3),
        (1, -INF, INF, 5),
        (0.25, 0, 1, 0.9),
        (1e-3, 5, 6, 0),
    ],
)
def test_scale_for(target, a, b, loc):
    scale = truncation.scale_for(float(target), float(a), float(b), float(loc))
    assert math.isclose(scale * truncated_std((a - loc) / scale, (b - loc) / scale), target, rel_tol=1e-13)


def test_the_least_deviation_there_is():
    """Half of it, the lower end of the bisection, is 0, and 0 cannot divide."""
    assert 0 < truncation.scale_for(5e-324, 0.0, 2.0, 0.0) <= 5e-323


@pytest.mark.parametrize(
    ("target", "a", "b", "loc", "expected"),
    [(1e-300, 1.0, 2.0, 0.0, 1e-150), (1.0, 0.0, INF, -1e160, 1e80), (1e300, 0.0, 1e308, -1e308, 1.000000015e304)],
)
def test_scales_far_from_the_target(target, a, b, loc, expected):
    """The bisection must not take a step for each power of two."""
    assert math.isclose(truncation.scale_for(target, a, b, loc), expected, rel_tol=1e-12)


@pytest.mark.parametrize(("a", "b", "loc"), [(1e308, INF, -1e308), (0.0, 1.0, -1e170)])
def test_no_double_is_large_enough(a, b, loc):
    with pytest.raises(
        ValueError, match=r"scale must be a deviation that a double before truncation gives for a=.*; got 0\.001"
    ):
        truncation.scale_for(1e-3, a, b, loc)


@pytest.mark.parametrize("target", [1 / math.sqrt(3), 0.6, 100.0])
def test_no_scale_exceeds_the_uniform(target):
    with pytest.raises(ValueError, match=r"scale must be below \(b - a\) / sqrt\(12\) = 0\.57"):
        truncation.scale_for(target, -1.0, 1.0, 0.0)


def test_refused():
    with pytest.raises(ValueError, match=r"a must be less than b; got a=1\.0, b=1\.0"):
        truncated_std(1, 1)
    with pytest.raises(ValueError, match="b must not be NaN"):
        truncated_std(1, math.nan)
    with pytest.raises(TypeError, match="a must be a real number; got '1'"):
        truncated_std("1", 2)
