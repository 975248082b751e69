"""`deferred`: what a constructor does is done later, with the values of each parameter's name."""

import copy

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from tests.torch.common import on_meta
from tests.torch.deferred.common import Constructed, built, drawn, tensors


def test_nothing_has_memory_in_the_block():
    with ft.deferred(rng=0):
        model = Constructed(1 << 12, 1 << 20)  # 16 GiB for each matrix
        assert torch.zeros(3).device.type == "cpu", "constructors ask, and do less on the meta device"
    assert {tensor.device.type for tensor in tensors(model).values()} == {"meta"}
    assert torch.zeros(3).device.type == "cpu", "outside everything is torch's"


def test_every_step_of_a_constructor_is_done():
    model, plain = built(Constructed), Constructed()
    assert list(tensors(model)) == list(tensors(plain))
    for name in ("ones", "table", "mask", "offset", "norm.weight", "norm.running_var", "norm.num_batches_tracked"):
        assert torch.equal(tensors(model)[name], tensors(plain)[name]), name
    for name, tensor in tensors(plain).items():
        assert (tensors(model)[name].dtype, tensors(model)[name].requires_grad) == (tensor.dtype, tensor.requires_grad), name


def test_values_are_those_of_names():
    model, size = built(Constructed), (12, 10)
    assert torch.equal(model.scaled, drawn("scaled", "normal", size=size) * 0.02)
    assert torch.equal(model.legacy, drawn("legacy", "uniform", size=size))
    parts = torch.cat([drawn("parts", "normal", 0, scale, size=(6, 10), call=call) for call, scale in enumerate((1, 2))])
    parts[::3] = 5
    assert torch.equal(model.parts, parts)
    columns = torch.full(size, 2.0)
    columns[:, 1:4] = drawn("columns", "uniform", 3, 4, size=(12, 3))
    columns[:, 0] = 4
    assert torch.equal(model.columns, columns)
    assert torch.equal(model.turned, drawn("turned", "normal", size=(10, 12)).T)
    assert torch.equal(model.halves[:6], drawn("halves", "normal", size=(6, 10)))
    assert (model.halves[6:] == 0).all()
    embed = drawn("embed.weight", "normal", size=size)
    embed[3] = 0
    assert torch.equal(model.embed.weight, embed)


def test_chains_and_matrices():
    model = built(Constructed)
    bounds = (torch.erfinv(torch.tensor([-0.9, 0.8], dtype=torch.float64)) / 2 + 1).tolist()
    options = {"loc": 1, "scale": 0.5 / 2**0.5, "units": "absolute"}
    chain = drawn("chain", "truncated_normal", *bounds, size=(12, 10), **options)
    assert torch.allclose(model.chain, chain, atol=1e-6), "a copy of trunc_normal_ is one fill"
    options["loc"], bounds = 0, [bound - 1 for bound in bounds]
    cut = drawn("cut", "truncated_normal", *bounds, size=(12, 10), **options).clamp_(-0.1, 0.1)
    assert torch.allclose(model.cut, cut, atol=1e-6), "a clamp that moves values comes on top"
    assert (model.cut.abs() == 0.1).any()
    assert torch.allclose(model.square.weight.T @ model.square.weight, torch.eye(10), atol=1e-5)
    assert torch.equal(model.square.bias, drawn("square.bias", "normal", size=12).abs())


def test_copies_and_ties_stay_equal():
    model = built(Constructed)
    assert model.head.weight is model.embed.weight
    assert torch.equal(model.copied.weight, model.square.weight)
    assert torch.equal(model.copied.bias, model.square.bias)
    assert model.copied.weight.data_ptr() != model.square.weight.data_ptr()
    encoder = built(lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 3))
    first, *others = (layer.state_dict() for layer in encoder.layers)
    assert all(torch.equal(tensor, other[name]) for other in others for name, tensor in first.items())
    assert first["linear1.weight"].std() > 0


def test_materialize_gives_the_same_where_the_laws_are_the_same():
    def make():
        layers = [nn.Linear(9, 7), nn.LSTM(5, 6), nn.Embedding(8, 4, padding_idx=1), nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3)]
        return nn.Sequential(*layers, nn.MultiheadAttention(16, 4), nn.Bilinear(3, 4, 5))

    model, plain = built(make, seed=4).state_dict(), ft.materialize(on_meta(make), rng=4).state_dict()
    assert all(torch.equal(model[name], tensor) for name, tensor in plain.items())
    assert len(model) == len(plain) >= 20


def test_a_fill_that_is_replaced_is_never_made(monkeypatch):
    sizes, draw = [], fi.Generator._draw
    monkeypatch.setattr(fi.Generator, "_draw", lambda self, *rest: sizes.append(rest[4]) or draw(self, *rest))

    def make():
        layer = nn.Linear(30, 20)  # its own fills
        nn.init.normal_(layer.weight)
        nn.init.trunc_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
        return layer

    model = built(make)
    assert [out.size for out in sizes] == [600]
    assert torch.equal(model.weight, drawn("weight", "truncated_normal", -2, 2, size=(20, 30)))


def test_what_is_drawn_elsewhere_belongs_to_the_first_name_that_needs_it():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            values = torch.randn(6)
            self.z, self.b = nn.Parameter(values[:3] + 1), nn.Parameter(values[3:] * 2)
            values.normal_()  # later, so neither of them

    model, values = built(Shared), drawn("b", "normal", size=6)
    assert torch.equal(model.z, values[:3] + 1)
    assert torch.equal(model.b, values[3:] * 2)


def test_functions_of_init_and_generators():
    def make():
        model = nn.ModuleList(nn.Linear(6, 6) for _ in range(4))
        ft.init.orthogonal_(model[0].weight)
        ft.init.normal_(model[1].weight, generator=5)
        nn.init.normal_(model[2].weight, generator=torch.Generator().manual_seed(1))
        ft.init.sparse_(model[3].weight, 0.5, generator=6)
        return model

    model, again = built(make), built(make, seed=1)
    weight = model[0].weight
    assert torch.allclose(weight @ weight.T, torch.eye(6), atol=1e-5)
    assert torch.equal(model[1].weight, torch.from_numpy(fi.default_rng(5).normal(size=(6, 6))))
    assert torch.equal(model[2].weight, again[2].weight)
    assert torch.equal(model[3].weight, again[3].weight)
    assert ((model[3].weight == 0).sum(0) == 3).all()
    assert not torch.equal(model[0].weight, again[0].weight)


def test_manual_seed_in_a_block_decides():
    def make():
        model = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            nn.init.normal_(model[0].weight)
        nn.init.normal_(model[1].weight)
        return model

    first, second = built(make, seed=0), built(make, seed=1)
    assert torch.equal(first[0].weight, second[0].weight)
    assert torch.equal(first[1].weight, drawn("1.weight", "normal", size=(3, 3)))
    assert not torch.equal(first[1].weight, second[1].weight)


def test_other_random_operations_follow_the_seed():
    class Others(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("order", torch.randperm(100))
            self.rate = nn.Parameter(torch.empty(100).exponential_())

    state = torch.get_rng_state()
    first, second, other = built(Others), built(Others), built(Others, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.order, second.order)
    assert torch.equal(first.rate, second.rate)
    assert not torch.equal(first.order, other.order)
    assert first.order.sort().values.equal(torch.arange(100))


def test_after_the_block():
    """Dtypes, ties and parts may change; a copy does not have what was noted."""
    with ft.deferred(rng=0):
        model = Constructed()
    model.to(torch.bfloat16)
    model.copied.weight = model.square.weight
    ft.materialize(model)
    assert torch.equal(model.scaled, (drawn("scaled", "normal", size=(12, 10)) * 0.02).bfloat16())
    assert model.copied.weight is model.square.weight
    with ft.deferred(rng=0):
        part = nn.Sequential(nn.Linear(3, 3))
    ft.materialize(part[0])
    assert torch.equal(part[0].weight, built(lambda: nn.Linear(3, 3)).weight), "names count from what is materialised"


def test_what_is_changed_outside_the_block_is_refused():
    with ft.deferred(rng=0):
        model = Constructed()
    nn.init.zeros_(model.square.weight)
    with pytest.raises(ValueError, match=r"square\.weight was\. Do it in the block, or in the rule= of materialize"):
        ft.materialize(model)
    with ft.deferred(rng=0):
        model = Constructed()
    model.scaled = nn.Parameter(torch.empty(12, 10, device="meta"))
    with pytest.raises(ValueError, match=r"scaled was replaced"):
        ft.materialize(model)
    assert model.scaled.is_meta
    with ft.deferred(rng=0):
        model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="must keep the tensors"):
        ft.materialize(copy.deepcopy(model))


def test_rule_comes_last():
    with ft.deferred(rng=0):
        model = Constructed()

    def rule(module):
        module.scaled.mul_(2)
        module.ones.data.zero_()
        module.mask = torch.eye(2)

    ft.materialize(model, rule=rule)
    assert torch.equal(model.scaled, drawn("scaled", "normal", size=(12, 10)) * 0.02 * 2)
    assert (model.ones == 0).all()
    assert torch.equal(model.mask, torch.eye(2))


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"^rng must be"), ft.deferred(rng="0"):
        pass
    with torch.device("meta"), pytest.raises(ValueError, match="default device is the meta device"), ft.deferred():
        pass
    with ft.deferred(rng=0):
        model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="rng must be given to the deferred block that made the model; got 0 here"):
        ft.materialize(model, rng=0)
    assert ft.materialize(model).weight.device.type == "cpu"


def test_torch_is_as_before_after_a_block():
    names = ("numpy", "tolist", "data_ptr", "is_meta")
    before = [torch.Tensor.__dict__.get(name) for name in names]
    with pytest.raises(KeyError), ft.deferred(), ft.deferred():
        raise KeyError
    assert [torch.Tensor.__dict__.get(name) for name in names] == before
    assert torch.empty(2, device="meta").is_meta
    assert nn.Linear(2, 2).weight.device.type == "cpu"
