"""Random arguments: a documented error or a right result, nothing written beside `out`, no crash, no endless loop.

A crash or a loop that does not end takes the whole test run with it, which is a failure that nobody overlooks.
"""

import decimal
import fractions
import functools
import itertools
import math

import ml_dtypes
import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import fastinit as fi
from tests.conftest import DTYPES, ROWS, draw
from tests.nightly.common import cases

SEED = 11
INF = math.inf
METHODS = ("uniform", "normal", "truncated_normal", "bits")
REFUSALS = (TypeError, ValueError, IndexError)


def numpy_dtype(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def refused(error):
    """That an error is of a documented kind itself, not of one derived from it (UnicodeError, NumPy's own)."""
    assert type(error) in REFUSALS, f"{type(error).__name__}: {error}"
    assert str(error)


# --- any argument of any kind -----------------------------------------------------------------------------------------

any_float = st.one_of(
    st.floats(),
    st.floats(-10, 10),
    st.sampled_from(
        [0.0, -0.0, 5e-324, -5e-324, 1e-45, 1e-40, 1e-38, 3.4e38, -3.4e38, 3.5e38, 1.7e308, 65504.0, 65520.0, INF, -INF]
    ),
    st.sampled_from([2.0, -2.0, 0.3, -0.45, 1.0 + 2.0**-23, 1.0 + 2.0**-52, 8.0, 38.0, 1e3, 1e8, math.nan]),
)
whole_number = st.one_of(
    st.integers(-5, 40), st.integers(), st.sampled_from([2**31, 2**32, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400])
)
anything = st.one_of(
    any_float,
    whole_number,
    st.none(),
    st.booleans(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.complex_numbers(),
    st.lists(st.integers(-3, 6), max_size=4),
    st.lists(any_float, max_size=3).map(tuple),
    st.sampled_from(
        [np.float32(0.5), np.float16(3), np.int64(2), np.uint8(200), np.bool_(True), np.array(1.5), np.array([1.0, 2.0])]
    ),
    st.sampled_from(
        [fractions.Fraction(1, 3), decimal.Decimal("0.1"), ml_dtypes.bfloat16(2), {}, set(), object, Ellipsis, slice(1)]
    ),
)
any_dtype = st.one_of(
    st.sampled_from(
        [*DTYPES, np.float32, np.float64, np.float16, ml_dtypes.bfloat16, "f4", ">f8", "i4", int, complex, object, None]
    ),
    st.sampled_from([np.longdouble, "f4,f4", "(2,)f4", [("x", "f4")], "datetime64", "U3", ml_dtypes.float8_e5m2]),
)
part_of_index = st.one_of(
    st.integers(-8, 8),
    whole_number,
    st.just(Ellipsis),
    st.builds(slice, st.none() | st.integers(-9, 9), st.none() | whole_number, st.none() | st.integers(-4, 4)),
    anything,
)
any_index = st.one_of(st.none(), part_of_index, st.lists(part_of_index, max_size=4).map(tuple))
small_size = st.one_of(st.integers(0, 40), st.lists(st.integers(0, 7), max_size=4).map(tuple))
huge_size = st.lists(st.sampled_from([1, 3, 2**20, 2**31, 2**40, 2**62, 2**63]), min_size=1, max_size=4).map(tuple)


def is_huge(size):
    """Whether a whole of this size could ask for memory in earnest."""
    if isinstance(size, bytes):
        size = tuple(size)
    try:
        shape = (int(size),) if np.ndim(size) == 0 else tuple(int(n) for n in size)
    except (TypeError, ValueError, OverflowError):
        return False
    return any(n > 10_000 for n in shape) or abs(math.prod(shape)) > 100_000


right = {
    "low": st.floats(-9, 0) | any_float,
    "high": st.floats(0, 9) | any_float,
    "loc": st.floats(-9, 9) | any_float,
    "scale": st.floats(0, 9) | any_float,
    "a": st.floats(-9, 0) | any_float,
    "b": st.floats(0, 9) | any_float,
    "units": st.sampled_from(["std", "absolute"]),
    "dtype": st.sampled_from(DTYPES),
    "size": st.none() | small_size,
    "index": st.none(),
}
parameters = {
    "uniform": ("low", "high", "dtype"),
    "normal": ("loc", "scale", "dtype"),
    "truncated_normal": ("a", "b", "loc", "scale", "units", "dtype"),
    "bits": (),
}


@st.composite
def calls(draw_):
    """A method and its arguments, most of them ordinary, at most two of them anything at all."""
    method = draw_(st.sampled_from(METHODS))
    names = [*parameters[method], "size", "index"]
    strange = draw_(st.lists(st.sampled_from(names), max_size=2))
    keywords = {}
    for name in names:
        if name in strange:
            keywords[name] = draw_({"dtype": any_dtype, "index": any_index}.get(name, anything))
        elif name in ("size", "index") or draw_(st.booleans()):
            keywords[name] = draw_(right[name])
    return method, keywords


def inside(x, method, given):
    """The bounds of a call that went through, by the definition of each distribution."""
    values = np.asarray(x).astype(np.float64)
    if method == "bits" or not values.size:
        return
    real = {name: float(given[name]) for name in ("low", "high", "a", "b", "loc", "scale") if name in given}
    beyond = np.isnan(values)  # float8_e4m3fn has no infinity, and NaN beyond its largest number on a side without a bound
    least, most = (float(end(values[~beyond], initial=far)) for end, far in ((np.min, np.inf), (np.max, -np.inf)))
    if method == "uniform":
        low, high = real.get("low", 0.0), real.get("high", 1.0)
        if low < high:
            assert low <= least
            assert most < high
            assert not beyond.any()
        else:
            assert beyond.all() or least == most
    elif method == "truncated_normal" and real.get("scale", 1.0) > 0:
        a, b, loc, scale = real.get("a", -2.0), real.get("b", 2.0), real.get("loc", 0.0), real.get("scale", 1.0)
        if given.get("units", "std") == "std":
            a, b = loc + scale * a, loc + scale * b
        assert a <= least
        assert most <= b
        assert not beyond.any() or math.isinf(a) or math.isinf(b)
    elif real.get("scale", 1.0) == 0:
        assert beyond.all() or least == most


def drawn(rng, method, keywords):
    """The result of a call, or None if it was refused properly: with an error of ours, and not counted."""
    try:
        return getattr(rng, method)(**keywords)
    except REFUSALS as error:
        refused(error)
        assert rng.state["calls"] == 0
        return None


@cases(2000)
@given(call=calls())
def test_any_arguments(call):
    method, keywords = call
    assume(not is_huge(keywords["size"]))
    rng = fi.default_rng(SEED)
    x = drawn(rng, method, keywords)
    if x is None:
        return
    assert rng.state["calls"] == 1
    inside(x, method, keywords)
    if (index := keywords.pop("index")) is not None:
        block = np.asarray(getattr(fi.default_rng(SEED), method)(**keywords)[index])
        assert np.shape(x) == block.shape
        assert np.asarray(x).tobytes() == block.tobytes()


@cases(800)
@given(
    call=calls(),
    size=huge_size,
    parts=st.lists(st.integers(-6, 5) | st.builds(lambda i: slice(i, i + 3), st.integers(0, 50)), max_size=4),
)
def test_any_arguments_of_huge_sizes(call, size, parts):
    """A few elements of an array that no memory holds."""
    method, keywords = call
    keywords |= {"size": size, "index": (*parts, *itertools.repeat(0, len(size) - len(parts)))}
    rng = fi.default_rng(SEED)
    x = drawn(rng, method, keywords)
    if x is None:
        return
    assert np.size(x) <= 81
    inside(x, method, keywords)


arrays = st.builds(
    np.zeros, npst.array_shapes(min_dims=0, max_side=5), st.sampled_from(["f4", "f4", "f8", "i4", ">f4", "U2", "O", "f2"])
)


@cases(400)
@given(out=anything | arrays)
def test_any_out(out):
    before = out.tobytes() if isinstance(out, np.ndarray) and out.dtype != object else None
    rng = fi.default_rng(SEED)
    try:
        x = rng.normal(out=out)
    except REFUSALS as error:
        refused(error)
        assert rng.state["calls"] == 0
        assert before is None or out.tobytes() == before
        return
    assert x is out or out is None
    assert x.dtype == np.float32


@cases(600)
@given(
    seed=anything
    | st.integers(0)
    | st.lists(st.integers(-1, 2**70), max_size=6)
    | st.lists(st.lists(st.integers(0, 9), max_size=2), max_size=2)
)
@example([2**64 - 1, 5])
@example([[1, 2], [3]])
def test_any_seed(seed):
    try:
        rng = fi.default_rng(seed)
    except REFUSALS as error:
        refused(error)
        return
    again = fi.default_rng(0)
    again.state = rng.state
    expected = rng.bits(4).tobytes()
    assert again.bits(4).tobytes() == expected
    if seed is not None:
        assert fi.default_rng(seed).bits(4).tobytes() == expected


@cases(400)
@given(
    entries=st.dictionaries(
        st.sampled_from(["kind", "stream_version", "entropy", "spawn_key", "calls", "children", "other"]), anything, max_size=2
    ),
    whole=st.none() | anything,
)
def test_any_state(entries, whole):
    rng = fi.default_rng(SEED)
    before = rng.state
    try:
        rng.state = before | entries if whole is None else whole
    except REFUSALS as error:
        refused(error)
        assert rng.state == before
        return
    again = fi.default_rng(0)
    again.state = rng.state
    assert again.bits(2).tobytes() == rng.bits(2).tobytes()


@cases(300)
@given(name=st.text() | anything)
def test_any_child(name):
    rng = fi.default_rng(SEED)
    try:
        child = rng.child(name)
    except REFUSALS as error:
        refused(error)
        return
    assert child.bits(2).tobytes() == fi.default_rng(SEED).child(name).bits(2).tobytes() != rng.bits(2).tobytes()


@cases(300)
@given(count=st.integers(-3, 20) | anything)
def test_any_spawn(count):
    assume(not (isinstance(count, int | np.integer) and count > 1000))
    rng = fi.default_rng(SEED)
    try:
        children = rng.spawn(count)
    except REFUSALS as error:
        refused(error)
        assert rng.state["children"] == 0
        return
    assert len(children) == count == rng.state["children"]


# --- absurd but right parameters --------------------------------------------------------------------------------------


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


# --- nothing beside `out` ---------------------------------------------------------------------------------------------


@st.composite
def views(draw_, itemsize):
    """Shape, byte strides and byte offset of a view that does not overlap itself, and the size of the memory around it."""
    shape = tuple(draw_(st.lists(st.integers(1, 9) | st.sampled_from([12, 13, 64, 150]), min_size=1, max_size=4)))
    assume(math.prod(shape) <= 6000)
    strides, reach = [0] * len(shape), itemsize
    for axis in draw_(st.permutations(range(len(shape)))):
        gap = draw_(st.sampled_from([0, 0, 0, 1, itemsize, 3, 4 * itemsize + 1]))
        strides[axis] = reach + gap
        reach += strides[axis] * (shape[axis] - 1)
    signs = draw_(st.lists(st.sampled_from([1, 1, -1]), min_size=len(shape), max_size=len(shape)))
    strides = tuple(sign * stride for sign, stride in zip(signs, strides, strict=True))
    guard = draw_(st.integers(64, 200))
    first = guard - sum(min(0, stride * (n - 1)) for stride, n in zip(strides, shape, strict=True))
    return shape, strides, first, reach + 2 * guard + 64


def place(memory, dtype, shape, strides, first):
    """A view of a bytearray at any byte."""
    return np.ndarray(shape, dtype, memory, first, strides)


def wider(data, shape):
    """A size that has a block of this shape, and the index that cuts it out."""
    size, index = [], []
    for n in shape:
        step = data.draw(st.sampled_from([1, 1, 1, 2, 3, -1, -2]))
        before, after = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
        reach = (n - 1) * abs(step) + 1
        size.append(before + reach + after)
        if step > 0:
            index.append(slice(before, before + reach, step))
        else:
            index.append(slice(before + reach - 1, before - 1 if before else None, step))
    return tuple(size), tuple(index)


@cases(600)
@given(data=st.data(), row=st.sampled_from(ROWS), pattern=st.integers(0, 2**32 - 1))
def test_nothing_beside_out_is_written(data, row, pattern):
    """Random layouts at random bytes of a larger memory; the rest of it keeps its pattern."""
    name, dtype = row
    real = numpy_dtype(dtype)
    shape, strides, first, length = data.draw(views(real.itemsize))
    memory = bytearray(np.random.default_rng(pattern).bytes(length))
    before = np.frombuffer(bytes(memory), np.uint8)
    owned = np.zeros(length, np.uint8)
    np.ndarray((*shape, real.itemsize), np.uint8, owned, first, (*strides, 1))[...] = 1
    assert owned.sum() == math.prod(shape) * real.itemsize
    out = place(memory, real, shape, strides, first)
    size, index = wider(data, shape)
    returned = draw(fi.default_rng(SEED), name, dtype, size=size, index=index, out=out)
    assert returned is out
    changed = before != np.frombuffer(memory, np.uint8)
    assert not changed[owned == 0].any()
    whole = draw(fi.default_rng(SEED), name, dtype, size=size)
    assert out.tobytes() == whole[index].tobytes()


# --- blocks of the whole ----------------------------------------------------------------------------------------------

SHAPES = [
    (1,),
    (5,),
    (200,),
    (9000,),
    (3, 4),
    (30, 70),
    (64, 33),
    (5, 1, 7),
    (4, 6, 90),
    (2, 3, 4, 5),
    (1, 1, 1),
    (3, 0, 4),
    (),
]


@functools.cache
def whole_of(name, dtype, shape):
    return draw(fi.default_rng(SEED), name, dtype, size=shape)


@cases(1000)
@given(row=st.sampled_from(ROWS), shape=st.sampled_from(SHAPES), data=st.data())
def test_any_block_is_that_of_the_whole(row, shape, data):
    index = data.draw(npst.basic_indices(shape, allow_newaxis=False))
    x = np.asarray(draw(fi.default_rng(SEED), *row, size=shape, index=index))
    expected = np.asarray(whole_of(*row, shape)[index])
    assert x.dtype == expected.dtype
    assert x.shape == expected.shape
    assert x.tobytes() == expected.tobytes()


@cases(300)
@given(row=st.sampled_from(ROWS), start=st.integers(0, 2**63 - 2), count=st.integers(1, 300), cut=st.integers(0, 300))
@example(row=("normal", "float32"), start=2**36 - 5, count=100, cut=50)
@example(row=("tail", "float64"), start=2**37 - 64, count=300, cut=129)
def test_a_run_anywhere_is_the_sum_of_its_parts(row, start, count, cut):
    """Up to 2^63 elements: a run, its two parts, and its last element alone."""
    most = 2**63 - 1
    stop = min(start + count, most)
    middle = min(start + cut, stop)

    def get(index):
        return draw(fi.default_rng(SEED), *row, size=most, index=index)

    run = get(slice(start, stop))
    assert run.tobytes() == get(slice(start, middle)).tobytes() + get(slice(middle, stop)).tobytes()
    assert run[-1] == get(stop - 1)


@cases(200)
@given(row=st.sampled_from(ROWS), shape=st.sampled_from([s for s in SHAPES if s]), data=st.data())
def test_any_reshape_holds_the_same_values(row, shape, data):
    """Values follow the C-order number of the element, whatever the axes."""
    count = math.prod(shape)
    factors = [n for n in range(1, 60) if count % n == 0]
    first = data.draw(st.sampled_from(factors))
    other = (first, count // first)
    assert draw(fi.default_rng(SEED), *row, size=other).tobytes() == whole_of(*row, shape).tobytes()
