"""Random parameters, absurd ones too: values inside the bounds, and no value refused that could be drawn."""

import math

import ml_dtypes
import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

import fastinit as fi
from tests.conftest import DTYPES
from tests.generator.fuzz import INF, SEED, any_float, inside, numpy_dtype, refused
from tests.repeats import cases


@cases(1500)
@given(dtype=st.sampled_from(DTYPES), low=any_float, high=any_float)
@example(dtype="float32", low=0.0, high=1e-38)
@example(dtype="bfloat16", low=0.3, high=0.7)
def test_uniform_keeps_any_bounds(dtype, low, high):
    """Refused only where there is a reason; else within bounds, of more than one number where the range has many."""
    largest = float(np.finfo(np.float64 if dtype == "float64" else np.float32).max)
    try:
        x = fi.default_rng(SEED).uniform(low, high, size=200, dtype=dtype)
    except ValueError as error:
        refused(error)
        finite = abs(low) <= largest and abs(high) <= largest and high - low <= largest
        assert not finite or low > high or not has_number(low, high, dtype, including=False)
        return
    assert x.dtype == numpy_dtype(dtype)
    inside(x, "uniform", {"low": low, "high": high})
    edge = float(ml_dtypes.finfo(numpy_dtype(dtype)).max)  # what lies beyond is kept at the edge
    if low < high and -edge <= low and high <= edge and has_numbers(low, high, dtype, 64):
        assert len(np.unique(x.astype(np.float64))) > 1


@cases(1500)
@given(
    dtype=st.sampled_from(DTYPES),
    a=any_float,
    b=any_float,
    loc=any_float,
    scale=any_float.map(abs),
    units=st.sampled_from(["std", "absolute"]),
)
@example(dtype="float32", a=0.29, b=0.3, loc=0.3, scale=0.0, units="absolute")
@example(dtype="float64", a=-1e308, b=1e308, loc=1e308, scale=1e308, units="std")
@example(dtype="float32", a=1e30, b=INF, loc=0.0, scale=1.0, units="std")
def test_truncated_keeps_any_bounds(dtype, a, b, loc, scale, units):
    try:
        x = fi.default_rng(SEED).truncated_normal(a, b, loc, scale, size=200, units=units, dtype=dtype)
    except ValueError as error:
        refused(error)
        return
    assert x.dtype == numpy_dtype(dtype)
    inside(x, "truncated_normal", {"a": a, "b": b, "loc": loc, "scale": scale, "units": units})
    if scale == 0 and units == "absolute":
        assert a <= float(x[0]) <= b


@cases(500)
@given(dtype=st.sampled_from(DTYPES), a=st.floats(-40, 40), width=st.floats(1e-6, 40) | st.just(INF))
def test_truncated_is_never_refused_between_ordinary_bounds(dtype, a, width):
    """Nor do such intervals collapse to a point."""
    assume(has_numbers(a, a + width, dtype, 64))
    x = fi.default_rng(SEED).truncated_normal(a, a + width, size=200, dtype=dtype)
    inside(x, "truncated_normal", {"a": a, "b": a + width})
    if a >= 0 and has_numbers(a, a + min(width, 1 / max(1.0, a)), dtype, 3):  # three within the law's own scale at `a`
        assert len(np.unique(x.astype(np.float64))) > 1


@cases(500)
@given(dtype=st.sampled_from(DTYPES), loc=any_float, scale=any_float)
def test_normal_of_any_parameters(dtype, loc, scale):
    """Refused where a parameter is not finite or the scale negative; else loc + scale z, rounded."""
    largest = float(np.finfo(np.float64 if dtype == "float64" else np.float32).max)
    finite = abs(loc) <= largest and 0 <= scale <= largest
    try:
        x = fi.default_rng(SEED).normal(loc, scale, size=50, dtype=dtype)
    except ValueError as error:
        refused(error)
        assert not finite
        return
    assert finite
    values = x.astype(np.float64)
    values[np.isnan(values)] = np.inf  # float8_e4m3fn has no infinity, and NaN beyond its largest number
    z = fi.default_rng(SEED).normal(size=50, dtype="float64" if dtype == "float64" else "float32").astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = loc + scale * z
        error = np.abs(values - expected)
    fits = np.isfinite(values) & np.isfinite(expected)
    eps, tiny = float(ml_dtypes.finfo(numpy_dtype(dtype)).eps), float(ml_dtypes.finfo(numpy_dtype(dtype)).smallest_subnormal)
    rough = 2.0**-23 * (abs(loc) + scale * 8) if dtype != "float64" else 2.0**-51 * (abs(loc) + scale * 8)
    assert np.all(error[fits] <= eps * np.abs(expected[fits]) + rough + 16 * tiny)
    edge = float(ml_dtypes.finfo(numpy_dtype(dtype)).max)
    assert np.all(np.abs(expected[~fits]) >= edge * 0.999)


def next_number(x, dtype):
    """The smallest number of the dtype that is not below x, by rounding and stepping."""
    one = numpy_dtype(dtype).type
    with np.errstate(all="ignore"):
        value = np.asarray(x, np.float64).astype(numpy_dtype(dtype))[()]
        while float(value) < x:
            value = np.nextafter(value, one(INF))
        while float(np.nextafter(value, one(-INF))) >= x:
            value = np.nextafter(value, one(-INF))
    return value


def numbers_around(low, high, dtype, most=3):
    """Up to so many numbers of the dtype in [low, high), from `low` on."""
    value, found = next_number(low, dtype), []
    with np.errstate(all="ignore"):
        while float(value) < high and math.isfinite(float(value)) and len(found) < most:
            found.append(float(value))
            value = np.nextafter(value, numpy_dtype(dtype).type(INF))
    return found


def has_number(low, high, dtype, including):
    value = float(next_number(low, dtype))
    return math.isfinite(value) and (value <= high if including else value < high)


def has_numbers(low, high, dtype, count):
    return len(numbers_around(low, high, dtype, count)) >= count
