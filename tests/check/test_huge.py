"""At 10^11 values: the expected chances are exact enough, the p-values are right, counts do not overflow."""

import math

import mpmath
import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

from scipy import stats

from fastinit.arguments import dtypes
from fastinit.check import cells, counts, exact, fits, order
from fastinit.check.laws import LAWS, NORMAL, UNIFORM, truncated_normal
from tests.repeats import mostly_at_night

HUGE = 10**11
ncdf = mpmath.ncdf


def between(a, b):
    """The distribution function of a standard normal between bounds, without cancellation above 0."""
    whole = ncdf(-a) - ncdf(-b)
    return lambda x: 1 - (ncdf(-x) - ncdf(-b)) / whole


#: Distribution functions in many digits.
EXACT = {
    "normal": (NORMAL, ncdf),
    "truncated_normal -2 2": (truncated_normal(-2, 2), between(-2, 2)),
    "truncated_normal 2 inf": (truncated_normal(2, math.inf), between(2, mpmath.inf)),
    "exponential": (LAWS["exponential"][0], lambda x: -mpmath.expm1(-x)),
    "laplace": (LAWS["laplace"][0], lambda x: mpmath.exp(x) / 2 if x < 0 else 1 - mpmath.exp(-x) / 2),
    "logistic": (LAWS["logistic"][0], lambda x: 1 / (1 + mpmath.exp(-x))),
    "gumbel": (LAWS["gumbel"][0], lambda x: mpmath.exp(-mpmath.exp(-x))),
    "cauchy": (LAWS["cauchy"][0], lambda x: mpmath.mpf(1) / 2 + mpmath.atan(x) / mpmath.pi),
    "lognormal": (LAWS["lognormal"][0], lambda x: ncdf(mpmath.log(x)) if x > 0 else mpmath.mpf(0)),
}


@pytest.mark.parametrize("dtype", mostly_at_night(["float32", "bfloat16", "float64", "float16"], 2))
@pytest.mark.parametrize("name", EXACT)
def test_expected_chances(name, dtype):
    """A chance that is wrong by one part in 10^7 moves a count of 10^11 / 2^16 values by a ten-thousandth of its deviation."""
    law, cdf = EXACT[name]
    grid = cells.cells(law, dtypes.resolve(dtype))
    counted = np.flatnonzero(grid.mass[1:-1] * HUGE >= fits.EXPECTED) + 1  # a cell that expects less is joined with others
    some = np.unique(
        np.concatenate([counted[:4], counted[-4:], np.random.default_rng(0).choice(counted, min(12, len(counted)))])
    )
    with mpmath.workdps(40):
        ends = [(mpmath.mpf(float(grid.edges[i - 1])), mpmath.mpf(float(grid.edges[i]))) for i in some]
        chances = np.array([float(cdf(b) - cdf(a)) for a, b in ends])
    assert len(some) >= 6
    assert grid.mass[some] == pytest.approx(chances, rel=1.1e-7)


@pytest.mark.parametrize("chance", [1e-10, 9.87e-10, 2.87e-7, 1e-4])
@pytest.mark.parametrize("deviations", [0, 4, 7])
def test_counts_of_rare_events(chance, deviations):
    """Against Poisson's law in 30 digits, which is the binomial one but for a factor of 1 + chance."""
    mean = HUGE * chance
    seen = math.floor(mean + deviations * math.sqrt(mean))
    row = fits.count_row("tails", "x", seen, mean, HUGE)
    with mpmath.workdps(30):
        above = float(mpmath.gammainc(seen, 0, mean, regularized=True)) if mean < 1e5 else None
    expected = stats.norm.sf((seen - 0.5 - mean) / math.sqrt(mean)) if above is None else above
    if deviations:
        assert row.p == pytest.approx(2 * expected, rel=0.05)
    else:
        assert row.p > 0.5


def test_kolmogorov_has_its_limit():
    assert fits.kolmogorov_sf(6e-6, HUGE) == pytest.approx(2 * math.exp(-2 * 0.36 * 10), rel=1e-3)
    few, many = (fits.kolmogorov_sf(2.4 / math.sqrt(n), n) for n in (fits.FEW - 1, fits.FEW))
    assert few == pytest.approx(many, rel=0.01)


def test_statistics_of_a_sample_that_follows_the_law_exactly():
    """10^11 values, as many in each cell as expected: no deviation, and none of the p-values says there is one."""
    real = dtypes.resolve("float32")
    grid, moments = cells.cells(NORMAL, real), exact.moments(NORMAL, real)
    exactly = np.rint(grid.mass * HUGE).astype(np.int64)
    size = int(exactly.sum())
    ends = np.zeros(counts.TAILS + 2 * counts.SIDE)
    ends[counts.LEAST], ends[counts.GREATEST] = stats.norm.ppf(0.7 / size), stats.norm.isf(0.7 / size)
    for side in (0, 1):
        for k, share in enumerate(cells.FAR):
            ends[counts.TAILS + counts.SIDE * side + k] = round(share * size)
    sums = moments.standard[1 : counts.POWERS + 1] * size
    sample = counts.Summary(size, exactly, np.zeros(cells.COLUMNS, np.int64), sums, ends)
    rows = {row.name: row for row in fits.rows(sample, NORMAL, real)}
    assert rows["Kolmogorov-Smirnov"].p > 0.99
    assert rows["Anderson-Darling"].p > 0.99
    assert all(row.p > 0.3 for name, row in rows.items() if not name.startswith("chi"))
    assert rows["chi-squared, 65536 cells"].statistic < 1  # only a right sampler's chance is missing


def test_counts_are_of_64_bits():
    """Blocks whose counts come near 2^31 by themselves go on beyond."""
    real = dtypes.resolve("float32")
    counter = counts._Bins(UNIFORM, real, 1)
    counter.counts += 2**40
    counter.add(0, np.full(10, 0.5, np.float32))
    summary = counter.summary()
    assert summary.size == cells.BINS * 2**40 + 10
    numbers = counts._Numbers(UNIFORM, dtypes.resolve("bfloat16"), 1)
    numbers.counts[0, 16128] = 2**40  # 0.5
    assert numbers.summary().size == 2**40


def test_lags_of_rare_events_are_not_judged():
    """Three coincidences among 130 ones at one of 8,192 lags happen often, though they are nine deviations of a normal."""
    ones = (np.random.default_rng(3).random(1 << 17) < 0.001).astype(np.float64)
    assert list(order.lags(ones)) == list(order.lanes(ones)) == []
    assert len(list(order.lags(np.random.default_rng(3).standard_normal(1 << 17)))) == 4


def test_ranks_of_equal_values_are_equal():
    assert order.ranks(np.array([5, 7, 5, 9, 7, 5])).tolist() == [1.5, 4.0, 1.5, 5.5, 4.0, 1.5]
