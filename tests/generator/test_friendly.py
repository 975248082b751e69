"""What people write out of habit: dtypes of other libraries, dtypes taken from `out`, names of NumPy's Generator."""

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES

METHODS = ("uniform", "normal", "truncated_normal")
#: NumPy has no name for these.
FOREIGN = ("bfloat16", "float8_e4m3fn", "float8_e5m2")


def draw(method, **keywords):
    return getattr(fi.default_rng(5), method)(**keywords)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_out_says_which_dtype(method, dtype):
    out = np.zeros((3, 4), dtype)
    assert draw(method, out=out) is out
    assert out.tobytes() == draw(method, size=(3, 4), dtype=dtype).tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_float32_where_nothing_says_which_dtype(method):
    assert draw(method, size=3).dtype == draw(method, size=3, dtype=None).dtype == np.float32
    assert draw(method).dtype == np.float32
    assert draw(method, out=bytearray(12)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int32, np.uint16, bool, np.complex64, ml_dtypes.float8_e3m4])
def test_out_of_a_dtype_that_cannot_be_filled(dtype):
    out = np.zeros(3, dtype)
    with pytest.raises(TypeError, match=f"out must have one of the dtypes float32, .*; got {np.dtype(dtype)}"):
        draw("normal", out=out)
    assert not out.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_dtypes_and_tensors(dtype):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    expected = draw("normal", size=(4, 6), dtype=dtype)
    assert draw("normal", size=(4, 6), dtype=getattr(torch, dtype)).tobytes() == expected.tobytes()
    tensor = torch.zeros(6, 4, dtype=getattr(torch, dtype)).T
    assert draw("normal", out=tensor) is tensor
    assert tensor.contiguous().view(torch.uint8).numpy().tobytes() == expected.tobytes()
    assert draw("normal", out=tensor, dtype=dtype) is tensor


@pytest.mark.parametrize("name", ["int32", "float8_e4m3fnuz", "complex64"])
def test_torch_dtypes_that_cannot_be_filled(name):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    with pytest.raises(TypeError, match=f"dtype must be one of float32, .*; got torch.{name}"):
        draw("normal", size=3, dtype=getattr(torch, name))
    with pytest.raises(TypeError, match=r"^out must "):
        draw("normal", out=torch.zeros(3, dtype=getattr(torch, name)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_jax_dtypes(dtype):
    jnp = pytest.importorskip("jax.numpy", reason="needs JAX")
    assert draw("normal", size=4, dtype=getattr(jnp, dtype)).dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", ["random", "standard_normal", "integers", "choice", "bytes", "no_such"])
def test_names_of_numpy_s_generator(name):
    with pytest.raises(AttributeError, match=f"fastinit.Generator has no '{name}': (write|it has)"):
        getattr(fi.default_rng(0), name)
    assert not hasattr(fi.default_rng(0), name)


def test_advice_can_be_followed():
    others = fi.generator.INSTEAD
    assert {"random", "laplace", "exponential", "integers", "seed"} <= set(others)
    for name, advice in others.items():
        with pytest.raises(AttributeError, match=f"has no '{name}': write "):
            getattr(fi.default_rng(0), name)
        call = advice.replace("size=...", "size=3").replace("(size)", "(3)").replace("seed)", "7)").replace("(p)", "(0.5)")
        call = call.replace("integers(...)", "integers(3)").replace("(...)", "()")
        eval(call if call.startswith("fastinit") else f"fastinit.default_rng(0).{call}", {"fastinit": fi})


@pytest.mark.parametrize("name", ["normal", "uniform", "seed", "truncated_normal"])
def test_names_of_numpy_random(name):
    with pytest.raises(AttributeError, match=rf"fastinit has no '{name}': write fastinit\.default_rng"):
        getattr(fi, name)


def test_other_attributes_are_missed_as_usual():
    with pytest.raises(AttributeError, match="module 'fastinit' has no attribute 'no_such'"):
        fi.no_such  # noqa: B018


@pytest.mark.parametrize("method", ["uniform", "normal"])
def test_a_shape_in_the_first_place(method):
    with pytest.raises(TypeError, match=r"must be a real number; got \(2, 3\); a shape is given as size="):
        getattr(fi.default_rng(0), method)((2, 3))


def test_shared_sections_are_in_every_docstring():
    for method in (*METHODS, "bits"):
        text = getattr(fi.Generator, method).__doc__
        heads = [
            line for line, rule in zip(text.split("\n"), text.split("\n")[1:], strict=False) if rule and set(rule) == {"-"}
        ]
        assert heads == sorted(heads, key=fi.arguments.docstrings.SECTIONS.index)
        for words in ("size : int", "out : array", "index : int", "IndexError", "do not depend on threads"):
            assert text.count(words) == 1
        assert ("dtype : dtype" in text) == (method != "bits")
