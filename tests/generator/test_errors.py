"""Every way to be refused: the type of the error, its words, and that nothing has happened.

A message names the argument, says what was got and what is allowed.
"""

import decimal
import math
import re

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES, label

INF, NAN = math.inf, math.nan
METHODS = ("uniform", "normal", "truncated_normal", "bits")
SHAPE = (4, 6)


def fresh_out(method="uniform", shape=SHAPE):
    return np.full(shape, 77, np.uint32 if method == "bits" else np.float32)


def refused(kind, words, method, *arguments, out=None, **keywords):
    """That a call raises exactly this kind, with all the words in its message, and leaves `out` and the call number alone."""
    rng = fi.default_rng(3)
    rng.bits(5)
    before = rng.state
    memory = None if not isinstance(out, np.ndarray) else out.tobytes()
    with pytest.raises(kind) as caught:
        getattr(rng, method)(*arguments, out=out, **keywords)
    message = str(caught.value)
    assert type(caught.value) is kind, message
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    assert rng.state == before
    if memory is not None:
        assert out.tobytes() == memory
    fresh = fi.default_rng(3)
    fresh.bits(5)
    assert rng.uniform() == fresh.uniform()


# --- real parameters --------------------------------------------------------------------------------------------------

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


# --- dtype ------------------------------------------------------------------------------------------------------------

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
    None,
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


# --- size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "size",
    [2.0, "3", "", b"ab", 1j, [2.0], (2, "a"), (2, None), [[2]], np.array([[2]]), np.float64(2), (3, 2.5), object(), Ellipsis],
    ids=label,
)
def test_size_of_a_wrong_type(method, size):
    refused(TypeError, ["size must be an int or a sequence of ints", repr(size)], method, size=size)


@pytest.mark.parametrize("size", [True, (2, True), np.True_, (2, np.True_), {2: 3}, {3}], ids=label)
def test_size_without_an_order_or_of_booleans(size):
    refused(TypeError, ["size", repr(size)], "uniform", size=size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [-1, (-1,), (2, -3), (0, -1), [5, -5], np.int64(-7), -(2**70)], ids=label)
def test_negative_size(method, size):
    refused(ValueError, ["size must not be negative", repr(size)], method, size=size)
    refused(ValueError, ["size must not be negative", repr(size)], method, size=size, index=0)


@pytest.mark.parametrize("size", [2**63, 2**70, (2**32, 2**31), (2**21, 2**21, 2**21), (0, 2**64), (1, 2**63)], ids=label)
def test_size_beyond_counting(size):
    refused(ValueError, ["size must stay below 2^63 elements", repr(size)], "uniform", size=size)
    refused(ValueError, ["size must stay below 2^63 elements", repr(size)], "uniform", size=size, index=...)


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, (2**31, 2**31)])
def test_size_beyond_memory(size):
    refused(ValueError, ["size"], "uniform", size=size)


def test_size_that_memory_has_no_room_for():
    rng = fi.default_rng(3)
    with pytest.raises(MemoryError):
        rng.uniform(size=1 << 50)
    assert rng.state["calls"] == 0


def test_too_many_axes():
    refused(ValueError, ["size"], "uniform", size=(1,) * 65)


# --- out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "out", [[1.0, 2.0], 3, "abc", (np.zeros(3, np.float32),), np.float32(1), {}, [[1], [2, 3]], object], ids=label
)
def test_out_of_a_wrong_type(method, out):
    refused(TypeError, ["out must be a numpy.ndarray", type(out).__name__], method, out=out)


def test_masked_out():
    out = np.ma.masked_array(np.zeros(3, np.float32), mask=[0, 1, 0])
    refused(TypeError, ["out must be a numpy.ndarray", "MaskedArray"], "uniform", out=out)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(6, 4), (24,), (4,), (4, 6, 1), (4, 5), (), (0,), (1, 4, 6)], ids=str)
def test_out_of_another_shape(method, shape):
    words = ["out must have shape (4, 6)", str(shape)]
    refused(ValueError, words, method, size=SHAPE, out=fresh_out(method, shape))


def test_out_must_have_the_shape_of_the_block():
    whole, block = fresh_out(), fresh_out(shape=(2, 6))
    refused(ValueError, ["out must have shape (2, 6)", "(4, 6)"], "uniform", size=SHAPE, index=np.s_[:2], out=whole)
    refused(ValueError, ["out must have shape (6,)", "(2, 6)"], "uniform", size=SHAPE, index=1, out=block)
    refused(ValueError, ["out must have shape ()", "(1,)"], "uniform", size=SHAPE, index=(1, 1), out=fresh_out(shape=1))


def read_only():
    frozen = fresh_out()
    frozen.flags.writeable = False
    return {
        "flag": frozen,
        "bytes": np.frombuffer(bytes(96), np.float32).reshape(SHAPE),
        "broadcast": np.broadcast_to(np.float32(1), SHAPE),
    }


@pytest.mark.parametrize("what", list(read_only()))
def test_read_only_out(what):
    refused(ValueError, ["out must be writable", "read-only"], "normal", out=read_only()[what])


def test_read_only_mapped_file(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(96))
    refused(ValueError, ["out must be writable"], "uniform", out=np.memmap(path, np.float32, "r", shape=SHAPE))
    assert path.read_bytes() == bytes(96)


def over(shape, strides, dtype=np.float32):
    """An array of these strides (bytes) in the middle of enough memory."""
    memory = np.zeros(4096, np.uint8)[1024:]
    return np.lib.stride_tricks.as_strided(memory[: 4 * (memory.size // 4)].view(dtype), shape, strides)


OVERLAPPING = [
    ((4, 6), (0, 4)),
    ((4, 6), (4, 0)),
    ((4, 6), (0, 0)),
    ((4, 6), (4, 4)),
    ((4, 6), (20, 4)),
    ((4, 6), (8, 16)),
    ((3, 4), (12, 8)),
    ((10,), (2,)),
    ((10,), (3,)),
    ((10,), (-2,)),
    ((4, 6), (-20, 4)),
    ((4, 6), (22, 4)),
    ((2, 2, 2), (12, 8, 4)),
    ((5, 1, 3), (4, 100, 8)),
    ((8, 6), (20, 28)),
]
APART = [
    ((4, 6), (24, 4)),
    ((4, 6), (-24, 4)),
    ((4, 6), (4, 16)),
    ((4, 6), (25, 4)),
    ((4, 6), (100, -8)),
    ((2, 3), (12, 8)),
    ((3, 3), (12, 8)),
    ((3, 2), (8, 12)),
    ((4, 1, 6), (24, 0, 4)),
    ((1, 6), (0, 4)),
    ((10,), (5,)),
    ((5, 7), (28, 20)),
    ((2, 2, 2), (4, 16, 8)),
]


def elements_overlap(shape, strides, itemsize=4):
    """By marking each byte."""
    seen = set()
    for at in np.ndindex(*shape):
        first = sum(i * s for i, s in zip(at, strides, strict=True))
        here = set(range(first, first + itemsize))
        if seen & here:
            return True
        seen |= here
    return False


@pytest.mark.parametrize(("shape", "strides"), OVERLAPPING)
def test_overlapping_out(shape, strides):
    if not elements_overlap(shape, strides):
        pytest.fail(f"a mistake in this test: {shape} {strides} do not overlap")
    words = ["out must not overlap itself", str(shape), str(strides)]
    refused(ValueError, words, "uniform", out=over(shape, strides))


@pytest.mark.parametrize(("shape", "strides"), APART)
def test_out_that_only_looks_as_if_it_overlapped(shape, strides):
    assert not elements_overlap(shape, strides)
    out = over(shape, strides)
    fi.default_rng(3).uniform(out=out)
    assert np.array_equal(out, fi.default_rng(3).uniform(size=shape))


@pytest.mark.parametrize(
    ("method", "asked", "given"),
    [
        ("uniform", "float32", np.float64),
        ("normal", "float64", np.float32),
        ("truncated_normal", "bfloat16", np.float16),
        ("uniform", "float16", np.uint16),
        ("uniform", "float32", ">f4"),
        ("uniform", "float32", np.int32),
        ("uniform", "float32", object),
    ],
)
def test_out_of_another_dtype(method, asked, given):
    out = np.zeros(5, given)
    refused(TypeError, ["out must have dtype", asked, str(out.dtype)], method, out=out, dtype=asked)


@pytest.mark.parametrize("given", [np.int32, np.uint64, ">u4", np.float32])
def test_bits_out_must_be_uint32(given):
    out = np.zeros(5, given)
    refused(TypeError, ["out must have dtype uint32", str(out.dtype)], "bits", out=out)


# --- index ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "part",
    [0.0, np.float64(1), True, np.True_, None, "0", b"0", 1j, [0], [0, 1], np.array([0]), np.array([True, False]), object()],
    ids=label,
)
def test_index_of_a_wrong_type(method, part):
    words = ["index must hold integers, slices and Ellipsis", "axis 1"]
    refused(TypeError, [*words, repr(part)], method, size=SHAPE, index=(0, part))
    if part is not None:
        refused(TypeError, ["index must hold", "axis 0"], method, size=SHAPE, index=part)


@pytest.mark.parametrize("part", [np.s_[0.5:], np.s_[:"a"], np.s_[::1j], np.s_[[1] :]], ids=label)
def test_slice_of_a_wrong_type(part):
    refused(TypeError, ["index must hold slices of ints", repr(part), "axis 1"], "uniform", size=SHAPE, index=(..., part))


def test_slice_that_goes_nowhere():
    refused(ValueError, ["index", "slice step cannot be zero", "axis 0"], "uniform", size=SHAPE, index=np.s_[::0])


@pytest.mark.parametrize(
    ("index", "axis"), [(4, 0), (-5, 0), ((0, 6), 1), ((..., -7), 1), (2**70, 0), ((slice(None), np.int64(6)), 1)], ids=label
)
def test_index_out_of_range(index, axis):
    words = ["index must be in", f"[{-SHAPE[axis]}, {SHAPE[axis]})", f"axis {axis}", str(SHAPE)]
    refused(IndexError, words, "uniform", size=SHAPE, index=index)


def test_nothing_is_in_range_of_an_empty_axis():
    refused(IndexError, ["index must be in [0, 0)"], "uniform", size=(3, 0), index=(0, 0))


@pytest.mark.parametrize("index", [(0, 0, 0), (slice(None),) * 3, (..., 0, 0, 0), (0, 0, ..., 0)], ids=label)
def test_more_entries_than_axes(index):
    refused(ValueError, ["index must have at most 2 entries", str(SHAPE), repr(index)], "uniform", size=SHAPE, index=index)


def test_index_of_a_scalar():
    refused(ValueError, ["index must have at most 0 entries"], "uniform", size=(), index=0)


@pytest.mark.parametrize("index", [(..., ...), (..., 0, ...)], ids=label)
def test_two_ellipses(index):
    refused(ValueError, ["index must have at most one Ellipsis", repr(index)], "uniform", size=SHAPE, index=index)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("index", [0, ..., np.s_[1:], ()], ids=label)
def test_index_without_size(method, index):
    refused(TypeError, ["size must be given where index is"], method, index=index)
    refused(TypeError, ["size must be given where index is"], method, index=index, out=fresh_out(method))


# --- seeds, children, state -------------------------------------------------------------------------------------------

ALLOWED = "seed must be None, an int, a sequence of ints, a SeedSequence or a Generator"


@pytest.mark.parametrize(
    "seed",
    [
        1.0,
        np.float32(1),
        "1",
        b"1",
        True,
        np.True_,
        1j,
        {},
        {1},
        object(),
        [1.5],
        [None],
        ["12"],
        ["x"],
        np.array([1.5]),
        decimal.Decimal(3),
        np.random.default_rng(0),
        bytearray(b"12"),
        Ellipsis,
        (1, "2"),
    ],
    ids=label,
)
def test_seed_of_a_wrong_type(seed):
    with pytest.raises(TypeError, match=re.escape(ALLOWED)) as caught:
        fi.default_rng(seed)
    assert type(seed).__name__ in str(caught.value) or repr(seed) in str(caught.value)


@pytest.mark.parametrize("seed", [-1, [-1], (3, -2), np.int8(-3), -(2**80), np.array([-1, 2])], ids=label)
def test_negative_seed(seed):
    with pytest.raises(ValueError, match="seed must hold non-negative integers") as caught:
        fi.default_rng(seed)
    assert repr(seed) in str(caught.value)


@pytest.mark.parametrize("sequence", [0, None, "x", fi.default_rng(0)], ids=label)
def test_generator_is_made_of_a_seed_sequence(sequence):
    with pytest.raises(TypeError, match=r"sequence must be a numpy\.random\.SeedSequence; got " + type(sequence).__name__):
        fi.Generator(sequence)


def no_descent(kind, message, method, argument):
    """`child` or `spawn` refuses the argument, says so, and leaves the state alone."""
    rng = fi.default_rng(3)
    before = rng.state
    with pytest.raises(kind, match=re.escape(message)):
        getattr(rng, method)(argument)
    assert rng.state == before


@pytest.mark.parametrize("name", [3, None, b"a", ["a"], 1.5, ("a", "b")], ids=label)
def test_child_name_of_a_wrong_type(name):
    no_descent(TypeError, "name must be a str; got " + repr(name), "child", name)


def test_child_name_that_has_no_utf8():
    """A lone surrogate, as os.fsdecode makes them: either there is such a child, or the error is one of ours."""
    try:
        fi.default_rng(3).child("\udcff")
    except ValueError as error:
        assert "name" in str(error)  # noqa: PT017
        assert type(error) is ValueError  # noqa: PT017


@pytest.mark.parametrize("count", [1.0, "1", None, True, np.True_, [1], 2.5, np.array(2)], ids=label)
def test_spawn_count_of_a_wrong_type(count):
    no_descent(TypeError, "n_children must be an int; got " + repr(count), "spawn", count)


@pytest.mark.parametrize("count", [-1, np.int64(-5), -(2**70)], ids=label)
def test_negative_spawn_count(count):
    no_descent(ValueError, "n_children must be at least 0; got " + repr(count), "spawn", count)


def refuse_state(kind, match, state):
    rng = fi.default_rng(3)
    rng.spawn(2)
    rng.bits(3)
    before = rng.state
    with pytest.raises(kind, match=match):
        rng.state = state(before) if callable(state) else state
    assert rng.state == before
    assert fi.default_rng(3).spawn(3)[2].bits() == rng.spawn(1)[0].bits()


@pytest.mark.parametrize("state", [None, 3, "{}", [], (("kind", "fastinit.Generator"),)], ids=label)
def test_state_of_a_wrong_type(state):
    refuse_state(TypeError, "state must be a dict.*got " + type(state).__name__, state)


@pytest.mark.parametrize("kind", ["numpy.Generator", None, 3])
def test_state_of_something_else(kind):
    refuse_state(ValueError, "state must be of kind 'fastinit.Generator'", lambda state: state | {"kind": kind})
    refuse_state(ValueError, "state must be of kind 'fastinit.Generator'", {})


@pytest.mark.parametrize("entry", ["kind", "stream_version", "entropy", "spawn_key", "pool_size", "calls", "children"])
def test_state_without_an_entry(entry):
    refuse_state(ValueError, "state must", lambda state: {key: value for key, value in state.items() if key != entry})


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("calls", -1),
        ("calls", None),
        ("calls", "three"),
        ("calls", INF),
        ("calls", NAN),
        ("calls", 1.5),
        ("calls", "3"),
        ("children", -1),
        ("children", 2.5),
        ("children", INF),
        ("children", []),
        ("entropy", None),
        ("entropy", -1),
        ("entropy", 1.5),
        ("entropy", "12"),
        ("entropy", ["0x10"]),
        ("entropy", [1.5]),
        ("spawn_key", [-1]),
        ("spawn_key", 5),
        ("spawn_key", "12"),
        ("spawn_key", [0.5]),
        ("spawn_key", [[1]]),
        ("pool_size", 1),
        ("pool_size", 4.0),
        ("pool_size", "4"),
        ("pool_size", None),
    ],
)
def test_state_with_a_wrong_entry(entry, value):
    refuse_state(ValueError, "state must", lambda state: state | {entry: value})


# --- what is not an error ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0.0, 1.0, -2.5, 0.1, 1e-3])
def test_constant_fills(value, dtype):
    """No deviation fills with `loc`, no width with `low`; rounded to the dtype."""
    expected = np.asarray(value).astype(np.float64 if dtype == "float64" else np.float32)
    expected = np.full(SHAPE, expected, expected.dtype).astype(getattr(ml_dtypes, dtype, dtype))
    rng = fi.default_rng(3)
    fills = [
        rng.uniform(value, value, SHAPE, dtype=dtype),
        rng.normal(value, 0, SHAPE, dtype=dtype),
        rng.normal(value, -0.0, SHAPE, dtype=dtype),
        rng.truncated_normal(-1, 3, value, 0, SHAPE, dtype=dtype),
        rng.truncated_normal(1, 3, value, 0, SHAPE, dtype=dtype),
        rng.truncated_normal(value - 1, value + 1, value, 0, SHAPE, dtype=dtype, units="absolute"),
        rng.truncated_normal(-INF, INF, value, 0, SHAPE, dtype=dtype),
    ]
    for x in fills:
        assert x.dtype == expected.dtype
        assert x.tobytes() == expected.tobytes()
    assert rng.state["calls"] == len(fills)
    out = np.zeros((6, 8), expected.dtype)
    rng.normal(value, 0, out=out.T[1:5, ::-1], dtype=dtype)
    assert np.all(out.T[1:5] == expected[0, 0])
    assert not out.T[[0, 5, 6, 7]].any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [0, (0,), (3, 0), (0, 5), (2, 0, 2**40), (0, 2**40)], ids=label)
def test_size_zero(method, size):
    rng = fi.default_rng(3)
    x = getattr(rng, method)(size=size)
    shape = size if isinstance(size, tuple) else (size,)
    assert isinstance(x, np.ndarray)
    assert x.shape == shape
    assert x.dtype == (np.uint32 if method == "bits" else np.float32)
    assert rng.state["calls"] == 1
    out = np.empty(shape, x.dtype)
    assert getattr(rng, method)(size=size, out=out) is out
    assert getattr(rng, method)(size=(4, 5), index=np.s_[2:2, 1]).shape == (0,)
    assert getattr(rng, method)(size=(0, 5), index=np.s_[:, 1]).shape == (0,)
    assert rng.state["calls"] == 4


def test_child_and_spawn_do_not_count_as_calls():
    rng, other = fi.default_rng(3), fi.default_rng(3)
    rng.child("a")
    rng.spawn(3)
    rng.child("b").normal(size=3)
    assert rng.state["calls"] == 0
    assert rng.uniform() == other.uniform()


def test_infinite_bounds_of_truncated_are_fine():
    x = fi.default_rng(3).truncated_normal(-INF, INF, size=100)
    assert np.isfinite(x).all()
    assert (fi.default_rng(3).truncated_normal(2, INF, size=100) >= 2).all()
    assert (fi.default_rng(3).truncated_normal(-INF, -2, size=100, units="absolute") <= -2).all()


def test_reals_of_other_types_are_fine():
    expected = fi.default_rng(3).uniform(0.5, 2, size=9).tobytes()
    for low in (
        decimal.Decimal("0.5"),
        np.float16(0.5),
        np.float64(0.5),
        np.array(0.5),
        ml_dtypes.bfloat16(0.5),
        np.longdouble(0.5),
    ):
        assert fi.default_rng(3).uniform(low, np.int8(2), size=9).tobytes() == expected
