"""Random arguments of a Generator's methods, ordinary and strange."""

import decimal
import fractions
import math

import ml_dtypes
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.conftest import DTYPES

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


arrays = st.builds(
    np.zeros, npst.array_shapes(min_dims=0, max_side=5), st.sampled_from(["f4", "f4", "f8", "i4", ">f4", "U2", "O", "f2"])
)
