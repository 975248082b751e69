"""Right values pass where laws are hard to count: rare points, infinite densities, rounding to infinity, locations."""

import math

import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

from scipy import stats

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.check import assert_law, cells, exact, fits, known, laws
from fastinit.check.histogram import lines

FLOAT64 = dtypes.resolve("float64")


@pytest.mark.parametrize("size", [1, 1000, 26_000, 1 << 24])
@pytest.mark.parametrize("mass", [[1e-6, 0.002, 0.997999], [0.4, 1e-6, 0.5, 1e-5, 0.099989], [0.9999, 1e-4], [1.0]])
def test_every_cell_of_chi_squared_expects_50_values(mass, size):
    counts = np.arange(len(mass))
    observed, expected = fits.joined(counts, np.array(mass), size)
    assert len(expected) == 1 or expected.min() >= fits.EXPECTED
    assert observed.sum() == counts.sum()
    assert expected.sum() == pytest.approx(size)


def rounded_to_infinity(rng):
    with np.errstate(over="ignore"):
        return rng.exponential(1e4, 1 << 17).astype(np.float16)


RIGHT = {
    "a point that few samples have": (lambda rng: rng.binomial(2, 0.999, 26_000), stats.binom(2, 0.999), range(40)),
    "infinite at the lower bound": (lambda rng: rng.gamma(0.1, size=200_000) + 5, stats.gamma(0.1, loc=5), (0,)),
    "infinite at both bounds": (lambda rng: rng.beta(0.1, 0.3, 1 << 20), stats.beta(0.1, 0.3), (0,)),
    "infinite inside": (
        lambda rng: 3 + rng.gamma(0.1, size=1 << 18) * rng.choice([-1, 1], 1 << 18),
        stats.dgamma(0.1, loc=3),
        (0,),
    ),
    "many deviations from 0": (lambda rng: rng.normal(1e6, 1e-5, 1 << 18), "normal(1e6, 1e-5)", (0,)),
    "values that round to infinity": (rounded_to_infinity, stats.expon(scale=1e4), (0,)),
    "the same as a law of the package": (rounded_to_infinity, "exponential(10000)", (0,)),
    "words of 24 bits in a dtype of 16": (
        lambda rng: np.append(rng.random(1 << 22, np.float32), [0.0, 0.0]).astype(ml_dtypes.bfloat16),
        lambda x: np.clip(x, 0, 1),
        (0,),
    ),
    "points between integers": (lambda rng: rng.poisson(3, 100_000) + 0.5, stats.poisson(3, loc=0.5), (0,)),
    "points without bounds": (
        lambda rng: rng.poisson(3, 100_000) - rng.poisson(2, 100_000) + 0.25,
        stats.skellam(3, 2, loc=0.25),
        (0,),
    ),
    "points in a list": (
        lambda rng: rng.choice([-0.5, 0.5], 10_000) + 3,
        stats.rv_discrete(values=((-0.5, 0.5), (0.5, 0.5)))(loc=3),
        (0,),
    ),
    "a wide law": (lambda rng: rng.normal(0, 1e12, 100_000), stats.norm(0, 1e12), (0,)),
    "a law of heavy tails": (lambda rng: rng.pareto(0.12, 100_000) + 1, stats.pareto(0.12), (0,)),
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_values_pass(case):
    draw, law, seeds = RIGHT[case]
    for seed in seeds:
        assert_law(draw(np.random.default_rng(seed)), law)


WRONG = {
    "other infinite density": (lambda rng: rng.gamma(0.11, size=200_000) + 5, stats.gamma(0.1, loc=5)),
    "1 % wider": (lambda rng: rng.normal(1e6, 1.01e-5, 1 << 18), "normal(1e6, 1e-5)"),
    "too many at a bound": (
        lambda rng: np.append(rng.random(1 << 20, np.float32), [0.0] * 20).astype(ml_dtypes.bfloat16),
        stats.uniform(),
    ),
    "an infinity that is not of the law": (lambda rng: np.append(rng.standard_normal(1 << 17), math.inf), "normal"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_fail(case):
    draw, law = WRONG[case]
    with pytest.raises(AssertionError, match="tests failed"):
        assert_law(draw(np.random.default_rng(0)), law)


def test_bounds_in_absolute_units_are_the_caller_s():
    """0.36 * (-0.5 / 0.36) is another double than -0.5, and the bfloat16 number inside is another too."""
    distribution = fi.laws.truncated_normal(-0.5, 0.5, 0.0, 0.36, units="absolute")
    assert 0.36 * (-0.5 / 0.36) != -0.5
    law = laws.of(distribution)
    assert law.ends(dtypes.resolve("bfloat16")) == (-0.5, 0.5)
    assert_law(fi.default_rng(0).draw(distribution, 1 << 20, dtype="bfloat16"), distribution)


def test_chances_of_float64_cells_are_interpolated():
    """Bins of a few numbers each: their chances are those of the numbers, and the edges lie between them."""
    law = known.known(stats.norm(1e6, 1e-5))
    grid = cells.cells(law, FLOAT64)
    starts = grid.starts[:-1]
    for at in (1, len(starts) // 2, len(starts) - 2):
        inside = starts[at] + np.arange(round((starts[at + 1] - starts[at]) / np.spacing(1e6))) * np.spacing(1e6)
        expected = (stats.norm.pdf(inside, 1e6, 1e-5) * np.spacing(1e6)).sum()
        assert grid.mass[at + 1] == pytest.approx(expected, rel=1e-6)
    assert grid.mass.sum() == pytest.approx(1, abs=1e-12)


def test_a_p_that_is_no_number_fails():
    assert math.isnan(fits.two_sided(math.nan, 0.5))
    assert math.isnan(fits.two_sided(0.5, math.nan))
    assert fits.two_sided(0.3, 0.9) == 0.6
    assert fits.two_sided(0.9, 0.9) == 1.0


def test_integers_that_doubles_cannot_count_are_refused():
    with pytest.raises(ValueError, match=r"law must be between -2\^53 and 2\^53 or much wider"):
        laws.of(fi.laws.integers(2**60, 2**60 + 6))
    assert laws.of(fi.laws.integers(2**53 - 6, 2**53)).points is not None
    assert laws.of(fi.laws.integers(3 << 62)).points is None


def test_long_labels_fit_80_columns():
    law = known.known(stats.norm(1e6, 1e-3))
    from fastinit.check import subjects

    rng = np.random.default_rng(0)
    for each in (law, known.known(stats.norm(-1e12, 1e3)), known.known(stats.norm(0, 1e-9))):
        base = each.base()
        values = rng.normal(base.mean(), base.std(), 1000)
        summary, _ = subjects.sample(each, FLOAT64, lambda count, x=values: x, 1000)
        text = lines(summary, each, FLOAT64)
        assert max(map(len, text)) <= 80
        assert len(set(text)) == len(text)


def test_errors_name_what_is_wrong():
    with pytest.raises(TypeError, match=r"values must have one of the dtypes float32, .*; got complex128"):
        assert_law([1j], "normal")
    assert_law(np.random.default_rng(0).standard_normal, "normal", size=np.int64(300))
    with pytest.raises(TypeError, match=r"size must be an int; got 2\.5"):
        assert_law(np.random.default_rng(0).standard_normal, "normal", size=2.5)
    with pytest.raises(ValueError, match=r"law must rise from 0 to 1 between -1e9 and 1e9; got <lambda>, 0\.5 to 0\.5"):
        assert_law([1.0], lambda x: 0.5)


def test_differences_of_chances_keep_both_tails():
    below, above = np.array([1e-300, 0.5, 1.0]), np.array([1.0, 0.5, 1e-300])
    assert exact.between(below, above).tolist() == [1e-300, 0.5, 0.5, 1e-300]
