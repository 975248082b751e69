"""Every random initialiser at 2^24 values: its moments to five standard errors of the closed form, and its bounds.

A right sampler with a seed picked blindly exceeds five standard errors once in 1.7 million times. A deviation that is off by
two parts in a thousand is twelve of them (normal) or eighteen (uniform) away at this size.
"""

import math

import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from fastinit import initializers
from tests.repeats import mostly_at_night
from tests.statistics import follows

SIDE = 4096
SHAPE = (SIDE, SIDE)
ERRORS = 5.0


def moments(x):
    """Mean and variance, summed in float64."""
    mean = x.mean(dtype=np.float64)
    square = np.square(x - np.float32(mean), dtype=np.float64)
    variance = square.mean()
    return mean, variance


def fits(x, law, what):
    """Assert that x has the mean, the variance and the bounds of a SciPy distribution."""
    mean, variance = moments(x)
    expected, spread, excess = (float(v) for v in law.stats(moments="mvk"))
    n = x.size
    assert abs(mean - expected) < ERRORS * math.sqrt(spread / n), f"{what}: mean {mean} for {expected}"
    error = spread * math.sqrt((excess + 2) / n)
    assert abs(variance - spread) < ERRORS * error, f"{what}: variance {variance} for {spread}"
    low, high = law.support()
    assert x.min() >= np.nextafter(np.float32(low), np.float32(-np.inf))
    assert x.max() <= np.nextafter(np.float32(high), np.float32(np.inf))


def uniform(variance):
    half = math.sqrt(3 * variance)
    return stats.uniform(-half, 2 * half)


def normal(variance):
    return stats.norm(0, math.sqrt(variance))


def truncated(variance, a=-2.0, b=2.0):
    """The truncated normal with this variance after truncation."""
    return stats.truncnorm(a, b, 0, math.sqrt(variance / stats.truncnorm(a, b).var()))


K = 16  # the fans' ratio: a shape of (4096, 256, 4, 4) has fan_in 4096, fan_out 65536
CONV = (SIDE, SIDE // K, 4, 4)
IN, OUT = float(SIDE), float(SIDE * K)

LAWS = [
    ("uniform", SHAPE, {"low": -0.25, "high": 0.5}, stats.uniform(-0.25, 0.75)),
    ("normal", SHAPE, {"loc": 0.1, "scale": 0.02}, stats.norm(0.1, 0.02)),
    ("truncated_normal", SHAPE, {"scale": 0.02}, stats.truncnorm(-2, 2, 0, 0.02)),
    ("truncated_normal", SHAPE, {"scale": 0.02, "corrected": True}, truncated(0.0004)),
    ("truncated_normal", SHAPE, {"a": -0.5, "b": 3.0, "corrected": True}, truncated(1.0, -0.5, 3.0)),
    ("truncated_normal", SHAPE, {"a": 4.0, "b": math.inf, "corrected": True}, truncated(1.0, 4.0, math.inf)),
    ("small_random", SHAPE, {}, normal(1e-4)),
    ("sparse", SHAPE, {"sparsity": 0.0, "scale": 0.5}, normal(0.25)),
    ("variance_scaling", CONV, {}, truncated(1 / IN)),
    ("variance_scaling", CONV, {"scale": 0.5, "mode": "fan_out", "distribution": "normal"}, normal(0.5 / OUT)),
    ("variance_scaling", CONV, {"mode": "fan_avg", "distribution": "uniform"}, uniform(2 / (IN + OUT))),
    ("variance_scaling", CONV, {"mode": "fan_geo_avg", "bounds": (-1, 1)}, truncated(1 / math.sqrt(IN * OUT), -1, 1)),
    ("variance_scaling", CONV, {"corrected": False}, stats.truncnorm(-2, 2, 0, IN**-0.5)),
    ("variance_scaling", CONV, {"bounds": (0, math.inf)}, truncated(1 / IN, 0, math.inf)),
    ("xavier_uniform", CONV, {"gain": 5 / 3}, uniform(25 / 9 * 2 / (IN + OUT))),
    ("xavier_normal", CONV, {}, normal(2 / (IN + OUT))),
    ("xavier_normal", CONV, {"truncated": True}, truncated(2 / (IN + OUT))),
    ("he_uniform", CONV, {}, uniform(2 / IN)),
    ("he_uniform", CONV, {"a": 0.5, "mode": "fan_out"}, uniform(2 / 1.25 / OUT)),
    ("he_normal", CONV, {"nonlinearity": "selu"}, normal(9 / 16 / IN)),
    ("he_normal", CONV, {"nonlinearity": "relu", "truncated": True}, truncated(2 / IN)),
    ("lecun_uniform", CONV, {}, uniform(1 / IN)),
    ("lecun_normal", CONV, {}, normal(1 / IN)),
    ("lecun_normal", CONV, {"truncated": True, "layout": "in_out"}, truncated(1 / (SIDE * SIDE / 4))),
    ("fan_in_uniform", CONV, {}, uniform(1 / (3 * IN))),
    ("fan_in_uniform", CONV, {"groups": 2, "in_axis": 0, "out_axis": 1}, uniform(1 / (3 * OUT))),
    ("small_init", SHAPE, {"dim": 512}, normal(2 / (5 * 512))),
    ("wang_init", SHAPE, {"dim": 512, "n_layers": 24}, normal(4 / (24**2 * 512))),
    ("wang_init", SHAPE, {"dim": 512, "n_layers": 24, "truncated": True}, truncated(4 / (24**2 * 512))),
    ("residual_normal", SHAPE, {"n_layers": 12}, normal(0.02**2 / 24)),
    ("residual_normal", SHAPE, {"n_layers": 3, "scale": 0.1, "truncated": True}, truncated(0.1**2 / 6)),
]


@pytest.mark.parametrize(("name", "shape", "keywords", "law"), mostly_at_night(LAWS, 4))
def test_closed_form(name, shape, keywords, law):
    x = getattr(initializers, name)(shape, rng=11, **keywords)
    assert x.size == 2**24
    fits(x, law, name)
    follows(x.ravel()[:: 2**24 // 10**5], law, name)


@pytest.mark.parametrize("factor", [1.002, 0.998])
def test_a_wrong_deviation_is_found(factor):
    """The test above can fail: a deviation wrong by two thousandths is found."""
    x = initializers.he_normal(SHAPE, rng=11)
    with pytest.raises(AssertionError, match="variance"):
        fits(x, normal(factor * factor * 2 / IN), "wrong on purpose")


def test_an_uncorrected_deviation_is_found():
    x = initializers.variance_scaling(SHAPE, corrected=False, rng=11)
    with pytest.raises(AssertionError, match="variance"):
        fits(x, truncated(1 / IN), "wrong on purpose")


@pytest.mark.parametrize(("scale", "a", "b", "loc"), [(0.5, -1.0, 1.0, 0.0), (0.2, 0.0, 1.0, -3.0), (0.05, 0.0, 1.0, 0.4)])
def test_corrected_between_absolute_bounds(scale, a, b, loc):
    x = initializers.truncated_normal(SHAPE, loc=loc, scale=scale, a=a, b=b, units="absolute", corrected=True, rng=11)
    _, variance = moments(x)
    assert a <= x.min()
    assert x.max() <= b
    kurtosis = float(np.mean(np.square(np.square(x - x.mean(dtype=np.float64))))) / variance**2
    assert abs(variance - scale**2) < ERRORS * scale**2 * math.sqrt((kurtosis - 1) / x.size)


def test_sparse_law():
    """All rows have zeros equally often, columns are independent, and the other values keep their distribution."""
    w = initializers.sparse((64, 2**18), sparsity=0.25, scale=0.5, rng=11)
    zero = w == 0
    assert (zero.sum(axis=0) == 16).all()
    per_row = zero.mean(axis=1)
    # 64 counts that sum up to a constant: 63 degrees of freedom once each is divided by the deviation of a draw without return
    statistic = ((per_row - 0.25) ** 2).sum() * 2**18 / (0.25 * 0.75) * 63 / 64
    assert 1e-4 < stats.chi2(63).sf(statistic) < 1 - 1e-4
    fits(w[~zero], normal(0.25), "sparse")
    together = (zero[:, :-1] == zero[:, 1:]).mean()
    assert abs(together - 0.625) < ERRORS * math.sqrt(0.25 * 0.75 / zero.size)


def test_gain():
    """The gain of tanh, relu and leaky relu keeps, roughly or exactly, the second moment of normal values."""
    z = fi.default_rng(0).normal(size=2**20)
    assert abs(np.mean(np.maximum(initializers.gain("relu") * z, 0) ** 2) - 1) < 0.01
    leaky = initializers.gain("leaky_relu", 0.3) * z
    assert abs(np.mean(np.where(leaky > 0, leaky, 0.3 * leaky) ** 2) - 1) < 0.01
    assert initializers.gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert initializers.gain("tanh") == pytest.approx(5 / 3, rel=1e-15)
    assert initializers.gain("selu") == 0.75
    assert initializers.gain("sigmoid") == initializers.gain("conv_transpose3d") == 1.0
