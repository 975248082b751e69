"""`fastinit.laws` against SciPy's distributions: Kolmogorov-Smirnov, chi-squared and the tails.

Each test fails for a right law and a seed picked blindly with the chance ALPHA of `tests/statistics.py`, 1e-4: some 120 tests
are made here, so all pass at first sight 98.8 times in 100.
"""

import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from fastinit.arguments import dtypes
from tests.repeats import mostly_at_night, times
from tests.statistics import equally_likely, follows, require

N = 1 << 18
#: A law, and SciPy's.
CONTINUOUS = {
    "exponential": (fi.laws.exponential(2.0), stats.expon(scale=2.0)),
    "laplace": (fi.laws.laplace(1.0, 0.5), stats.laplace(1.0, 0.5)),
    "logistic": (fi.laws.logistic(1.0, 0.5), stats.logistic(1.0, 0.5)),
    "gumbel": (fi.laws.gumbel(1.0, 0.5), stats.gumbel_r(1.0, 0.5)),
    "cauchy": (fi.laws.cauchy(1.0, 0.5), stats.cauchy(1.0, 0.5)),
    "lognormal": (fi.laws.lognormal(0.3, 0.5), stats.lognorm(0.5, scale=np.exp(0.3))),
}
#: Cells for the narrow dtypes: the borders are middles between numbers that the dtype has, so rounding moves none across.
NARROW = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")


def draw(law, dtype, size=N, seed=201):
    return fi.default_rng(seed).draw(law, size, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_distribution(name, dtype):
    law, known = CONTINUOUS[name]
    follows(draw(law, dtype), known, f"{law}, {dtype}")


def borders(dtype):
    """Numbers of the dtype from -16 to 16, 1/4 apart or as far as they are, and the middles above them."""
    real = dtypes.resolve(dtype)
    numbers = np.unique(np.arange(-16, 16.25, 0.25).astype(real.dtype).astype(float))
    return np.array([float(dtypes.half_way_above(float(x), real)) for x in numbers])


def require_counts(x, known, edges, what):
    """Chi-squared of the counts between borders; cells in which fewer than 25 are expected are joined to the one before."""
    counts = np.histogram(x, np.concatenate([[-np.inf], edges, [np.inf]]))[0]
    expected = len(x) * np.diff(np.concatenate([[0.0], known.cdf(edges), [1.0]]))
    groups = np.cumsum(expected) // 25
    joined = [np.bincount(groups.astype(int) - int(groups.min()), values) for values in (counts, expected)]
    observed, wanted = (values[joined[1] > 0] for values in joined)
    observed, wanted = np.append(observed[:-2], observed[-2:].sum()), np.append(wanted[:-2], wanted[-2:].sum())
    require(stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue, what)


@pytest.mark.parametrize(
    ("name", "dtype"),
    mostly_at_night([(name, d) for name in CONTINUOUS for d in NARROW if d in CONTINUOUS[name][0].dtype_names], 2),
)
def test_the_distribution_in_a_narrow_dtype(name, dtype):
    law, known = CONTINUOUS[name]
    x = draw(law, dtype).astype(float)
    require_counts(x[~np.isnan(x)], known, borders(dtype), f"{law}, {dtype}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_both_tails(name, dtype):
    """The values beyond the quantiles of 2^-12 follow the law of a tail."""
    law, known = CONTINUOUS[name]
    x = draw(law, dtype, times(1 << 20, 1 << 22), seed=202).astype(float)
    for side, chance in (("lower", known.cdf), ("upper", known.sf)):
        inside = chance(x)
        tail = inside[inside < 2.0**-12] * 2.0**12
        require(stats.binomtest(len(tail), len(x), 2.0**-12).pvalue, f"{law}, {dtype}, {side} tail's size")
        require(stats.kstest(tail, "uniform").pvalue, f"{law}, {dtype}, {side} tail")


@pytest.mark.parametrize("dtype", mostly_at_night(fi.laws.rademacher().dtype_names, 2))
def test_signs(dtype):
    x = draw(fi.laws.rademacher(), dtype).astype(int)
    assert set(x) == {-1, 1}
    equally_likely((x + 1) // 2, 2, f"signs, {dtype}")
    equally_likely((x[:-1] == x[1:]).astype(int), 2, f"signs, {dtype}, of neighbours")


@pytest.mark.parametrize("dtype", mostly_at_night(fi.laws.bernoulli().dtype_names, 3))
@pytest.mark.parametrize("p", [0.5, 0.3, 0.999, 1e-3])
def test_trials(p, dtype):
    x = draw(fi.laws.bernoulli(p), dtype).astype(int)
    assert set(x) == {0, 1}
    require(stats.binomtest(int(x.sum()), N, p).pvalue, f"trials of {p}, {dtype}")


@pytest.mark.parametrize("dtype", fi.laws.integers(2).dtype_names)
@pytest.mark.parametrize("count", mostly_at_night([2, 7, 100, 127], 2))
def test_integers(count, dtype):
    x = draw(fi.laws.integers(count), dtype).astype(int)
    equally_likely(x, count, f"integers below {count}, {dtype}")


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_integers_of_three_quarters(dtype):
    """A quarter of the words is taken anew; without that, every third integer would come twice as often as the others."""
    info = np.iinfo(dtype)
    low, count = info.min, 3 * (1 << (info.bits - 2))
    x = draw(fi.laws.integers(low, low + count), dtype)
    k = [each - low for each in x[: 1 << 16].tolist()]
    equally_likely(np.array([each % 3 for each in k]), 3, f"{dtype}, remainders")
    equally_likely(np.array([each * 96 // count for each in k]), 96, f"{dtype}, places")


# --- the tests above must fail on broken samplers ----------------------------------------------------------------------

BROKEN = {
    "the scale two percent off": lambda: follows(
        draw(fi.laws.laplace(1, 0.51), "float32", 1 << 20), stats.laplace(1, 0.5), "x"
    ),
    "minima for maxima": lambda: follows(-draw(fi.laws.gumbel(), "float32"), stats.gumbel_r(), "x"),
    "narrow, the scale off": lambda: require_counts(
        draw(fi.laws.logistic(1, 0.51), "bfloat16", 1 << 20).astype(float), CONTINUOUS["logistic"][1], borders("bfloat16"), "x"
    ),
    "modulo bias": lambda: equally_likely((draw(fi.laws.integers(96), "int32") % 64).astype(int), 64, "x"),
    "a chance off": lambda: require(stats.binomtest(int(draw(fi.laws.bernoulli(0.31), "bool").sum()), N, 0.3).pvalue, "x"),
}


@pytest.mark.parametrize("defect", BROKEN)
def test_defects_are_found(defect):
    with pytest.raises(AssertionError, match="p = "):
        BROKEN[defect]()
