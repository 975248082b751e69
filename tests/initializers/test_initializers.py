"""What all initialisers have in common: keywords, blocks, memory, dtypes, calls; and the values of those without randomness."""

import inspect
import math

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers
from fastinit.arguments import outputs
from fastinit.initializers import keywords as common
from fastinit.initializers import sparsity
from tests.conftest import DTYPES
from tests.initializers.table import ALIASES, CALLS, RANDOM, call

INDICES = (
    np.s_[3],
    np.s_[-2:],
    np.s_[::-2, 1:5],
    np.s_[..., 1],
    np.s_[2, 3:3],
    np.s_[5:0:-3, ...],
    ...,
    np.s_[-1, -1:],
    np.s_[::2, 1::2],
)


def bits_of(array):
    return np.asarray(array).tobytes()


# --- the table --------------------------------------------------------------------------------------------------------


def test_every_initializer_is_in_the_table():
    assert set(initializers.BY_NAME) == set(CALLS) | set(ALIASES)
    assert set(initializers.__all__) - set(initializers.BY_NAME) == {"BY_NAME", "Fans", "fans", "gain", "truncated_std"}


def test_aliases_are_the_same_functions():
    for alias, name in ALIASES.items():
        assert initializers.BY_NAME[alias] is getattr(initializers, alias) is getattr(initializers, name)


@pytest.mark.parametrize("name", CALLS)
def test_signature_and_docstring(name):
    function = initializers.BY_NAME[name]
    parameters = inspect.signature(function).parameters
    assert list(parameters)[-4:] == ["rng", "dtype", "out", "index"]
    assert next(iter(parameters)) == "shape"
    assert function.__name__ == name
    assert all(parameters[k].kind is inspect.Parameter.KEYWORD_ONLY for k in ("rng", "dtype", "out", "index"))
    for section in ("Parameters", "Returns", "Raises", "Examples", ">>> "):
        assert section in function.__doc__
    assert ("Notes" in function.__doc__) == (name in RANDOM)


# --- blocks, memory, dtypes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CALLS)
def test_result(name, dtype):
    whole = call(name, rng=7, dtype=dtype)
    assert whole.shape == CALLS[name][0]
    assert whole.dtype == np.dtype(getattr(ml_dtypes, dtype, dtype))
    assert whole.flags.c_contiguous
    assert np.isfinite(whole.astype(np.float64)).all()
    assert bits_of(call(name, rng=7, dtype=dtype)) == bits_of(whole)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CALLS)
def test_block_is_cut_from_the_whole(name, dtype):
    whole = call(name, rng=7, dtype=dtype)
    for index in INDICES:
        block = call(name, rng=7, dtype=dtype, index=index)
        assert block.shape == whole[index].shape
        assert bits_of(block) == bits_of(whole[index]), index


@pytest.mark.parametrize("name", CALLS)
def test_one_element_is_a_scalar(name):
    whole = call(name, rng=7)
    place = (2, 2) + (1,) * (whole.ndim - 2)
    element = call(name, rng=7, index=place)
    assert type(element) is np.float32
    assert element == whole[place]
    out = np.full((), 77, np.float32)
    assert call(name, rng=7, index=place, out=out) is out
    assert out == whole[place]


@pytest.mark.parametrize("name", CALLS)
def test_out(name):
    whole = call(name, rng=7, dtype="float16")
    for order in ("C", "F"):
        out = np.full(whole.shape, 77, np.float16, order=order)
        assert call(name, rng=7, dtype="float16", out=out) is out
        assert bits_of(np.ascontiguousarray(out)) == bits_of(whole)
    memory = np.full((40, *whole.shape[1:-1], 2 * whole.shape[-1]), 77, np.float16)
    view = memory[3 : 3 + 2 * 8 : 2, ..., ::-2]
    call(name, rng=7, dtype="float16", out=view, index=np.s_[1:9])
    assert (view == whole[1:9]).all()
    assert (memory == 77).sum() >= memory.size - view.size
    memory[3 : 3 + 2 * 8 : 2, ..., ::-2] = 77
    assert (memory == 77).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", CALLS)
def test_sixteen_bits_are_the_rounded_float32(name, dtype):
    """Then kept between the bounds, where there are bounds: `test_promise.py` says where exactly those are."""
    half = call(name, rng=7, dtype=dtype)
    rounded = call(name, rng=7).astype(half.dtype)
    if "uniform" in name or "truncated" in name or name in ("variance_scaling", "xavier_normal"):
        assert (rounded != half).mean() < 0.05
        rounded = np.clip(rounded.astype(np.float32), float(half.min()), float(half.max())).astype(half.dtype)
    assert bits_of(rounded) == bits_of(half)


def test_a_random_initializer_takes_one_call_and_a_constant_none():
    for name in CALLS:
        for shape in (None, *([(0, 4)] if len(CALLS[name][0]) == 2 else [])):
            rng = fi.default_rng(3)
            call(name, shape, rng=rng)
            assert rng.state["calls"] == (name in RANDOM), name


@pytest.mark.parametrize("name", RANDOM)
def test_rng(name):
    whole = call(name, rng=5)
    assert bits_of(call(name, rng=np.random.SeedSequence(5))) == bits_of(whole)
    rng = fi.default_rng(5)
    assert bits_of(call(name, rng=rng)) == bits_of(whole)
    assert bits_of(call(name, rng=rng)) != bits_of(whole)
    assert bits_of(call(name)) != bits_of(call(name))


@pytest.mark.parametrize("name", CALLS)
def test_array_without_elements(name):
    shape = (0, 4) if len(CALLS[name][0]) == 2 else (12, 0, 3, 4)
    empty = call(name, shape, rng=1, dtype="bfloat16")
    assert empty.shape == shape
    assert empty.dtype == ml_dtypes.bfloat16


def test_samplers_are_the_engine():
    for name, method in (("uniform", "uniform"), ("normal", "normal"), ("truncated_normal", "truncated_normal")):
        ours = getattr(initializers, name)((50, 3), rng=2)
        assert bits_of(ours) == bits_of(getattr(fi.default_rng(2), method)(size=(50, 3)))
    absolute = initializers.truncated_normal(99, 0.5, 2.0, -1.0, 1.0, units="absolute", rng=2)
    assert bits_of(absolute) == bits_of(fi.default_rng(2).truncated_normal(-1.0, 1.0, 0.5, 2.0, 99, units="absolute"))


# --- without randomness -----------------------------------------------------------------------------------------------


def test_constants():
    assert (initializers.zeros((2, 3)) == 0).all()
    assert not np.signbit(initializers.constant((2, 3), -0.0)).any()
    assert (initializers.ones(4, dtype="bfloat16") == 1).all()
    assert (initializers.constant((2, 3), 0.1, dtype="float16") == np.float16(0.1)).all()
    assert initializers.constant((), 2.0).shape == ()
    assert initializers.constant(3, 1e6, dtype="float16").tolist() == [math.inf] * 3
    assert (initializers.zeros((2**40, 2**20), index=np.s_[-1, -5:]) == 0).all()


def test_eye():
    for shape in ((1, 1), (5, 5), (3, 8), (8, 3)):
        assert (initializers.eye(shape) == np.eye(*shape)).all()
    assert (initializers.identity((4, 4), 2.5) == 2.5 * np.eye(4)).all()
    huge = initializers.eye((2**31, 2**31), index=np.s_[2**30 : 2**30 + 3, 2**30 - 1 : 2**30 + 2])
    assert (huge == np.eye(3, k=1)).all()


def obvious_dirac(shape, groups):
    w = np.zeros(shape, np.float32)
    per_group = shape[0] // groups
    for group in range(groups):
        for i in range(min(per_group, shape[1])):
            w[(group * per_group + i, i, *(n // 2 for n in shape[2:]))] = 1
    return w


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("shape", [(4, 4, 3), (8, 3, 2), (4, 9, 1), (8, 2, 3, 4), (4, 2, 3, 3, 3), (4, 2, 1, 2, 3, 4)])
def test_dirac(shape, groups):
    expected = obvious_dirac(shape, groups)
    assert (initializers.dirac(shape, groups) == expected).all()
    turned = np.moveaxis(expected, (0, 1), (-1, -2))
    assert (initializers.dirac(turned.shape, groups, layout="in_out") == turned).all()


def test_dirac_passes_its_input_on():
    w = initializers.dirac((3, 3, 5))
    x = fi.default_rng(0).normal(size=(3, 20))
    y = np.array([sum(np.convolve(x[i], w[o, i, ::-1], "same") for i in range(3)) for o in range(3)])
    assert np.array_equal(y, x)


# --- values that are never zero ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_zeros(dtype):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    array = np.array([[0.0, -0.0, 1.0], [-2.0, 0.0, 0.0]]).astype(kind)[:, ::-1]
    common.without_zeros(array)
    least = float(ml_dtypes.finfo(kind).smallest_normal)
    assert array.astype(np.float64)[:, ::-1].tolist() == [[least, -least, 1.0], [-2.0, least, least]]


def test_small_random_in_float16_is_never_zero():
    """A plain draw has thousands of zeros at this scale; what takes their place has the sign of the draw."""
    plain = initializers.normal(2**20, scale=1e-6, rng=0, dtype="float16")
    small = initializers.small_random(2**20, 1e-6, rng=0, dtype="float16")
    zeros = plain == 0
    assert zeros.sum() > 10_000
    assert (small[zeros] == np.copysign(np.finfo(np.float16).smallest_normal, plain[zeros])).all()
    assert abs((small[zeros] > 0).mean() - 0.5) < 5 * 0.5 / math.sqrt(zeros.sum())
    assert (small[~zeros] == plain[~zeros]).all()


def test_parts_cover_an_array_once():
    for shape in ((), (7,), (100,), (3, 4, 5), (2, 30), (50, 1, 2), (0, 4), (4, 0)):
        array = np.zeros(shape)
        for piece in outputs.parts(array, 10):
            assert piece.size <= 10
            piece += 1
        assert (array == 1).all(), shape


# --- sparse -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "sparsity", "count"),
    [(100, 0.07, 7), (10, 0.3, 3), (10, 0.31, 4), (7, 0.5, 4), (5, 0.0, 0), (4, 0.95, 4), (1, 0.1, 1), (10**6, 1e-300, 1)],
)
def test_sparse_has_the_asked_share_of_zeros(rows, sparsity, count):
    w = initializers.sparse((rows, 11), sparsity, rng=0)
    assert ((w == 0).sum(axis=0) == count).all()


def test_sparse_in_float16_has_no_zeros_but_the_chosen():
    w = initializers.sparse((1000, 600), 0.25, 1e-7, rng=0, dtype="float16")
    assert ((w == 0).sum(axis=0) == 250).all()


def test_sparse_does_not_depend_on_pieces(monkeypatch):
    whole = initializers.sparse((300, 90), 0.4, rng=1)
    monkeypatch.setattr(sparsity, "PIECE", 1000)
    assert bits_of(initializers.sparse((300, 90), 0.4, rng=1)) == bits_of(whole)
