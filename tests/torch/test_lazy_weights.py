"""A lazy array as a tensor, and as the frozen weight of a linear layer."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch

import fastinit as fi
import fastinit.torch as ft
from fastinit import laws
from fastinit.torch import lazy_weights
from fastinit.torch.filling import writing
from tests.torch.common import DTYPES

EXAMPLES = Path(__file__).parents[2] / "examples"
ALL = [str(dtype).removeprefix("torch.") for dtype in DTYPES] + ["float8_e4m3fn", "float8_e5m2"]


def bits(x):
    """The bytes of a tensor or an array."""
    return x.contiguous().view(torch.uint8).numpy().tobytes() if isinstance(x, torch.Tensor) else x.tobytes()


@pytest.mark.parametrize("dtype", ALL)
def test_from_lazy(dtype):
    lazy = fi.lazy(laws.normal(scale=0.5), (40, 60), 0, dtype=dtype)
    for each in (lazy, lazy.T, lazy.block(np.s_[::-3, 5])):
        tensor = ft.from_lazy(each)
        assert (tensor.dtype, tuple(tensor.shape)) == (getattr(torch, dtype), each.shape)
        assert tensor.is_contiguous()
        assert bits(tensor) == bits(np.asarray(each))


@pytest.mark.parametrize("law", [laws.integers(100), laws.rademacher(), laws.bernoulli()], ids=repr)
def test_from_lazy_of_integers(law):
    for dtype in law.dtype_names:
        lazy = fi.lazy(law, (5, 4), 0, dtype=dtype)
        assert bits(ft.from_lazy(lazy.T)) == bits(np.asarray(lazy.T))


def test_where_it_is(monkeypatch):
    lazy = fi.lazy(laws.normal(), (50, 6), 0)
    for each in (lazy, fi.lazy(laws.normal(), (50, 6), 0, dtype="float8_e4m3fn")):
        with pytest.raises(ValueError, match=r"^device must be the CPU or an accelerator that torch can use here; got 'meta'"):
            ft.from_lazy(each, device="meta")
        with pytest.raises(ValueError, match=r"^device must name a device of torch; got 'nonsense'"):
            ft.from_lazy(each, device="nonsense")
        with pytest.raises(TypeError, match=r"^device must be a torch.device or a str; got 3"):
            ft.from_lazy(each, device=3)
        with torch.device("meta"), pytest.raises(ValueError, match=r"^device must be .* got device"):
            ft.from_lazy(each)
    monkeypatch.setattr(writing, "STAGING", 64)  # as an accelerator without kernels gets them: through a buffer
    monkeypatch.setattr(writing, "_memory", lambda part: None)
    assert bits(ft.from_lazy(lazy)) == bits(np.asarray(lazy))


def layer(outputs, inputs, dtype, like, *lead):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(*lead, inputs, generator=generator, dtype=torch.float64).to(like)
    return x, fi.lazy(laws.normal(scale=inputs**-0.5), (outputs, inputs), 0, dtype=dtype)


#: Units in the last place of the results, which have values near 1.
UNITS = {torch.float32: 2.0**-20, torch.float64: 2.0**-49, torch.float16: 2.0**-9, torch.bfloat16: 2.0**-6}


@pytest.mark.parametrize("like", DTYPES, ids=str)
@pytest.mark.parametrize("dtype", ALL[:4])
def test_linear_and_its_gradient(dtype, like):
    x, lazy = layer(70, 1500, dtype, like, 2, 3)
    x.requires_grad_()
    weight = ft.from_lazy(lazy).to(torch.float64)
    y = ft.linear(x, lazy)
    assert y.dtype == like
    expected = torch.nn.functional.linear(x.detach().double(), weight)
    torch.testing.assert_close(y.double(), expected, rtol=2 * UNITS[like], atol=8 * UNITS[like])
    upstream = torch.linspace(-1, 1, y.numel()).reshape(y.shape).to(like)
    y.backward(upstream)
    assert x.grad.dtype == like
    torch.testing.assert_close(x.grad.double(), upstream.double() @ weight, rtol=2 * UNITS[like], atol=8 * UNITS[like])


@pytest.mark.parametrize("bias_dtype", DTYPES, ids=str)
@pytest.mark.parametrize("like", DTYPES, ids=str)
def test_a_bias_is_added_before_the_one_rounding(like, bias_dtype):
    """In float32, and so in float64: the sum of three terms of few bits is exact there."""
    lazy = fi.lazy(laws.rademacher(), (6, 2), 0, dtype="float32")
    x = torch.tensor([[1.0, 2.0**-9], [3.0, 2.0**-7]], dtype=like)
    bias = torch.linspace(-1, 1, 6).to(bias_dtype).requires_grad_()
    y = ft.linear(x, lazy, bias)
    assert y.dtype == like
    wide = torch.float64 if like == torch.float64 else torch.float32
    expected = torch.nn.functional.linear(x.to(wide), ft.from_lazy(lazy).to(wide), bias.detach().to(wide))
    assert torch.equal(y, expected.to(like))
    y.float().sum().backward()
    assert bias.grad.dtype == bias_dtype
    assert bias.grad.tolist() == [2] * 6


def test_derivatives_of_higher_order():
    x, lazy = layer(4, 5, "float64", torch.float64, 3)
    bias = torch.ones(4, dtype=torch.float64, requires_grad=True)
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, bias: ft.linear(x, lazy, bias), (x, bias))
    assert torch.autograd.gradgradcheck(lambda x: ft.linear(x, lazy) ** 2, (x,))


@pytest.mark.parametrize("lead", [(), (0,), (4, 0, 2)])
def test_shapes(lead):
    x, lazy = layer(7, 5, "float32", torch.float32, *lead)
    assert ft.linear(x, lazy).shape == (*lead, 7)
    assert ft.linear(x, lazy, torch.ones(7)).shape == (*lead, 7)


def test_tiles_of_an_accelerator(monkeypatch):
    """What an accelerator does, tile by tile, done by the CPU's operations."""
    x, lazy = layer(70, 50, "bfloat16", torch.float32, 9)
    monkeypatch.setattr(lazy_weights, "TILE", 11 * 50 * 4)
    blocks, from_lazy = [], lazy_weights.from_lazy
    monkeypatch.setattr(lazy_weights, "from_lazy", lambda lazy, **where: blocks.append(lazy.shape) or from_lazy(lazy, **where))
    for each, rows in ((lazy, x), (lazy.T, torch.ones(9, 70))):
        torch.testing.assert_close(lazy_weights.by_tiles(rows, each), lazy_weights.on_host(rows, each))
    assert blocks[:7] == [(11, 50)] * 6 + [(4, 50)]


def test_what_is_refused():
    x, lazy = layer(7, 5, "float32", torch.float32, 3)
    with pytest.raises(TypeError, match=r"lazy must be an array of fastinit\.lazy; got Tensor"):
        ft.linear(x, x)
    with pytest.raises(ValueError, match="lazy must be a matrix of reals that torch has"):
        ft.linear(x, fi.lazy(laws.rademacher(), (7, 5), 0, dtype="int8"))
    with pytest.raises(ValueError, match="lazy must be a matrix"):
        ft.linear(x, fi.lazy(laws.normal(), 5, 0))
    with pytest.raises(TypeError, match=r"input must be a tensor of float32.*; got torch.int64"):
        ft.linear(x.long(), lazy)
    for bias, kind in ((3.0, "float"), ([1.0] * 7, "list"), (torch.ones(7, dtype=torch.int64), r"torch\.int64")):
        with pytest.raises(TypeError, match=f"bias must be a tensor of float32.*, or None; got {kind}"):
            ft.linear(x, lazy, bias)
    for shape in ((), (1,), (5,), (3, 7)):
        with pytest.raises(ValueError, match=r"bias must have shape \(7,\) for a weight of 7 outputs; got "):
            ft.linear(x, lazy, torch.ones(shape))
    with pytest.raises(ValueError, match=r"input must have shape \[\.\.\., 7\] for a weight of \(5, 7\); got \(3, 5\)"):
        ft.linear(x, lazy.T)


def test_vera_adapts_a_network():
    done = subprocess.run([sys.executable, str(EXAMPLES / "vera.py")], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    before, after = (float(found) for found in re.findall(r"(?:before|after) +([\d.]+)%", done.stdout))
    assert before < 20
    assert after > 90
    stored, kept, _ = (int(found.replace(",", "")) for found in re.findall(r"([\d,]+) bytes", done.stdout))
    assert stored > 500 * kept


def test_only_the_vectors_of_vera_are_trained(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    for name in ("digits", "vera"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    vera = importlib.import_module("vera")
    module = vera.Vera(torch.nn.Linear(6, 4), fi.default_rng(0))
    assert {name for name, weight in module.named_parameters() if weight.requires_grad} == {"inner", "outer"}
    x = torch.ones(2, 6)
    assert torch.equal(module(x), module.layer(x))
    module.outer.data.fill_(1)
    b, a = ft.from_lazy(module.b), ft.from_lazy(module.a)
    torch.testing.assert_close(module(x), module.layer(x) + (x @ a.T * module.inner) @ b.T)
