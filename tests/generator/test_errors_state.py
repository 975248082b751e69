"""Refused seeds, names and states; and what is not an error, though it looks like one."""

import decimal
import re

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES, label
from tests.generator.refusals import INF, METHODS, NAN, SHAPE

ALLOWED = "seed must be None, an int, a sequence of ints, a SeedSequence or a fastinit.Generator"


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
        bytearray(b"12"),
        Ellipsis,
        (1, "2"),
    ],
    ids=label,
)
def test_seed_of_a_wrong_type(seed):
    with pytest.raises(TypeError, match=re.escape(ALLOWED)) as caught:
        fi.default_rng(seed)
    assert repr(seed) in str(caught.value)


@pytest.mark.parametrize("seed", [np.random.default_rng(0), np.random.PCG64(0), np.random.RandomState(0)], ids=label)
def test_seed_of_numpy_s_own_kind(seed):
    with pytest.raises(TypeError, match=f"seed must not be NumPy's {type(seed).__name__}; give its seed"):
        fi.default_rng(seed)


@pytest.mark.parametrize("seed", [-1, [-1], (3, -2), np.int8(-3), -(2**80), np.array([-1, 2])], ids=label)
def test_negative_seed(seed):
    with pytest.raises(ValueError, match="seed must hold non-negative integers") as caught:
        fi.default_rng(seed)
    assert repr(seed) in str(caught.value)


@pytest.mark.parametrize("entropy", [True, [True, 3]], ids=label)
def test_seed_sequence_of_a_wrong_entropy(entropy):
    sequence = np.random.SeedSequence(entropy)
    with pytest.raises(TypeError, match=re.escape(f"{ALLOWED}; got SeedSequence(")):
        fi.default_rng(sequence)
    with pytest.raises(TypeError, match="rng must be None, an int"):
        fi.initializers.normal(3, rng=sequence)
    with pytest.raises(TypeError, match="entropy must be an int or a sequence of ints; got"):
        fi.Generator(sequence)


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
    """A lone surrogate, as os.fsdecode makes them: no error of Unicode, but one of ours."""
    with pytest.raises(ValueError, match=r"name must be text that UTF-8 can hold; got '\\udcff'") as caught:
        fi.default_rng(3).child("\udcff")
    assert type(caught.value) is ValueError


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
