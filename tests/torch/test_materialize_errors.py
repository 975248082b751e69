"""What `materialize` refuses, and how it leaves a model then."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from tests.torch.common import Tied, on_meta


class Unset(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.token = nn.Parameter(torch.zeros(3))
        self.register_buffer("mask", torch.ones(3), persistent=False)
        self.register_buffer("none", torch.ones(0))


def test_what_no_rule_sets_is_named_and_the_model_stays_on_meta():
    model = on_meta(Unset)
    with pytest.raises(ValueError, match=r"^model must have a rule for every parameter and buffer; none sets mask, token\."):
        ft.materialize(model, rng=0)
    assert all(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()])

    def rule(module):
        module.token.data.fill_(2)
        module.mask = torch.tril(torch.ones(3, 3))

    assert ft.materialize(model, rng=0, rule=rule) is model
    assert (model.token == 2).all()
    assert torch.equal(model.mask, torch.tril(torch.ones(3, 3)))
    weight = fi.default_rng(0).child("layer.weight").uniform(-(3**-0.5), 3**-0.5, size=(3, 3))
    assert np.allclose(model.layer.weight.detach().numpy(), weight)


def test_an_error_in_a_rule_leaves_the_model_on_meta():
    model = on_meta(Tied)

    def rule(module):
        raise KeyError

    with pytest.raises(KeyError):
        ft.materialize(model, rng=0, rule=rule)
    assert model.head.weight.is_meta
    assert model.head.weight is model.embed.weight
    assert nn.init.normal_(torch.empty(3)).shape == (3,)
    ft.materialize(model, rng=0)
    assert not model.head.weight.is_meta


def test_progress_bar(capsys):
    ft.materialize(on_meta(Tied), rng=0, progress=True)
    ft.materialize(on_meta(Tied), rng=0)
    assert capsys.readouterr().err == "", "no bar where stderr is not a terminal"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": nn.Linear}, TypeError, "model must be a torch.nn.Module; got type"),
        ({"rng": "0"}, TypeError, "rng must be a fastinit.Generator"),
        ({"device": 0.5}, TypeError, "device must be a torch.device or a str"),
        ({"device": "moon"}, ValueError, "device must name a device of torch"),
        ({"device": "meta"}, ValueError, "device must be the CPU or an accelerator"),
        ({"rule": 3}, TypeError, "rule must be callable"),
        ({"progress": 1}, TypeError, "progress must be True, False or None"),
    ],
)
def test_wrong_arguments(options, error, message):
    model = on_meta(Tied)
    with pytest.raises(error, match="^" + message):
        ft.materialize(**{"model": model, **options})
    assert model.head.weight.is_meta


def test_a_device_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(ValueError, match="device must be the CPU or an accelerator that torch can use here; got 'cuda'"):
        ft.materialize(on_meta(Tied), device="cuda")
