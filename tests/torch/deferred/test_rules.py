"""`rule=` on a deferred model: it lasts for one call, whatever comes of that."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from tests.torch.checkpoints.common import read
from tests.torch.deferred.common import built


class Model(nn.Module):
    """Random values, a copy, values of Python, memory that was given to NumPy."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.copied = nn.Parameter(self.layer.weight.detach().clone())
        self.given = nn.Parameter(torch.zeros(2))
        self.given.detach().numpy()[:] = 3
        self.register_buffer("order", torch.randperm(9))
        self.list = [self.layer.weight]


def deferred(seed=0, make=Model):
    with ft.deferred(seed):
        return make()


def doubled(model):
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data.mul_(2)


@pytest.fixture
def plain():
    return built(Model).state_dict()


def saved(model, path, **options):
    ft.save(model, path, **options)
    return read({name: torch.empty(tensor.shape, dtype=tensor.dtype) for name, tensor in Model().state_dict().items()}, path)


def test_save_does_not_change_the_model(tmp_path, plain):
    model = deferred()
    for number in range(2):
        found = saved(model, tmp_path / f"{number}", rule=doubled)
        assert all(torch.equal(tensor, plain[name] * 2) for name, tensor in found.items())
    found = saved(model, tmp_path / "plain")
    assert all(torch.equal(tensor, plain[name]) for name, tensor in found.items())
    assert all(torch.equal(tensor, plain[name]) for name, tensor in ft.materialize(model).state_dict().items())


def test_one_model_under_two_names(tmp_path, plain):
    model = deferred()
    ft.save({"a": model, "b": model}, tmp_path / "both", rule=doubled)
    found = read({f"{key}.layer.weight": torch.empty(3, 3) for key in "ab"}, tmp_path / "both")
    assert all(torch.equal(tensor, plain["layer.weight"] * 2) for tensor in found.values())


def test_a_failed_rule_changes_nothing(plain):
    def rule(model):
        doubled(model)
        model.layer.weight.detach().numpy()[:] = 5
        raise KeyError

    model = deferred()
    for _ in range(2):
        with pytest.raises(KeyError):
            ft.materialize(model, rule=rule)
    assert all(torch.equal(tensor, plain[name]) for name, tensor in ft.materialize(model).state_dict().items())


def test_a_rule_may_write_by_any_name_of_a_tensor(plain):
    model = deferred()
    weight = model.layer.weight

    def rule(module):
        weight.data.add_(1)
        module.list[0].data.mul_(2)
        module.layer.weight[0] = 0

    ft.materialize(model, rule=rule)
    expected = (plain["layer.weight"] + 1) * 2
    expected[0] = 0
    assert torch.equal(model.layer.weight, expected)
    assert torch.equal(model.copied, plain["copied"])


@pytest.mark.parametrize("seed", [0, 1])
def test_what_a_rule_reads_is_what_names_decide(seed):
    read = []

    def rule(model):
        read.append(model.weight.norm().item())
        model.bias.fill_(model.weight[0, 0].item())

    def make():
        return nn.Linear(3, 3)

    weight = built(make, seed=seed).weight
    model = built(make, seed=seed, rule=rule)
    assert torch.equal(model.weight, weight)
    assert read == [pytest.approx(weight.norm().item(), rel=1e-6)]
    assert model.bias.tolist() == [weight[0, 0].item()] * 3


def test_large_tensors_are_changed_block_by_block(monkeypatch):
    from fastinit.torch.models import placing

    def make():
        return nn.Linear(60, 50)

    def rule(model):
        model.weight[3:40].mul_(2)
        model.bias.detach().numpy()[0] = 1

    whole = built(make, rule=rule)
    monkeypatch.setattr(placing, "CHUNK", 1 << 10)
    assert torch.equal(built(make, rule=rule).weight, whole.weight)
    assert torch.equal(whole.weight[:3], built(make).weight[:3])
    assert torch.equal(whole.weight[3:40], built(make).weight[3:40] * 2)
