"""`draw_`: any law in a tensor, with the bytes of `Generator.draw`, wherever a fill of torch may stand."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from fastinit import laws
from tests.initializers.test_any_law import LAWS
from tests.laws import own
from tests.torch.common import on_meta

SHAPE = (24, 18)
DRAW = ft.init.draw_
CASES = [(text, name) for text, law in LAWS.items() for name in law.dtype_names if not name.startswith("float8")]


def same(tensor, whole):
    """Whether a tensor has the dtype, the shape and the bytes of an array."""
    array = tensor.detach().contiguous()
    assert (str(array.dtype), tuple(array.shape)) == (f"torch.{whole.dtype}", whole.shape)
    return array.view(torch.uint8).numpy().tobytes() == whole.tobytes()


@pytest.mark.parametrize(("text", "dtype"), CASES)
def test_bytes_are_the_generators(text, dtype):
    kind, whole = getattr(torch, dtype), fi.default_rng(5).draw(LAWS[text], SHAPE, dtype=dtype)
    for law in (text, LAWS[text]):
        tensor = torch.empty(SHAPE, dtype=kind)
        assert DRAW(tensor, law, generator=5) is tensor
        assert same(tensor, whole)
    assert same(DRAW(torch.empty(SHAPE[::-1], dtype=kind).T, text, 5), whole)
    memory = torch.zeros(SHAPE[0], 2 * SHAPE[1], dtype=kind)
    assert same(DRAW(memory[:, ::2], text, 5), whole)
    assert not memory[:, 1::2].any()


def test_in_blocks():
    law, rng = laws.laplace(scale=0.1), fi.default_rng(3)
    with ft.fast_init(rng=3):
        first, second, third = DRAW(torch.empty(SHAPE), law), torch.empty(5).normal_(), DRAW(torch.empty(4), law, generator=9)
    assert same(first, rng.draw(law, SHAPE))
    assert same(second, rng.normal(size=5))
    assert same(third, fi.default_rng(9).draw(law, 4))
    seeds = []
    for block in (ft.fast_init(None), ft.fast_init(values="torch")):
        torch.manual_seed(1)
        with block:
            seeds.append(DRAW(torch.empty(SHAPE), law))
    torch.manual_seed(1)
    assert torch.equal(DRAW(torch.empty(SHAPE), law), seeds[1])
    assert seeds[1].unique().numel() > 400


class Model(nn.Module):
    """A layer with a rule of its own, and a buffer of signs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(18, 24)
        self.weight = nn.Parameter(torch.empty(SHAPE))
        self.register_buffer("signs", torch.empty(30, dtype=torch.int8))
        self.reset_parameters()

    def reset_parameters(self):
        DRAW(self.weight, own.triangular(2.0))
        DRAW(self.signs, "rademacher")


def check(model, rng):
    parameters = dict(model.named_parameters()) | dict(model.named_buffers())
    assert same(parameters["weight"], rng.child("weight").draw(own.triangular(2.0), SHAPE))
    assert same(parameters["signs"], rng.child("signs").draw(laws.rademacher(), 30, dtype="int8"))
    return parameters


def test_rules_of_models():
    def rule(model):
        for parameter in model.layer.parameters():
            DRAW(parameter, "laplace(scale=0.1)")

    parameters = check(ft.materialize(on_meta(Model), rng=7, rule=rule), fi.default_rng(7))
    for name in ("layer.weight", "layer.bias"):
        whole = fi.default_rng(7).child(name).draw(laws.laplace(scale=0.1), tuple(parameters[name].shape))
        assert same(parameters[name], whole)
    report = ft.materialize(on_meta(Model), rng=7, report=True)[1]
    assert report["signs"].startswith("draw(rademacher()) by ")
    with ft.deferred(rng=8):
        model = Model()
    check(ft.materialize(model), fi.default_rng(8))


def test_a_tensor_without_memory_stays_as_it_is():
    assert DRAW(torch.empty(3, device="meta"), "laplace", 0).is_meta


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: DRAW(torch.empty(3), "laplac", 0), "got 'laplac'; did you mean laplace"),
        (lambda: DRAW(torch.empty(3), laws.laplace, 0), r"law must be a Distribution.*; write laplace\(...\)"),
        (lambda: DRAW(np.empty(3), "laplace", 0), "tensor must be a torch.Tensor; got ndarray"),
        (
            lambda: DRAW(torch.empty(3, dtype=torch.int8), "laplace", 0),
            "tensor must have one of the dtypes float32, .*; got int8",
        ),
        (lambda: DRAW(torch.empty(3), "integers(5)", 0), "tensor must have one of the dtypes int64, .*; got float32"),
        (lambda: DRAW(torch.empty(3, dtype=torch.int8), "integers(200)", 0), "integers from -128 to 127 for int8"),
        (lambda: DRAW(torch.empty(3, dtype=torch.complex64), "normal", 0), "one of the dtypes torch.float32, .*complex64"),
        (lambda: ft.init.normal_(torch.empty(3, dtype=torch.int8), generator=0), "of the dtypes torch.float32, .*int8"),
        (lambda: ft.init.orthogonal_(torch.empty(3, 3, dtype=torch.int8), generator=0), "of the dtypes torch.float32, .*int8"),
    ],
)
def test_errors(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


def test_nothing_is_written_and_no_call_is_taken_after_an_error():
    rng, tensor = fi.default_rng(0), torch.ones(3, dtype=torch.uint8)
    with pytest.raises(TypeError, match="got uint8"):
        DRAW(tensor, "rademacher", rng)
    assert tensor.tolist() == [1, 1, 1]
    assert rng.state["calls"] == 0


def test_autograd_is_told():
    weight = torch.ones(3, requires_grad=True)
    loss = (weight * weight).sum()
    DRAW(weight, "laplace", 0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
