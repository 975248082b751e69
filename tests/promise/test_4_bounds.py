"""Bounds hold after rounding, in every dtype, and no values pile up at them."""

import math

import ml_dtypes
import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from tests.conftest import DTYPES
from tests.promise.helpers import SEED, numpy_dtype
from tests.promise.narrow import NARROWED, TRUNCATED_RANGES, UNIFORM_RANGES, missing_between, value_bounds, within
from tests.promise.shares import ALPHA, has_shares, neighbours, truncated_shares, uniform_shares
from tests.repeats import mostly_at_night

TINY32, TINY64 = 2.0**-149, 5e-324

#: Ranges that hold few numbers of float32 or float64, bounds among them: others shift by part of the distance of two numbers.
NARROW = [
    ("float32", 1.0, 1.0 + 2.0**-23),
    ("float32", 1.0, 1.0 + 3 * 2.0**-23),
    ("float32", 1.0 - 3 * 2.0**-24, 1.0 + 5 * 2.0**-23),
    ("float32", -1.0 - 2.0**-22, -1.0 + 2.0**-23),
    ("float32", 16_777_212.0, 16_777_231.0),
    ("float32", 2.0**100, 2.0**100 + 9 * 2.0**77),
    ("float64", 1.0, 1.0 + 2.0**-52),
    ("float64", 1.0, 1.0 + 5 * 2.0**-52),
    ("float64", -1.0 - 2.0**-50, -1.0 + 2.0**-52),
    ("float64", 1e300, 1e300 * (1 + 2.0**-48)),
]

#: Ranges of subnormal numbers.
SUBNORMAL = [
    ("float32", 0.0, 5 * TINY32),
    ("float32", -3 * TINY32, 4 * TINY32),
    ("float32", 0.0, 1000 * TINY32),
    ("float32", 2.0**-126, 2.0**-126 + 100 * TINY32),
    ("float64", 0.0, 5 * TINY64),
    ("float64", -300 * TINY64, 4 * TINY64),
    ("float16", 0.0, 5 * 2.0**-24),
    ("float16", -(2.0**-14), 2.0**-14),
    ("bfloat16", 0.0, 5 * 2.0**-133),
    ("bfloat16", -(2.0**-126), 2.0**-126),
]

N = 1 << 18


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    mostly_at_night([(d, *r) for d in NARROWED for r in UNIFORM_RANGES if within(*r, d, including=False)], 2)
    + NARROW
    + SUBNORMAL,
)
def test_uniform_bounds_and_shares(dtype, low, high):
    x = fi.default_rng(SEED).uniform(low, high, size=N, dtype=dtype)
    values = neighbours(low, high, dtype, including=False)
    assert low <= float(x.min())
    assert float(x.max()) < high
    has_shares(x, values, uniform_shares(low, high, values, dtype), f"{dtype} [{low}, {high})")


@pytest.mark.parametrize(
    ("dtype", "high"),
    [(d, h) for d in ("float32", "bfloat16") for h in (1e-30, 1e-36, 3.5e-38, 1e-38)]
    + [("float64", 1e-300), ("float64", 1e-307)],
)
def test_uniform_is_uniform_at_tiny_scales(dtype, high):
    """By the Kolmogorov-Smirnov test of 2^12 values, for which 8 bits of precision are enough."""
    x = fi.default_rng(SEED).uniform(0, high, size=1 << 12, dtype=dtype)
    p = stats.kstest(x.astype(np.float64) / high, "uniform").pvalue
    assert p > ALPHA, f"{dtype} [0, {high}): p = {p:.3g}, {len(np.unique(x.astype(np.float64)))} numbers"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0.3, 0.7),
        (-1e-3, 1e-3),
        (0.0, 1.0),
        (-1.0, 0.0),
        (-3e-3, -1e-5),
        (1e-40, 2.0),
        (-2.0, 1e-42),
        (65_000.0, 70_000.0),
        (-70_000.0, 1.0),
        (1 / 3, 2 / 3),
        (100.01, 100.99),
    ],
)
def test_uniform_never_gives_high(low, high, dtype):
    if dtype in NARROWED and not within(low, high, dtype, including=False):
        return  # refused: see test_uniform_is_rounded_and_clipped_float32
    x = fi.default_rng(SEED).uniform(low, high, size=N, dtype=dtype)
    assert low <= float(x.min())
    assert float(x.max()) < high


@pytest.mark.parametrize(("a", "b", "loc", "scale", "units"), TRUNCATED_RANGES)
@pytest.mark.parametrize("dtype", NARROWED)
def test_truncated_bounds_and_shares(a, b, loc, scale, units, dtype):
    if missing_between((a, b, loc, scale, units), dtype):
        return
    x = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=N, units=units, dtype=dtype)
    low, high = value_bounds(a, b, loc, scale, units)
    assert low <= float(x.min())
    assert float(x.max()) <= high
    values = neighbours(low, high, dtype, including=True)
    has_shares(x, values, truncated_shares(a, b, loc, scale, units, values), f"{dtype} [{low}, {high}]")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "b", "loc", "scale", "units"), [*TRUNCATED_RANGES, (-2, 2, 100, 1 / 3, "std"), (3, 3.1, 1, 7, "std")]
)
def test_truncated_stays_inside(a, b, loc, scale, units, dtype):
    if dtype in NARROWED and missing_between((a, b, loc, scale, units), dtype):
        return
    x = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=N, units=units, dtype=dtype)
    low, high = value_bounds(a, b, loc, scale, units)
    assert low <= float(x.min())
    assert float(x.max()) <= high


@pytest.mark.parametrize(
    ("dtype", "a", "b", "loc", "scale"),
    [
        ("float32", 1.0, 1.0 + 5 * 2.0**-23, 0.0, 1.0),
        ("float32", 999.9998, 1000.0002, 1000.0, 1e-4),
        ("float32", -1000.0 - 2.0**-12, -1000.0 + 2.0**-12, 0.0, 200.0),
        ("float64", 1.0, 1.0 + 5 * 2.0**-52, 0.0, 1.0),
        ("float32", 0.0, 5 * TINY32, 0.0, 1.0),
        ("float32", -3 * TINY32, 5 * TINY32, 0.0, 1.0),
    ],
)
def test_truncated_between_few_numbers(dtype, a, b, loc, scale):
    x = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=N, units="absolute", dtype=dtype)
    values = neighbours(a, b, dtype, including=True)
    flat = (b - a) < 1e-4 * scale and abs(a * (b - a)) < 1e-4 * scale**2  # the density is the same all over to 1e-4
    shares = uniform_shares(a, b, values, dtype) if flat else truncated_shares(a, b, loc, scale, "absolute", values)
    has_shares(x, values, shares, f"{dtype} [{a}, {b}]")


@pytest.mark.parametrize("dtype", DTYPES)
def test_constant_fills_keep_the_bounds(dtype):
    """No deviation and bounds that hold numbers of the dtype, `loc` itself none: the result is a number between the bounds."""
    least = 0.24 if "float8" in dtype else 0.29
    x = fi.default_rng(SEED).truncated_normal(least, 0.3, loc=0.3, scale=0, size=5, units="absolute", dtype=dtype)
    assert float(x.min()) >= least
    assert float(x.max()) <= 0.3


def pile_ups():
    """Samplers that break the bounds, each as the values it gives and the range it should keep."""
    rng = fi.default_rng(SEED)
    u = rng.uniform(size=N, dtype="float64")
    z = rng.normal(size=N, dtype="float64")
    coarse = numpy_dtype("bfloat16")
    return {
        "high appears": (u.astype(coarse), 0, 1),
        "redrawn from the next number below": (
            np.minimum((1 + u / 64).astype(coarse).astype(float), 1 + 3 / 256).astype(coarse),
            1,
            1 + 1 / 64,
        ),
        "clamped to the bounds": (np.clip(z, -2, 2).astype(coarse), -2, 2),
    }


@pytest.mark.parametrize("what", list(pile_ups()))
def test_pile_ups_are_found(what):
    x, low, high = pile_ups()[what]
    values = neighbours(low, high, "bfloat16", including=low == -2)
    shares = truncated_shares(-2, 2, 0, 1, "std", values) if low == -2 else uniform_shares(low, high, values, "bfloat16")
    with pytest.raises(AssertionError, match=r"expected|outside"):
        has_shares(x, values, shares, what)


@pytest.mark.parametrize(
    ("a", "b", "loc", "scale", "units"),
    [
        (448, math.inf, 0, 1e6, "absolute"),
        (-math.inf, -448, 0, 1e6, "absolute"),
        (-1, math.inf, 0, 1e6, "std"),
        (-math.inf, 2, 100, 300, "std"),
        (2, math.inf, 0, 200, "std"),
        (-math.inf, math.inf, 0, 1000, "std"),
        (-math.inf, math.inf, 1e6, 0, "absolute"),
    ],
)
def test_an_infinite_bound_of_a_dtype_without_infinity(a, b, loc, scale, units):
    """float8_e4m3fn has NaN in the place of infinity: its largest number, 448, is the bound instead."""
    dtype = ml_dtypes.float8_e4m3fn
    x = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=4096, dtype=dtype, units=units).astype(np.float64)
    exact = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=4096, units=units).astype(np.float64)
    assert np.array_equal(x, np.clip(exact, -448, 448).astype(dtype).astype(np.float64))
    assert np.abs(x).max() == 448
