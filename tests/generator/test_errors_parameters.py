"""Refused parameters and dtypes: the type of the error, its words, and that nothing has happened."""

import decimal

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES, label
from tests.generator.refusals import INF, NAN, fresh_out, refused

PARAMETERS = [
    ("uniform", "low"),
    ("uniform", "high"),
    ("normal", "loc"),
    ("normal", "scale"),
    ("truncated_normal", "a"),
    ("truncated_normal", "b"),
    ("truncated_normal", "loc"),
    ("truncated_normal", "scale"),
]
NOT_A_REAL_NUMBER = [
    None,
    "0.5",
    b"1",
    1j,
    np.complex128(1),
    np.complex64(1),
    True,
    np.True_,
    np.array(True),
    np.array("0.5"),
    [0.5],
    (1, 2),
    np.array([0.5]),
    np.zeros(0),
    [[1], [2, 3]],
    {},
    object,
    bytearray(b"1"),
    np.datetime64("2020"),
    decimal.Decimal("sNaN"),
]
NOT_NUMBERS = [NAN, -NAN, np.float32(NAN), np.float64(NAN), np.array(NAN), decimal.Decimal("nan"), ml_dtypes.bfloat16(NAN)]


@pytest.mark.parametrize(("method", "name"), PARAMETERS)
@pytest.mark.parametrize("value", NOT_A_REAL_NUMBER, ids=label)
def test_parameter_of_a_wrong_type(method, name, value):
    refused(TypeError, [name, "must be a real number", "got", repr(value)], method, out=fresh_out(), **{name: value})


@pytest.mark.parametrize(("method", "name"), PARAMETERS)
@pytest.mark.parametrize("value", NOT_NUMBERS, ids=label)
def test_nan(method, name, value):
    refused(ValueError, [name, "must not be NaN"], method, out=fresh_out(), **{name: value})


@pytest.mark.parametrize(("method", "name"), PARAMETERS)
def test_parameter_beyond_a_double(method, name):
    refused(ValueError, [name, "must fit a double"], method, out=fresh_out(), **{name: 10**400})


@pytest.mark.parametrize(("method", "name"), [row for row in PARAMETERS if row[1] not in "ab"])
@pytest.mark.parametrize("value", [INF, -INF, 1e39, -1e300, 10**60])
def test_infinite_where_finite_is_needed(method, name, value):
    if name == "high" and value < 0:
        value = -value
    refused(
        ValueError,
        [name, "must be finite", "3.40282e+38", "float32", repr(float(value))],
        method,
        out=fresh_out(),
        **{name: value},
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_range_must_be_finite(dtype):
    most = 1.5e308 if dtype == "float64" else 3e38
    words = ["high - low", "must be finite", dtype]
    refused(ValueError, words, "uniform", -most, most, size=3, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("low", "high"), [(1, 0), (0.5, 0.25), (1e-300, 0), (0.0, -5e-324), (1 + 2**-52, 1)])
def test_low_above_high(low, high, dtype):
    words = ["low must be at most high", f"low={float(low)!r}", f"high={float(high)!r}"]
    refused(ValueError, words, "uniform", low, high, size=3, dtype=dtype)


@pytest.mark.parametrize("units", ["std", "absolute"])
@pytest.mark.parametrize(("a", "b"), [(1, 0), (2, 2), (0.0, -0.0), (INF, INF), (-INF, -INF), (INF, -INF), (INF, 0)])
def test_a_not_below_b(a, b, units):
    words = ["a must be less than b", f"a={float(a)!r}", f"b={b + 0.0!r}"]
    refused(ValueError, words, "truncated_normal", a, b, units=units, out=fresh_out())


@pytest.mark.parametrize("method", ["normal", "truncated_normal"])
@pytest.mark.parametrize("scale", [-1, -5e-324, -1e30, np.float32(-2)])
def test_negative_scale(method, scale):
    refused(ValueError, ["scale must be at least 0", repr(float(scale))], method, scale=scale, out=fresh_out())


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("bfloat16", 1.001, 1.002),
        ("float16", 1.0001, 1.0002),
        ("float32", 1 + 1e-9, 1 + 2e-9),
        ("float16", 1e5, 2e5),
        ("float16", 1e-9, 2e-9),
        ("float16", -2e5, -1e5),
    ],
)
def test_interval_without_a_number_of_the_dtype(dtype, low, high):
    words = [dtype, repr(low), repr(high)]
    refused(ValueError, ["low and high", *words], "uniform", low, high, size=3, dtype=dtype)
    refused(ValueError, ["a and b", *words], "truncated_normal", low, high, units="absolute", size=3, dtype=dtype)


def test_interval_without_a_number_because_of_loc_and_scale():
    words = ["a and b", "float32", "a=-2.0", "b=2.0", "loc=0.3", "scale=1e-12"]
    refused(ValueError, words, "truncated_normal", loc=0.3, scale=1e-12, size=3)
    refused(ValueError, ["a and b"], "truncated_normal", 2, 3, scale=3.4e38, size=3)


@pytest.mark.parametrize("units", ["STD", "", "sigma", np.str_("x")])
def test_unknown_units(units):
    refused(ValueError, ["units must be 'std' or 'absolute'", repr(units)], "truncated_normal", units=units, out=fresh_out())


@pytest.mark.parametrize("units", [None, 1, b"std", ["std"], np.array(["std", "absolute"])], ids=label)
def test_units_of_a_wrong_type(units):
    refused(TypeError, ["units must be 'std' or 'absolute'", repr(units)], "truncated_normal", units=units, out=fresh_out())


def test_loc_outside_the_bounds_where_there_is_no_deviation():
    words = ["loc must lie in [a, b]", "loc=3.0", "a=0.0", "b=2.0"]
    refused(ValueError, words, "truncated_normal", 0, 2, loc=3, scale=0, units="absolute", out=fresh_out())


def test_unknown_keyword():
    with pytest.raises(TypeError, match="mean"):
        fi.default_rng(0).normal(mean=3)


NOT_DTYPES = [
    np.int32,
    "int64",
    int,
    bool,
    complex,
    np.complex64,
    np.longdouble,
    ">f4",
    np.dtype(">f8"),
    object,
    "nonsense",
    "",
    "f4,f4",
    "f4,(",
    "(2,)f4",
    [("a", "f4")],
    ml_dtypes.float8_e4m3b11fnuz,
    ml_dtypes.int4,
    3,
    {},
    np.array([1.0]),
    "\ud800",
    "datetime64[s]",
]


@pytest.mark.parametrize("method", ["uniform", "normal", "truncated_normal"])
@pytest.mark.parametrize("dtype", NOT_DTYPES, ids=ascii)
def test_unsupported_dtype(method, dtype):
    words = ["dtype must be one of float32, float64, float16, bfloat16", "native byte order", repr(dtype)]
    refused(TypeError, words, method, size=3, dtype=dtype)


def test_bits_have_no_dtype():
    with pytest.raises(TypeError, match="dtype"):
        fi.default_rng(0).bits(3, dtype=np.uint64)


def test_integers_too_long_to_print():
    """Python prints no int of more than 4,300 digits."""
    huge, bits = 10**5000, "an int of 16610 bits"
    refused(ValueError, ["loc must fit a double", bits], "normal", out=fresh_out(), loc=huge)
    refused(ValueError, ["size must stay below 2^63 elements", bits], "normal", size=huge)
    refused(ValueError, ["size must not be negative", bits], "normal", size=-huge)
    refused(
        TypeError, ["size must be an int or a sequence", "a list with an int too long to print"], "normal", size=[huge, None]
    )
    refused(IndexError, ["index must be in [-5, 5)", bits], "normal", size=5, index=huge)
    refused(ValueError, ["index must have at most 1 entries", "a tuple with"], "normal", size=5, index=(huge, 0))
    refused(TypeError, ["dtype must be one of float32", bits], "normal", size=5, dtype=huge)
    for seed in (-huge, [1, -huge]):
        with pytest.raises(ValueError, match=r"seed must hold non-negative integers; got a.* (bits|print)$"):
            fi.default_rng(seed)
