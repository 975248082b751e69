"""The numbers of the 16-bit and 8-bit dtypes, and ranges in which they are few or many."""

import functools

import numpy as np
import pytest

import fastinit as fi
from tests.promise.helpers import INF, SEED, numpy_dtype

NARROWED = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")


@functools.cache
def numbers(dtype):
    """All finite numbers of a 16-bit or 8-bit dtype in rising order, as float64."""
    bits = np.dtype(f"u{numpy_dtype(dtype).itemsize}")
    with np.errstate(invalid="ignore"):  # signalling NaNs among them
        values = np.arange(256**bits.itemsize).astype(bits).view(numpy_dtype(dtype)).astype(np.float64)
    return np.unique(values[np.isfinite(values)])


def rounded(x, dtype):
    with np.errstate(over="ignore"):
        return x.astype(numpy_dtype(dtype))


def within(low, high, dtype, including):
    """The least and the greatest number of a dtype between bounds, or None; infinity counts if the dtype has it."""
    every = numbers(dtype)
    if np.isinf(np.float64(rounded(np.float32(1e30), dtype))):
        every = np.concatenate([[-INF], every, [INF]])
    inside = every[(every >= low) & ((every <= high) if including else (every < high))]
    return (inside[0], inside[-1]) if np.isfinite(inside).any() else None


def clipped_and_rounded(x, bounds, dtype):
    least, greatest = bounds
    return rounded(np.minimum(np.maximum(x, np.float32(least)), np.float32(greatest)), dtype)


def equal_numbers(x, y, what=""):
    """The same numbers, an infinity included; -0 may stand for 0."""
    assert x.dtype == y.dtype
    bad = np.flatnonzero(x.astype(np.float64) != y.astype(np.float64))
    assert len(bad) == 0, f"{what}: {len(bad)} of {x.size} differ, first {x[bad[0]]} for {y[bad[0]]}"


UNIFORM_RANGES = [
    (0.0, 1.0),
    (-1.0, 1.0),
    (-0.04, 0.04),
    (0.3, 0.7),
    (-1e-3, 1e-3),
    (1.0, 1.0 + 2.0**-7),
    (1.0, 1.0 + 2.0**-6),
    (1.0 - 2.0**-8, 1.0 + 2.0**-5),
    (0.1, 0.1013),
    (-0.7, -0.3),
    (100.3, 101.9),
    (-5e4, 6e4),
    (0.0, 1e-6),
    (2e-8, 4e-7),
]

TRUNCATED_RANGES = [  # a, b, loc, scale, units
    (-2, 2, 0, 1, "std"),
    (-2, 2, 0, 0.02, "std"),
    (-2, 2, 0.7, 0.3, "std"),
    (-1, 3, 5, 2, "std"),
    (0, INF, 0, 1, "std"),
    (-INF, -4, 0, 1, "std"),
    (8, INF, -3, 0.5, "std"),
    (1, 1.5, 0, 1, "std"),
    (0.3, 0.7, 0.5, 0.3, "absolute"),
    (-0.3, 0.1, 7, 3, "absolute"),
    (0.1, 0.1013, 0.1, 1, "absolute"),
    (-1e-3, 2e-3, 0, 1e-3, "absolute"),
    (-3e-7, 5e-7, 0, 4e-7, "absolute"),
    (3e4, 6e4, 0, 2e4, "absolute"),
]


def value_bounds(a, b, loc, scale, units):
    return (a, b) if units == "absolute" else (loc + scale * a, loc + scale * b)


def missing_between(parameters, dtype):
    """Whether the dtype has no number there; the call is refused then."""
    a, b, loc, scale, units = parameters
    if within(*value_bounds(*parameters), dtype, including=True):
        return False
    with pytest.raises(ValueError, match=f"a and b must have a {dtype} between"):
        fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=9, units=units, dtype=dtype)
    return True
