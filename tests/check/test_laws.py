"""What `fastinit check` computes with: cells, moments, laws of the statistics, the verdict, the tests of promises."""

import math

import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

from scipy import stats

from fastinit.arguments import dtypes
from fastinit.check import cells, counts, distinct, exact, fits, promises, verdict
from fastinit.check.laws import LAWS, NORMAL, UNIFORM, truncated_normal, uniform
from fastinit.check.results import Result, Row, fault_row, subject

REALS = list(dtypes.REALS.values())


@pytest.mark.parametrize("bounds", [(0, 1), (-1.5, 2.5), (0, 8), (-(2.0**-24), 1 - 2.0**-24), (0.25, 0.75), (0, 0.02), (5, 7)])
def test_a_uniform_that_is_not_rounded(bounds):
    """Where each step is a number, repeats and values at the bounds are counted exactly."""
    low, high = bounds
    values = low + (high - low) * np.arange(2.0**24) * 2.0**-24
    assert uniform(low, high).coarse == (values.astype(np.float32) != values).any()


@pytest.mark.parametrize("dtype", [real.name for real in REALS if real.dtype.itemsize <= 2])
@pytest.mark.parametrize("law", [UNIFORM, uniform(-1.5, 2.5)], ids=lambda law: law.title)
def test_cells_of_a_uniform_are_counts(law, dtype):
    """Each of the 2^24 float32 values, rounded by `ml_dtypes` or NumPy and kept below the upper bound. 0 is one of them."""
    real = dtypes.resolve(dtype)
    x = (np.arange(2**24) * ((law.b - law.a) * 2**-24) + law.a).astype(np.float32).astype(real.dtype)
    low, high = law.ends(real)
    x = np.clip(x.astype(np.float64), low, high)
    own = cells.cells(law, real)
    values, expected = np.unique(x, return_counts=True)
    assert np.array_equal(own.values[own.mass > 0], values)
    assert np.array_equal(own.mass[own.mass > 0] * 2**24, expected)


SUBJECTS = [(law, real) for laws in LAWS.values() for law in laws for real in law.reals]


@pytest.mark.parametrize(("law", "real"), SUBJECTS, ids=lambda each: getattr(each, "title", None) or each.name)
def test_cells_share_the_mass(law, real):
    own = cells.cells(law, real)
    assert own.mass.sum() == pytest.approx(1, abs=1e-12)
    assert (own.mass >= 0).all()
    assert len(own.mass) == len(own.edges) + 1
    if own.values is None:
        assert len(own.mass) == cells.BINS
        assert own.mass.max() * cells.BINS < 1.1
        assert own.mass.min() * cells.BINS > 0.9


@pytest.mark.parametrize("law", [NORMAL, truncated_normal(2.0, math.inf), *LAWS["cauchy"]], ids=lambda law: law.title)
def test_values_find_their_bins(law):
    """By the guide and a few steps, as by a search among all."""
    real = dtypes.resolve("float32")
    x = law.base().rvs(200_000, random_state=np.random.default_rng(1)).astype(np.float32)
    starts = cells.cells(law, real).starts[:-1]
    x = np.concatenate([x, starts, np.nextafter(starts, np.float32(-9)), np.float32([2.0, 9.0])])
    summary = counts.summarise(law, real, [x])
    inside = x[(x >= law.a) & (x <= law.b)]
    expected = np.bincount(np.searchsorted(starts, inside, side="right"), minlength=cells.BINS)
    assert np.array_equal(summary.counts, expected)
    if law.moments:
        y = (inside.astype(np.float64) - exact.moments(law, real).mean) / exact.moments(law, real).deviation
        assert summary.sums == pytest.approx([np.sum(y**k) for k in range(1, 9)], rel=1e-9)


def test_infinity_has_its_cell_where_a_law_reaches_it():
    """As many as lie beyond 65,520, the tie between the largest float16 and what would be the next number."""
    (cauchy,), float16 = LAWS["cauchy"], dtypes.resolve("float16")
    own = cells.cells(cauchy, float16)
    assert own.values[[0, -1]].tolist() == [-math.inf, math.inf]
    assert own.mass[-1] == pytest.approx(stats.cauchy.sf(65520), rel=1e-6)
    assert np.isfinite(cells.cells(NORMAL, float16).values).all()


def test_repeats_are_those_of_rounded_numbers():
    """The mean that is computed from the bins, beside NumPy's float64 values that are rounded to float32."""
    rng, real = np.random.default_rng(5), dtypes.resolve("float32")
    for law, x in ((NORMAL, rng.standard_normal(1 << 20)), (LAWS["logistic"][0], rng.logistic(size=1 << 20))):
        seen = x.size - len(np.unique(x.astype(np.float32)))
        mean, variance = distinct.occupancy(law, real, x.size)
        assert abs(seen - mean) < 4.5 * math.sqrt(variance)  # once in 150,000 seeds


def test_moments_of_a_normal():
    found = exact.moments(NORMAL, dtypes.resolve("float64"))
    double_factorials = [math.prod(range(k - 1, 0, -2)) if k % 2 == 0 else 0 for k in range(17)]
    assert found.standard[:17] == pytest.approx(double_factorials, rel=1e-10, abs=1e-6)
    law = stats.truncnorm(2, math.inf)
    mine = exact.moments(truncated_normal(2.0, math.inf), dtypes.resolve("float64"))
    assert (mine.mean, mine.deviation) == pytest.approx((law.mean(), law.std()), rel=1e-10)


def test_anderson_darling():
    """Against J. P. Imhof's inversion (1961, equation 3.2) for the sum of squares with weights 1 / (j (j + 1))."""
    j = np.arange(1, 3001)
    u = np.linspace(1e-9, 600, 60_001)
    angle, size = (np.zeros(u.shape) for _ in range(2))
    for weight in 1 / (j * (j + 1)):
        angle += 0.5 * np.arctan(weight * u)
        size += 0.25 * np.log1p((weight * u) ** 2)
    angle += 0.5 * u / (len(j) + 1)  # the weights left out, which are small enough to count by their sum
    for statistic in (0.3, 1.0, 2.492, 3.878, 8.0, 14.0):
        p = 0.5 + np.trapezoid(np.sin(angle - 0.5 * statistic * u) / (u * np.exp(size)), u) / np.pi
        assert fits.anderson_darling_sf(statistic) == pytest.approx(p, rel=0.06 if statistic > 12 else 1e-3, abs=1e-8)


def test_anderson_darling_goes_on_far_out():
    near, far = fits.anderson_darling_sf(11.99), fits.anderson_darling_sf(12.01)
    assert far < near
    assert far == pytest.approx(near, rel=0.06)
    assert fits.anderson_darling_sf(0.01) == 1.0
    assert fits.anderson_darling_sf(500.0) < 1e-200
    assert fits.anderson_darling_sf(1e6) == 0.0


@pytest.mark.nightly
def test_p_values_are_fair():
    """Of NumPy's normals: as many of 900 p-values of continuous statistics below each level as there should be."""
    real, seeds = dtypes.resolve("float64"), range(150)
    p = []
    for seed in seeds:
        x = np.random.default_rng(seed).standard_normal(1 << 16)
        rows = fits.rows(counts.summarise(NORMAL, real, [x]), NORMAL, real)
        p += [row.p for row in rows if row.group in ("chi2", "KS", "AD") or row.name in ("moment 1", "moment 2", "moment 3")]
    p = np.array(p)
    assert len(p) == 900
    for level in (0.5, 0.1, 0.01):
        seen = (p < level).sum()
        # statistics of one sample know of one another: three times the variance of independent ones, at 4.5 deviations
        assert abs(seen - level * len(p)) < 4.5 * math.sqrt(3 * level * (1 - level) * len(p))


def rows_of(*ps):
    rows = tuple(Row("KS", f"test {i}", 0.0, p) for i, p in enumerate(ps))
    return Result(subject("numpy", NORMAL, REALS[0]), 10, 0.0, rows)


def test_the_verdict_counts_its_tests():
    assert verdict.judge([rows_of(2e-4, 0.5, 0.5, 0.5)]).failed[0][1].p == 2e-4
    assert verdict.judge([rows_of(3e-4, 0.5, 0.5, 0.5)]).good
    many = verdict.judge([rows_of(2e-4, *[0.5] * 9)])
    assert (many.good, many.tests, many.threshold) == (True, 10, 1e-4)
    assert not verdict.judge([rows_of(math.nan, *[0.5] * 9)]).good


def test_what_leaves_no_chance_is_not_counted():
    found = verdict.judge([rows_of(0.5)._replace(rows=(fault_row("bounds", "x", 1), fault_row("bounds", "y", 0)))])
    assert (found.tests, [row.name for _, row in found.failed]) == (0, ["x"])


def test_right_verdicts_999_times_of_1000():
    """Uniform p-values: of 20,000 verdicts on 300 tests each, as many bad as alpha says, at 4.5 deviations."""
    p = np.random.default_rng(2).random((20_000, 300)).min(1)
    bad = (p < verdict.judge([rows_of(*[0.5] * 300)]).threshold).sum()
    assert abs(bad - 20) < 4.5 * math.sqrt(20)


def test_a_broken_promise_is_found(monkeypatch):
    law, real = NORMAL, dtypes.resolve("bfloat16")
    assert [row.p for row in promises.of(law, real, 1)] == [1.0] * 5
    right = promises.Draw.__call__

    def wrong(self, index=None, out=None, real=None):
        x = right(self, index, out, real)
        if index is not None or out is not None or real is not None:
            x.reshape(-1)[-1:] += 1
        return x

    monkeypatch.setattr(promises.Draw, "__call__", wrong)
    found = {row.name.split(", ")[1].split(":")[0]: row.p for row in promises.of(law, real, 1)}
    assert found == {"one thread": 1.0, "pieces": 0.0, "slices": 0.0, "layouts": 0.0, "rounding": 0.0}
