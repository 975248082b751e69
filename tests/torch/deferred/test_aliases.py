"""Tensors of a model that share memory: which are one object, what each keeps of its own."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from tests.torch.common import on_meta
from tests.torch.deferred.common import built, drawn


class Aliases(nn.Module):
    """A parameter, and buffers and attributes on its memory."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3))
        self.register_buffer("average", self.weight.detach())
        self.register_buffer("rows", self.weight.detach()[1:])
        self.plain = self.weight.data
        self.tied = self.weight
        self.frozen = nn.Parameter(self.weight.detach(), requires_grad=False)


def same_memory(x, y):
    return x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()


@pytest.mark.parametrize("rule", [None, lambda model: model.weight.data.mul_(2)], ids=["no rule", "rule"])
def test_each_object_stays_one(rule):
    model, factor = built(Aliases, rule=rule), 1 if rule is None else 2
    assert torch.equal(model.weight, drawn("average", "normal", size=(4, 3)) * factor), "of the first name"
    assert isinstance(model.weight, nn.Parameter)
    assert model.weight.requires_grad
    assert model.tied is model.weight
    assert dict(model.named_parameters()).keys() == {"weight", "frozen"}
    assert not model.frozen.requires_grad
    for alias in (model.average, model.plain, model.frozen):
        assert alias is not model.weight
        assert same_memory(alias, model.weight)
    assert type(model.average) is type(model.plain) is torch.Tensor
    assert torch.equal(model.rows, model.weight[1:])
    assert not same_memory(model.rows, model.weight), "a part has memory of its own"


def test_spectral_norm_trains():
    def make():
        return torch.nn.utils.spectral_norm(nn.Linear(3, 3))

    model, plain = built(make), make()
    assert {name: type(tensor) for name, tensor in model._parameters.items()} == {
        name: type(tensor) for name, tensor in plain._parameters.items()
    }
    model(torch.ones(2, 3)).sum().backward()
    assert model.weight_orig.grad is not None
    assert torch.linalg.matrix_norm(model.weight, 2) < 1.6


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
def test_weight_norm_computes_its_weight_anew():
    model = built(lambda: torch.nn.utils.weight_norm(nn.Linear(3, 3)))
    model(torch.ones(2, 3)).sum().backward()
    assert model.weight_v.grad is not None
    assert model.weight_g.grad is not None


class OwnParameter(nn.Parameter):
    pass


class Kept(nn.Module):
    """What belongs to tensor objects: classes, hooks, attributes, gradients of buffers."""

    def __init__(self):
        super().__init__()
        self.weight = OwnParameter(torch.ones(3))
        self.weight.rows = 3
        self.seen = []
        self.handle = self.weight.register_hook(lambda gradient: gradient * 2)
        self.weight.register_post_accumulate_grad_hook(lambda parameter: self.seen.append(parameter))
        self.register_buffer("scale", torch.ones(3, requires_grad=True))
        self.offset = torch.ones(3, requires_grad=True)


@pytest.mark.parametrize("rule", [None, lambda model: None], ids=["no rule", "rule"])
def test_what_belongs_to_an_object_is_kept(rule):
    model = built(Kept, rule=rule)
    assert type(model.weight) is OwnParameter
    assert model.weight.rows == 3
    (model.weight * model.scale + model.offset).sum().backward()
    assert model.weight.grad.tolist() == [2, 2, 2]
    assert model.scale.grad.tolist() == model.offset.grad.tolist() == [1, 1, 1]
    assert [each is model.weight for each in model.seen] == [True]
    model.handle.remove()
    model.weight.grad = None
    model.weight.sum().backward()
    assert model.weight.grad.tolist() == [1, 1, 1]


def test_what_a_rule_ties_and_freezes():
    def rule(model):
        model[1].weight = model[0].weight
        model[0].bias.requires_grad_(False)

    def make():
        return nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))

    for model in (built(make, rule=rule), ft.materialize(on_meta(make), rule=rule)):
        assert model[1].weight is model[0].weight
        assert model[0].weight.requires_grad
        assert not model[0].bias.requires_grad
