"""Results of 16 and 8 bits are the rounded float32 results, kept inside the bounds where there are bounds."""

import numpy as np
import pytest

import fastinit as fi
from tests.promise.helpers import SEED, same_bytes
from tests.promise.narrow import (
    NARROWED,
    TRUNCATED_RANGES,
    UNIFORM_RANGES,
    clipped_and_rounded,
    equal_numbers,
    missing_between,
    rounded,
    value_bounds,
    within,
)


@pytest.mark.parametrize("dtype", NARROWED)
@pytest.mark.parametrize(
    ("loc", "scale"), [(0, 1), (0, 0.02), (1, 0.5), (-3, 1e-3), (0, 1e-7), (0, 1e-39), (0, 3e4), (1e-6, 1e-8), (0, 1e38)]
)
def test_normal_is_rounded_float32(loc, scale, dtype):
    """Scales where float16 has its subnormals, those of bfloat16, and where values overflow to infinity."""
    n = 40_000
    single = fi.default_rng(SEED).normal(loc, scale, size=n)
    same_bytes(fi.default_rng(SEED).normal(loc, scale, size=n, dtype=dtype), rounded(single, dtype))


@pytest.mark.parametrize("dtype", NARROWED)
@pytest.mark.parametrize(("low", "high"), UNIFORM_RANGES)
def test_uniform_is_rounded_and_clipped_float32(low, high, dtype):
    n, bounds = 40_000, within(low, high, dtype, including=False)
    single = fi.default_rng(SEED).uniform(low, high, size=n)
    if bounds is None:
        with pytest.raises(ValueError, match=f"low and high must have a {dtype} in"):
            fi.default_rng(SEED).uniform(low, high, size=n, dtype=dtype)
        return
    narrow = fi.default_rng(SEED).uniform(low, high, size=n, dtype=dtype)
    equal_numbers(narrow, clipped_and_rounded(single, bounds, dtype), f"[{low}, {high})")


@pytest.mark.parametrize("dtype", NARROWED)
@pytest.mark.parametrize("parameters", TRUNCATED_RANGES)
def test_truncated_is_rounded_and_clipped_float32(parameters, dtype):
    if missing_between(parameters, dtype):
        return
    n, (a, b, loc, scale, units) = 40_000, parameters
    single = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=n, units=units)
    narrow = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=n, units=units, dtype=dtype)
    low, high = value_bounds(*parameters)
    bounds = within(low, high, dtype, including=True)
    equal_numbers(narrow, clipped_and_rounded(single, bounds, dtype), f"[{low}, {high}]")


@pytest.mark.parametrize("dtype", NARROWED)
@pytest.mark.parametrize("before", [333, 321, 128, 96, 64])
def test_narrow_uniforms_across_counter_2_32(dtype, before):
    """Four tiles at once must not run past the low half of a counter, wherever they start."""
    where, size = np.s_[2**34 - before : 2**34 + 700], 2**40
    single = fi.default_rng(SEED).uniform(-0.5, 0.5, size=size, index=where)
    narrow = fi.default_rng(SEED).uniform(-0.5, 0.5, size=size, index=where, dtype=dtype)
    bounds = within(-0.5, 0.5, dtype, including=False)
    equal_numbers(narrow, clipped_and_rounded(single, bounds, dtype))
