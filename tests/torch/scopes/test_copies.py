"""Copies of `trunc_normal_` that are built of `uniform_` and `erfinv_`: one truncated fill, or exactly the separate steps."""

import math
import sys

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from scipy import stats
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from fastinit.torch.filling import fills
from fastinit.torch.scopes import chains
from tests import statistics

aten = torch.ops.aten


def cdf(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def line_by_line(tensor, mean, std, a, b, generator=None):
    """As in timm, in many projects after it, and in torch itself until lately."""
    low, high = cdf((a - mean) / std), cdf((b - mean) / std)
    tensor.uniform_(2 * low - 1, 2 * high - 1, generator=generator)
    tensor.erfinv_()
    tensor.mul_(std * math.sqrt(2.0))
    tensor.add_(mean)
    tensor.clamp_(min=a, max=b)
    return tensor


def in_one_line(tensor, mean, std, a, b):
    low, high = cdf((a - mean) / std), cdf((b - mean) / std)
    return tensor.uniform_(2 * low - 1, 2 * high - 1).erfinv_().mul_(std * math.sqrt(2)).add_(mean).clamp_(a, b)


COPIES = {"line by line": line_by_line, "in one line": in_one_line}
CASES = [(0.0, 0.02, -2.0, 2.0), (0.0, 0.02, -0.04, 0.04), (0.5, 2.0, 1.0, 3.0), (0.0, 1.0, -2.0, 1.0)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_one_truncated_fill(name, case, dtype):
    copy, (mean, std, a, b) = COPIES[name], case
    weight = nn.Parameter(torch.empty(40, 30, dtype=dtype))
    version = weight._version
    with ft.fast_init(rng=3) as rng, torch.no_grad():
        assert copy(weight, *case) is weight
        other = copy(torch.empty(7, dtype=dtype), *case)
    assert rng.state["calls"] == 2
    assert weight._version > version
    own = fi.default_rng(3)
    for tensor in (weight.detach(), other):
        drawn = own.truncated_normal(a, b, mean, std, size=tuple(tensor.shape), units="absolute", dtype=str(dtype)[6:])
        assert np.allclose(tensor.double().numpy(), drawn.astype(np.float64), rtol=1e-6, atol=1e-7)


def test_generators_and_devices_of_the_caller():
    first, second = (torch.Generator().manual_seed(8) for _ in range(2))
    with ft.fast_init(rng=3) as rng:
        x = line_by_line(torch.empty(50), 0.0, 1.0, -2.0, 2.0, generator=first)
        assert torch.equal(x, nn.init.trunc_normal_(torch.empty(50), generator=second))
        with torch.device("cpu"):
            y = line_by_line(torch.empty(50), 0.0, 1.0, -2.0, 2.0)
    assert rng.state["calls"] == 1
    with ft.fast_init(rng=3):
        assert torch.equal(nn.init.trunc_normal_(torch.empty(50)), y)


# Code that is nearly such a copy. Each function returns all that it saw.


def looks_between(x):
    x.uniform_(-0.9, 0.9)
    seen = x.clone()
    return seen, x.erfinv_().mul_(0.5).clamp_(-1, 1)


def reads_memory(x):
    x.uniform_(-0.9, 0.9)
    seen = torch.from_numpy(x.numpy().copy())
    return seen, x.erfinv_().mul_(0.5).clamp_(-1, 1)


def stops_early(x):
    x.uniform_(-0.9, 0.9)
    if x.numel():
        return x, x.clone()
    return x.erfinv_().clamp_(-1, 1), x


def multiplies_itself(x):
    return x.uniform_(-0.9, 0.9).erfinv_().mul_(x).clamp_(-1, 1), x


def adds_its_double(x):
    x.uniform_(-0.9, 0.9).erfinv_()
    x.add_(x * 2).clamp_(-1, 1)
    return x, x


def scales_by_a_tensor(x):
    by = torch.tensor(0.5)
    return x.uniform_(-0.9, 0.9).erfinv_().mul_(by).clamp_(-1, 1), x


def clamps_hard(x):
    return x.uniform_(-0.9, 0.9).erfinv_().mul_(0.5).clamp_(-0.1, 0.1), x


def turns_over(x):
    return x.uniform_(-0.9, 0.5).erfinv_().mul_(-0.5).clamp_(-1, 1), x


def clamps_another(x):
    other = torch.ones_like(x)
    x.uniform_(-0.9, 0.9).erfinv_()
    other.clamp_(-1, 1)
    return x, other


class Reader:
    """No tensor, but it has a method of the same name."""

    def __init__(self, tensor):
        self.tensor = tensor

    def add_(self, number):
        self.seen = torch.from_numpy(self.tensor.numpy() + number)


def is_read_by_another(x):
    reader = Reader(x)
    x.uniform_(-0.9, 0.9).erfinv_()
    reader.add_(1)
    return x.clamp_(-1, 1), reader.seen


def clamps_the_uniform(x):
    return x.uniform_(-0.9, 0.9).clamp_(-0.5, 0.5).erfinv_(), x


NEARLY = [
    looks_between, reads_memory, stops_early, multiplies_itself, adds_its_double, scales_by_a_tensor, clamps_hard, turns_over,
    clamps_another, is_read_by_another, clamps_the_uniform,
]  # fmt: skip


def separately(function, seed, size):
    """What the function returns if the uniform values are there at once: `fi` draws them, torch does the rest."""

    class Given(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is torch.Tensor.uniform_:
                return args[0].copy_(torch.from_numpy(fi.default_rng(seed).uniform(*args[1:], size=size)))
            return func(*args, **(kwargs or {}))

    with Given():
        return function(torch.empty(size))


@pytest.mark.parametrize("function", NEARLY, ids=lambda function: function.__name__)
def test_other_code_sees_the_separate_steps(function):
    with ft.fast_init(rng=5):
        found = function(torch.full((200,), math.nan))
    for x, y in zip(found, separately(function, 5, 200), strict=True):
        assert torch.equal(x, y)


def test_a_block_that_ends_early_leaves_no_tensor_empty():
    def fails(x, std):
        x.uniform_(-0.9, 0.9)
        x.erfinv_()
        x.mul_(std / 0)
        return x.clamp_(-1, 1)

    weight = nn.Parameter(torch.full((50,), math.nan))
    with pytest.raises(ZeroDivisionError), ft.fast_init(rng=5), torch.no_grad():
        fails(weight, 1.0)
    uniform = torch.from_numpy(fi.default_rng(5).uniform(-0.9, 0.9, size=50))
    assert torch.equal(weight.detach(), uniform.erfinv_())


def test_the_next_operation_may_be_anothers():
    """An error between the steps that somebody catches; then another fill."""

    def fails(x, std):
        x.uniform_(-0.9, 0.9)
        x.mul_(std / 0)
        return x.erfinv_().clamp_(-1, 1)

    x = torch.full((50,), math.nan)
    with ft.fast_init(rng=5) as rng:
        with pytest.raises(ZeroDivisionError):
            fails(x, 1.0)
        y = torch.rand(5)
    own = fi.default_rng(5)
    assert np.array_equal(x.numpy(), own.uniform(-0.9, 0.9, size=50))
    assert np.array_equal(y.numpy(), own.uniform(size=5))
    assert rng.state["calls"] == 2


def test_a_debugger_sees_each_step():
    seen = []

    def trace(frame, event, argument):
        if frame.f_code is line_by_line.__code__ and event == "line":
            seen.append(bool(frame.f_locals["tensor"].isnan().any()))
        return trace

    before = sys.gettrace()
    try:
        with ft.fast_init(rng=5):
            sys.settrace(trace)
            line_by_line(torch.full((5,), math.nan), 0.0, 1.0, -2.0, 2.0)
    finally:
        sys.settrace(before)
    assert seen[-4:] == [False] * 4


def test_laws_of_the_steps():
    """Each law against the steps on torch's own uniform values."""
    generator = torch.Generator().manual_seed(1)
    for a, b, steps in (
        (-0.9, 0.3, [(aten.mul_.Tensor, 0.3), (aten.add_.Tensor, 1.0), (aten.mul_.Tensor, 2.0)]),
        (0.2, 0.999, [(aten.add_.Tensor, -1.0), (aten.mul_.Tensor, 4.0), (aten.clamp_.default, -5.0, 90.0)]),
    ):
        values = torch.empty(20_000, dtype=torch.float64).uniform_(a, b, generator=generator).erfinv_()
        fill = chains.followed_by(fills.uniform(a, b), aten.erfinv_.default, (), {})
        for func, *arguments in steps:
            values = func(values, *arguments)
            fill = chains.followed_by(fill, func, tuple(arguments), {})
        mean, std, low, high = fill.parameters
        std = std if fill.law == "truncated_normal" else std / math.sqrt(2)
        statistics.follows(values.numpy(), stats.truncnorm((low - mean) / std, (high - mean) / std, mean, std), "steps")


def test_bounds_with_a_probability_of_their_own_are_no_truncated_normal():
    quantile = chains.followed_by(fills.uniform(-0.9, 0.9), aten.erfinv_.default, (), {})
    assert chains.followed_by(quantile, aten.clamp_.default, (-0.5, 5.0), {}) is None
    assert chains.followed_by(quantile, aten.clamp_.default, (-5.0, 0.5), {}) is None
    assert chains.followed_by(quantile, aten.clamp_.default, (torch.tensor(1.0),), {}) is None
    assert chains.followed_by(quantile, aten.clamp_.default, (-5.0,), {"max": 5.0}).law == "truncated_normal"
    assert chains.followed_by(fills.uniform(-2.0, 2.0), aten.erfinv_.default, (), {}) is None
    assert chains.followed_by(fills.normal(0.0, 1.0), aten.mul_.Tensor, (2.0,), {}) is None


class Block(nn.Module):
    def __init__(self, fill):
        super().__init__()
        self.linear = nn.Linear(60, 50)
        with torch.no_grad():
            fill(self.linear.weight, 0.0, 0.02, -2.0, 2.0)


@pytest.mark.parametrize("name", COPIES)
def test_deferred_constructors(name):
    def build(fill):
        with ft.deferred(rng=0):
            model = Block(fill)
        return ft.materialize(model).state_dict()

    copied, own = build(COPIES[name]), build(nn.init.trunc_normal_)
    assert all(torch.equal(copied[key], own[key]) for key in own)
    hard = build(lambda weight, *_: clamps_hard(weight))["linear.weight"]
    assert (hard.abs() == 0.1).float().mean() > 0.5


def test_timms_own_function():
    weight_init = pytest.importorskip("timm.layers.weight_init", reason="needs timm")
    with ft.fast_init(rng=3) as rng:
        x = weight_init.trunc_normal_(torch.empty(1000), std=0.02)
        y = weight_init.trunc_normal_tf_(torch.empty(1000), std=0.02)
    assert rng.state["calls"] == 2
    with ft.fast_init(rng=3):
        assert torch.equal(nn.init.trunc_normal_(torch.empty(1000), std=0.02), x)
        assert torch.equal(nn.init.trunc_normal_(torch.empty(1000)) * 0.02, y)
