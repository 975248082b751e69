"""What is around a deferred model: changes after its block, torch's defaults, other blocks, replacements by others."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from tests.torch.deferred.common import Constructed, built, tensors


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_another_shape_is_refused(dtype):
    def other(model):
        model.weight = nn.Parameter(torch.empty(7, 4, dtype=dtype, device="meta"))

    def data(model):
        model.weight.data = torch.empty(7, 4, dtype=dtype, device="meta")

    for change in (other, data):
        with ft.deferred(rng=0):
            model = nn.Linear(2, 2)
        change(model)
        with pytest.raises(ValueError, match="weight was replaced"):
            ft.materialize(model)
        assert model.weight.is_meta


@pytest.mark.parametrize("later", [torch.float64, torch.bfloat16], ids=str)
def test_the_default_dtype_is_that_of_the_block(later):
    def make():
        model = nn.Module()
        model.register_buffer("inverse", 1 / 10000 ** (torch.arange(0, 64, 2) / 64))
        model.register_buffer("roots", torch.arange(200_000).sqrt())
        model.register_buffer("steps", torch.arange(0, 1, 0.1).sort().values)
        return model

    plain = make()
    with ft.deferred(rng=0):
        model = make()
    torch.set_default_dtype(later)
    try:
        ft.materialize(model)
        assert torch.get_default_dtype() == later
    finally:
        torch.set_default_dtype(torch.float32)
    for name, tensor in plain.state_dict().items():
        assert model.state_dict()[name].dtype == torch.float32
        assert torch.equal(model.state_dict()[name], tensor), name


def test_the_default_device_is_no_matter():
    with ft.deferred(rng=0):
        model = Constructed()
    with torch.device("meta"):
        ft.materialize(model)
    expected = built(Constructed)
    assert all(torch.equal(tensor, tensors(expected)[name]) for name, tensor in tensors(model).items())


def test_a_block_around_materialize_decides_nothing():
    def make():
        model = nn.Linear(3, 3)
        model.register_buffer("order", torch.randperm(50))
        model.register_buffer("times", torch.empty(20).exponential_())
        return model

    expected = built(make).state_dict()
    for options in ({"rng": 5}, {"values": "torch"}):
        with ft.deferred(rng=0):
            model = make()
        with ft.fast_init(**options):
            ft.materialize(model)
        assert all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())


def test_what_goes_together_stays_together():
    """A copy of a uniform fill that then becomes a normal one, without and with a look at its values."""

    def make(look):
        model = nn.Module()
        u = torch.empty(50).uniform_(-0.9, 0.9)
        model.copy, model.list = nn.Parameter(u.clone()), u.tolist() if look else None
        model.weight = nn.Parameter(u.erfinv_().mul_(2))
        return model

    for look in (False, True):
        model = built(lambda look=look: make(look))
        assert torch.equal(model.weight, torch.erfinv(model.copy) * 2)
        assert model.list is None or torch.equal(model.copy, torch.tensor(model.list))


def test_replacements_of_others_stay(monkeypatch):
    numpy, seen = torch.Tensor.numpy, []

    def others(tensor, **options):
        seen.append(tuple(tensor.shape))
        return numpy(tensor, **options)

    monkeypatch.setattr(torch.Tensor, "numpy", others)
    with ft.deferred():
        torch.zeros(2).numpy()
    assert torch.Tensor.numpy is others
    assert seen == [(2,)]
