"""Random arguments of the public functions that `tests/generator` leaves out: a documented error or a right result."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastinit as fi
from fastinit import initializers, laws
from fastinit.arguments import blocks, dtypes
from tests.conftest import DTYPES
from tests.generator.fuzz import any_dtype, any_float, any_index, anything, drawn, is_huge, refused
from tests.repeats import cases

pytestmark = pytest.mark.nightly

SIGNATURES = {name: inspect.signature(function).parameters for name, function in initializers.BY_NAME.items()}
REFUSALS = (TypeError, ValueError, IndexError)

a_number = st.floats(-9, 9) | any_float
positive = st.floats(0, 9) | any_float
axis = st.integers(-3, 3)
axes = axis | st.lists(axis, max_size=2).map(tuple)
shapes = st.lists(st.integers(1, 7), min_size=2, max_size=4).map(tuple) | st.lists(st.integers(0, 5), max_size=5).map(tuple)
nonlinearities = st.sampled_from(["relu", "leaky_relu", "tanh", "linear", "sigmoid", "selu", "gelu", "conv2d", "none", ""])

#: By the parameter's name: what it usually is.
RIGHT = {
    "shape": shapes | st.integers(0, 30),
    "value": a_number,
    "gain": a_number,
    "low": st.floats(-9, 0) | any_float,
    "high": st.floats(0, 9) | any_float,
    "loc": a_number,
    "scale": positive,
    "a": st.floats(-9, 0) | any_float,
    "b": st.floats(0, 9) | any_float,
    "units": st.sampled_from(["std", "absolute"]),
    "corrected": st.booleans(),
    "truncated": st.booleans(),
    "sparsity": st.floats(0, 1) | any_float,
    "mode": st.sampled_from(["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]),
    "distribution": st.sampled_from(["truncated_normal", "normal", "uniform", "untruncated_normal"]),
    "bounds": st.tuples(st.floats(-9, 0), st.floats(0, 9)) | st.tuples(any_float, any_float),
    "nonlinearity": nonlinearities,
    "axis": axis,
    "dim": st.integers(1, 5000),
    "n_layers": st.integers(1, 200),
    "layout": st.sampled_from(["out_in", "in_out", "depthwise"]),
    "in_axis": st.none() | axes,
    "out_axis": st.none() | axes,
    "batch_axis": st.just(()) | axes,
    "groups": st.integers(1, 6),
    "law": st.sampled_from([laws.laplace(), laws.rademacher(), laws.integers(9), "exponential(scale=2)", "cauchy"]),
    "rng": st.integers(0) | st.none() | st.builds(np.random.SeedSequence, st.integers(0, 9)),
    "dtype": st.sampled_from(DTYPES),
    "out": st.none(),
    "index": st.none(),
}
#: What a strange value of it may be, where `anything` would be too little or too much.
STRANGE = {"dtype": any_dtype, "index": any_index, "shape": anything.filter(lambda shape: not is_huge(shape))}


@st.composite
def arguments(draw, parameters):
    """Most of them ordinary, at most two of them anything at all."""
    strange = draw(st.lists(st.sampled_from(list(parameters)), max_size=2))
    given = {}
    for name, parameter in parameters.items():
        if name in strange:
            given[name] = draw(STRANGE.get(name, anything))
        elif parameter.default is parameter.empty or draw(st.booleans()):
            given[name] = draw(RIGHT[name])
    return given


@st.composite
def initializer_calls(draw):
    name = draw(st.sampled_from(list(SIGNATURES)))
    return name, draw(arguments(SIGNATURES[name]))


def test_every_parameter_has_values():
    assert {name for parameters in SIGNATURES.values() for name in parameters} <= set(RIGHT)


@cases(2000)
@given(call=initializer_calls())
def test_initializers(call):
    name, keywords = call
    assume(not is_huge(keywords["shape"]))
    rng = fi.default_rng(3)
    if not isinstance(keywords.get("rng", 0), int | type(None)) or keywords.get("rng") is None:
        keywords["rng"] = rng
    try:
        found = getattr(initializers, name)(**keywords)
    except REFUSALS as error:
        refused(error)
        assert rng.state["calls"] == 0
        return
    if keywords.get("out") is None:
        wanted = keywords.get("dtype")
        usual = laws.parse(keywords["law"]).dtype_names[0] if name == "draw" else np.float32
        assert found.dtype == dtypes.resolve(usual if wanted is None else wanted, dtypes.ALL_NAMES).dtype
    if keywords["rng"] is rng:
        keywords["rng"] = fi.default_rng(3)
    again = getattr(initializers, name)(**keywords)
    assert np.asarray(again).tobytes() == np.asarray(found).tobytes()
    if keywords.get("index") is None and keywords.get("out") is None:
        out = np.full_like(found, 7)
        if keywords["rng"] is not rng and not isinstance(keywords["rng"], int | np.random.SeedSequence):
            keywords["rng"] = fi.default_rng(3)
        assert getattr(initializers, name)(**(keywords | {"out": out})) is out
        assert out.tobytes() == found.tobytes()


@cases(500)
@given(keywords=arguments(inspect.signature(initializers.fans).parameters))
def test_fans(keywords):
    try:
        fan_in, fan_out = initializers.fans(**keywords)
    except REFUSALS as error:
        refused(error)
        return
    assert type(fan_in) is int
    assert type(fan_out) is int
    assert min(fan_in, fan_out) >= 0
    shape = blocks.shape_of(keywords["shape"])
    assert max(fan_in, fan_out) <= math.prod(n for n in shape if n)


def value_or_none(function, *arguments):
    """What a function returns, or None where it refuses its arguments as it should."""
    try:
        return function(*arguments)
    except REFUSALS as error:
        refused(error)
        return None


@cases(300)
@given(nonlinearity=nonlinearities | anything, a=a_number | anything)
def test_gain(nonlinearity, a):
    factor = value_or_none(initializers.gain, nonlinearity, a)
    assert factor is None or 0 <= factor < math.inf  # 0 for a slope whose square is infinite


@cases(300)
@given(a=a_number | anything, b=a_number | anything)
def test_truncated_std(a, b):
    deviation = value_or_none(initializers.truncated_std, a, b)
    assert deviation is None or 0 <= deviation <= 1.0000001


entries = st.one_of(
    st.tuples(shapes, st.sampled_from(list(initializers.BY_NAME)), st.sampled_from(DTYPES)),
    st.tuples(shapes, st.sampled_from([initializers.normal, np.zeros, max, "normal", "no such"])),
    st.lists(anything, max_size=4),
    st.tuples(anything.filter(lambda shape: not is_huge(shape)), st.just("normal"), any_dtype),
    anything,
)
names = st.sampled_from(["a", "b", "a.b", "", "layers.0", "wq"]) | anything.filter(lambda name: name.__hash__ is not None)
trees = st.recursive(
    st.dictionaries(names, entries, max_size=3), lambda inner: st.dictionaries(names, inner | entries, max_size=3)
)


def has_a_foreign_callable(spec):
    """Whether an entry of a spec holds a callable that is no initialiser of the package."""
    ours = initializers.BY_NAME.values()
    entries = [entry for entry in spec.values() if isinstance(entry, tuple | list)]
    if any(callable(each) and not any(each is one for one in ours) for entry in entries for each in entry):
        return True
    return any(has_a_foreign_callable(entry) for entry in spec.values() if isinstance(entry, dict))


@cases(500)
@given(spec=trees | anything, rng=st.integers(0) | anything)
def test_init_tree(spec, rng):
    try:
        tree = fi.init_tree(spec, rng)
    except RuntimeError:  # of a callable that is no initialiser
        assert has_a_foreign_callable(spec)
        return
    except REFUSALS as error:
        refused(error)
        return
    same_tree(tree, spec, fi.init_tree(spec, rng) if rng is not None else None)


def same_tree(tree, spec, again):
    assert list(tree) == list(spec)
    for name, entry in tree.items():
        if isinstance(entry, dict):
            same_tree(entry, spec[name], again and again[name])
            continue
        assert isinstance(entry, np.ndarray)
        if again is not None:
            assert entry.tobytes() == again[name].tobytes()


def keep(x):
    """What a fill of NaN-free values may be compared by."""
    return np.asarray(x).tobytes()


OUTS = {
    "plain": lambda count: np.full(count, 7, np.float32),
    "every third": lambda count: np.full(3 * count, 7, np.float32)[::3],
    "backwards": lambda count: np.full(count, 7, np.float32)[::-1],
    "odd address": lambda count: np.ndarray(count, np.float32, bytearray(4 * count + 3), 3),
    "read-only": lambda count: np.broadcast_to(np.float32(7), count),
    "another dtype": lambda count: np.full(count, 7, np.float64),
    "another shape": lambda count: np.full(count + 1, 7, np.float32),
    "overlapping": lambda count: np.lib.stride_tricks.as_strided(np.full(count, 7, np.float32), (count,), (2,)),
}


@cases(600)
@given(
    method=st.sampled_from(["uniform", "normal", "truncated_normal"]),
    kind=st.sampled_from(list(OUTS)),
    count=st.integers(2, 200),
    size=st.none() | st.just("right") | anything.filter(lambda size: not is_huge(size)),
    dtype=st.just("float32") | any_dtype,
)
def test_out_with_other_arguments(method, kind, count, size, dtype):
    """Written as a whole or not at all."""
    out = OUTS[kind](count)
    size = count if isinstance(size, str) and size == "right" else size
    before, rng = keep(out), fi.default_rng(3)
    found = drawn(rng, method, {"size": size, "dtype": dtype, "out": out})
    if found is None:
        assert keep(out) == before
        return
    assert found is out
    assert keep(out) == keep(getattr(fi.default_rng(3), method)(size=out.shape, dtype=out.dtype))


def test_a_seed_sequence_with_words_of_its_own_is_refused():
    """Its children and its state could not be made from entropy and path."""

    class Own(np.random.SeedSequence):
        def generate_state(self, n_words, dtype=np.uint32):
            return np.arange(n_words, dtype=dtype)

    class Same(np.random.SeedSequence):
        pass

    for make in (fi.default_rng, fi.Generator):
        with pytest.raises(TypeError, match=r"sequence must have the generate_state of SeedSequence; got Own"):
            make(Own(3))
        assert make(Same(3)).bits(3).tobytes() == fi.default_rng(3).bits(3).tobytes()
