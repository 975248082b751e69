"""What all initialisers have in common: keywords, blocks, memory, dtypes, calls; and the values of those without randomness."""

import inspect
import pickle
import re
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers
from fastinit.initializers import keywords
from fastinit.initializers.documentation import PARAMETERS
from tests.conftest import DTYPES
from tests.initializers.table import ALIASES, CALLS, RANDOM, call

PAGE = Path(__file__).parents[2] / "docs/initializers.md"

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
def test_signature(name):
    function = initializers.BY_NAME[name]
    first, *others = inspect.signature(function).parameters.values()
    assert function.__name__ == name
    assert (first.name, first.kind) == ("shape", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    assert [other.name for other in others][-4:] == ["rng", "dtype", "out", "index"]
    assert all(other.kind is inspect.Parameter.KEYWORD_ONLY for other in others)
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("name", CALLS)
def test_docstring(name):
    """Every parameter has one entry, in the order of the signature; numpydoc's sections come in their order."""
    text = initializers.BY_NAME[name].__doc__
    sections = re.findall(r"^(\w+)\n-+$", text, re.MULTILINE)
    order = ["Parameters", "Returns", "Raises", "Notes", "References", "Examples"]
    assert sections == [section for section in order if section in sections]
    assert set(order) - set(sections) <= {"Notes", "References"}
    assert ("Notes" in sections) == (name in RANDOM)
    entries = re.findall(r"^([\w, ]+) : ", text[text.index("Parameters") : text.index("Returns")], re.MULTILINE)
    parameters = list(inspect.signature(initializers.BY_NAME[name]).parameters)
    assert ", ".join(entries).split(", ") == parameters
    assert re.match(r"[A-Z][^\n]*\.\n\n", text)
    assert (PARAMETERS["rng"] in text) == (name in RANDOM)


def test_the_cost_of_a_block():
    costs = {name: keywords.block_cost(name) for name in initializers.BY_NAME}
    assert {name: cost for name, cost in costs.items() if cost != "block"} == {
        "orthogonal": "whole",
        "delta_orthogonal": "whole",
        "sparse": "columns",
    }
    assert all(costs[alias] == costs[name] for alias, name in ALIASES.items())
    assert "at the cost of the whole array" in initializers.orthogonal.__doc__


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
    """Values with bounds are then kept inside them: tests/promise checks the bounds exactly."""
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


@pytest.mark.parametrize("name", CALLS)
def test_dtype_of_out(name):
    """Without dtype= the dtype is that of `out`."""
    out = np.zeros(CALLS[name][0], ml_dtypes.bfloat16)
    assert call(name, rng=7, out=out) is out
    assert bits_of(out) == bits_of(call(name, rng=7, dtype="bfloat16"))
    assert call(name, rng=7, dtype=None).dtype == np.float32


def test_a_tensor_as_out_is_returned():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for name in CALLS:
        out = torch.zeros(CALLS[name][0], dtype=torch.bfloat16)
        assert call(name, rng=7, out=out) is out
        assert bits_of(out.view(torch.int16).numpy()) == bits_of(call(name, rng=7, dtype="bfloat16"))


def test_samplers_are_the_engine():
    for name, method in (("uniform", "uniform"), ("normal", "normal"), ("truncated_normal", "truncated_normal")):
        ours = getattr(initializers, name)((50, 3), rng=2)
        assert bits_of(ours) == bits_of(getattr(fi.default_rng(2), method)(size=(50, 3)))
    absolute = initializers.truncated_normal(99, loc=0.5, scale=2.0, a=-1.0, b=1.0, units="absolute", rng=2)
    assert bits_of(absolute) == bits_of(fi.default_rng(2).truncated_normal(-1.0, 1.0, 0.5, 2.0, 99, units="absolute"))


# --- the page ---------------------------------------------------------------------------------------------------------


def test_calls_of_the_documentation_have_the_functions_keywords():
    calls = re.findall(r"`(\w+)\((?:shape|n), ([^`]*)\)`", PAGE.read_text())
    assert len(calls) > 30
    for name, arguments in calls:
        names = [argument.partition("=") for argument in arguments.split(", ") if argument not in ("L", "T")]
        assert all(equals for _, equals, _ in names), (name, arguments)
        assert {key for key, _, _ in names} <= set(inspect.signature(initializers.BY_NAME[name]).parameters), (name, arguments)
