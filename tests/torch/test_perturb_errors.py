"""What `perturb` refuses, and that nothing is written then."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from tests.torch.noise import SCALE, model_of, state


def test_partly_frozen_models_need_a_choice():
    model = model_of()
    model[0].requires_grad_(False)
    before = state(model)
    with pytest.raises(ValueError, match=r"partly frozen; got parameters that require no gradient \(0.weight, 0.bias\)"):
        ft.perturb(model, 0, SCALE)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    ft.perturb({name: p for name, p in model.named_parameters() if p.requires_grad}, 0, SCALE)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"1.weight", "1.bias", "2.weight", "2.bias"}
    frozen = model_of().requires_grad_(False)
    ft.perturb(frozen, 0, SCALE)
    assert torch.equal(frozen[2].weight, model[2].weight)


def test_inference_tensors():
    with torch.inference_mode():
        inside = torch.zeros(3)
        ft.perturb({"w": inside}, 0, 1.0)
    assert inside.abs().min() > 0
    with pytest.raises(RuntimeError, match=r"inference tensor outside .* \(parameter 'w'\)"):
        ft.perturb({"w": inside}, 0, 1.0)


class Strange(nn.Module):
    """A good parameter before another one."""

    def __init__(self, other):
        super().__init__()
        self.good = nn.Parameter(torch.ones(3), requires_grad=other.requires_grad)
        self.other = other


def frozen(tensor):
    return nn.Parameter(tensor, requires_grad=False)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: frozen(torch.ones(3, dtype=torch.int8)), TypeError, r"one of the dtypes .* torch.int8 \(parameter 'other'\)"),
        (lambda: frozen(torch.ones(3, dtype=torch.complex64)), TypeError, r"complex64 \(parameter 'other'\)"),
        (lambda: frozen(torch.ones(3).to_sparse()), TypeError, r"dense tensor .* \(parameter 'other'\)"),
        (lambda: frozen(torch.ones(3, device="meta")), TypeError, r"got meta \(parameter 'other'\)"),
        (lambda: frozen(torch.ones(1).expand(3)), ValueError, r"overlap itself.* \(parameter 'other'\)"),
    ],
    ids=["int8", "complex", "sparse", "meta", "expanded"],
)
def test_a_parameter_that_cannot_be_perturbed_leaves_all_as_they_are(make, kind, message):
    model = Strange(make())
    with pytest.raises(kind, match=message):
        ft.perturb(model, 0, 1.0)
    assert torch.equal(model.good, torch.ones(3))


@pytest.mark.parametrize(
    "view",
    [lambda w: w.T, lambda w: w[2:5], lambda w: w.view(-1), lambda w: w[:, 1], lambda w: w.view(torch.float16)[:, ::2]],
    ids=["transposed", "rows", "flat", "column", "halves"],
)
def test_views_that_overlap_are_refused(view):
    weight = torch.ones(6, 4)
    for named in ({"one": weight, "two": view(weight)}, {"a": view(weight), "b": torch.ones(3), "z": weight}):
        with pytest.raises(
            ValueError, match=r"different views of one memory; (one and two|two and one|a and z|z and a) overlap"
        ):
            ft.perturb(named, 0, 1.0)
    assert (weight == 1).all()


def test_views_beside_one_another_are_perturbed_once():
    """Tied ones, and columns of one memory that lie between one another."""
    weight, expected = torch.ones(6, 4), {name: torch.ones(6, 2) for name in ("left", "right")}
    ft.perturb({"left": weight[:, ::2], "right": weight[:, 1::2], "same": weight[:, ::2]}, 0, 1.0)
    ft.perturb(expected, 0, 1.0)
    assert torch.equal(weight[:, ::2], expected["left"])
    assert torch.equal(weight[:, 1::2], expected["right"])


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        ((None, 1.0), {}, TypeError, "rng must be a fastinit.Generator or a seed .* drawn again; got None"),
        ((torch.Generator(), 1.0), {}, TypeError, "rng must be .* got Generator"),
        (("seed", 1.0), {}, TypeError, "rng must be .* got str 'seed'"),
        ((-1, 1.0), {}, ValueError, "rng must hold non-negative integers; got -1"),
        ((0, "1"), {}, TypeError, "scale must be a real number; got '1'"),
        ((0, True), {}, TypeError, "scale must be a real number; got True"),
        ((0, float("nan")), {}, ValueError, "scale must not be NaN"),
        ((0, float("inf")), {}, ValueError, r"scale must be finite and at most .* got inf \(parameter"),
        ((0, 1e300), {}, ValueError, "scale must be finite and at most 3.40282e.38 in magnitude"),
        ((0, 1.0), {"law": "normal"}, TypeError, "law must be a Distribution"),
        ((0, 1.0), {"law": fi.laws.laplace}, TypeError, r"law must be a Distribution.*; write laplace\(...\)"),
        ((0, 1.0), {"law": fi.laws.integers(7)}, TypeError, "law must have values of float32; got integers"),
    ],
)
def test_wrong_arguments(arguments, options, kind, message):
    model = model_of()
    before = state(model)
    with pytest.raises(kind, match=message):
        ft.perturb(model, *arguments, **options)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (torch.ones(3), "model must be a torch.nn.Module or a mapping of names to tensors; got Tensor"),
        ([torch.ones(3)], "got list"),
        ({"w": np.ones(3)}, "model must map names to tensors; got 'w': ndarray"),
        ({3: torch.ones(3)}, "model must map names to tensors; got 3: Tensor"),
    ],
)
def test_wrong_models(model, message):
    with pytest.raises(TypeError, match=message):
        ft.perturb(model, 0, 1.0)
