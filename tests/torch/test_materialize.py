"""`materialize`: which rules set what, names decide the values, ties and buffers are right."""

import math

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from tests.torch.common import DTYPES, Tied, chance, on_meta


def drawn(name, method, *arguments, size, seed=0, **more):
    return getattr(fi.default_rng(seed).child(name), method)(*arguments, size=size, **more)


class Block(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width, bias=False)
        self.norm = nn.LayerNorm(width)


class Tower(nn.Module):
    def __init__(self, blocks=3):
        super().__init__()
        self.embed = nn.Embedding(31, 12, padding_idx=4)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))
        self.head = nn.Linear(12, 31)


def state(model, seed=0, **options):
    return ft.materialize(model, rng=seed, **options).state_dict()


def test_parameters_come_from_the_child_of_their_name():
    values = state(on_meta(Tower))
    weight = drawn("blocks.1.down.weight", "uniform", -(24**-0.5), 24**-0.5, size=(12, 24))
    assert np.allclose(values["blocks.1.down.weight"].numpy(), weight, rtol=1e-6)
    embed = drawn("embed.weight", "normal", size=(31, 12))
    embed[4] = 0
    assert np.array_equal(values["embed.weight"].numpy(), embed)
    assert (values["blocks.0.norm.weight"] == 1).all()
    assert not torch.equal(values["blocks.0.up.weight"], values["blocks.1.up.weight"])


def test_models_that_share_names_share_weights():
    short, long = state(on_meta(lambda: Tower(2))), state(on_meta(lambda: Tower(4)))
    assert set(short) < set(long)
    for name, tensor in short.items():
        assert torch.equal(tensor, long[name])
    other = state(on_meta(lambda: Tower(2)), seed=1)
    assert not torch.equal(other["head.weight"], short["head.weight"])


def test_the_order_of_modules_does_not_matter():
    class Reversed(Tower):
        def __init__(self):
            super().__init__()
            self._modules = dict(reversed(self._modules.items()))

    forward, backward = state(on_meta(Tower)), state(on_meta(Reversed))
    assert list(forward) != list(backward)
    for name, tensor in forward.items():
        assert torch.equal(tensor, backward[name])


def test_wrappers_do_not_change_names():
    plain = state(on_meta(Tower))
    model = on_meta(Tower)
    model.blocks[1] = torch.distributed.algorithms._checkpoint.checkpoint_wrapper.checkpoint_wrapper(model.blocks[1])
    wrapped = ft.materialize(model, rng=0)
    assert torch.equal(wrapped.blocks[1].up.weight, plain["blocks.1.up.weight"])


def test_rules_of_torchs_own_modules():
    """Those whose rule is not of the simplest kind, against what the constructor sets and the spread of what it draws."""

    def make():
        layers = [nn.MultiheadAttention(16, 4), nn.LSTM(8, 16, 2), nn.GRUCell(8, 16), nn.BatchNorm2d(16), nn.Conv2d(16, 8, 3)]
        layers += [nn.Bilinear(8, 8, 8), nn.GroupNorm(2, 8), nn.PReLU(), nn.EmbeddingBag(40, 16), nn.ConvTranspose1d(8, 8, 3)]
        return nn.ModuleList([*layers, nn.TransformerEncoderLayer(16, 4, 32)])

    torch.manual_seed(0)
    plain, model = make().state_dict(), state(on_meta(make))
    assert list(plain) == list(model)
    for name, tensor in plain.items():
        assert model[name].shape == tensor.shape
        assert model[name].dtype == tensor.dtype
        if len(tensor.unique()) == 1:
            assert torch.equal(model[name], tensor), name
        elif tensor.numel() > 100:
            assert model[name].std().item() == pytest.approx(tensor.std().item(), rel=chance(tensor)), name


class Ours(nn.Module):
    """The convention of many repositories: a constructor that ends in `self.apply(self._init_weights)`."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
        self.token = nn.Parameter(torch.zeros(1, 8))
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.5)
            module.bias.data.fill_(3)
        if module is self:
            module.token.data.normal_(std=0.02)


def test_init_weights_comes_after_reset_parameters():
    values = state(on_meta(Ours))
    weight = drawn("body.1.weight", "truncated_normal", -2, 2, 0, 0.5, size=(8, 8), units="absolute")
    assert np.array_equal(values["body.1.weight"].numpy(), weight), "a whole fill is call 0, however many came before"
    assert (values["body.0.bias"] == 3).all()
    assert np.array_equal(values["token"].numpy(), drawn("token", "normal", 0, 0.02, size=(1, 8)))


class Odd(nn.Module):
    """Fills of views, in parts, read back, from outside torch, and of something else."""

    def __init__(self):
        super().__init__()
        names = ("parts", "turned", "read", "outside", "square", "twice", "copied")
        for name in names:
            self.register_parameter(name, nn.Parameter(torch.empty(6, 6)))

    def fill(self):
        for half in self.parts.chunk(2):
            nn.init.normal_(half)
        nn.init.normal_(self.turned.T)
        nn.init.normal_(self.read)
        with torch.no_grad():
            self.read /= self.read.norm()
        nn.init.normal_(self.outside)
        self.outside.data.numpy()[0] = 5
        nn.init.orthogonal_(self.square)
        nn.init.uniform_(self.twice)
        nn.init.normal_(self.twice)
        self.copied.data.copy_(torch.randn(6, 6))


def test_rules_that_do_more_than_whole_fills():
    model = ft.materialize(on_meta(Odd), rng=2, rule=Odd.fill)
    rng = fi.default_rng(2).child("parts")
    assert np.array_equal(model.parts.detach().numpy(), np.concatenate([rng.normal(size=(3, 6)) for _ in range(2)]))
    assert np.array_equal(model.turned.detach().numpy(), drawn("turned", "normal", size=(6, 6), seed=2).T)
    read = torch.from_numpy(drawn("read", "normal", size=(6, 6), seed=2))
    assert torch.equal(model.read, read / read.norm())
    outside = drawn("outside", "normal", size=(6, 6), seed=2)
    outside[0] = 5
    assert np.array_equal(model.outside.detach().numpy(), outside)
    assert torch.allclose(model.square @ model.square.T, torch.eye(6), atol=1e-5)
    assert np.array_equal(model.twice.detach().numpy(), drawn("twice", "normal", size=(6, 6), seed=2))
    assert np.array_equal(model.copied.detach().numpy(), drawn("copied", "normal", size=(6, 6), seed=2)), (
        "what it needs is its own"
    )


def test_a_fill_that_is_replaced_is_never_made(monkeypatch):
    """No second pass over memory: the engine is called once for each parameter that is drawn."""
    calls = []
    draw = fi.Generator._draw

    def counted(self, plan, name, dtype, size, out, index):
        calls.extend([] if out is None else [out.size])
        return draw(self, plan, name, dtype, size, out, index)

    monkeypatch.setattr(fi.Generator, "_draw", counted)
    ft.materialize(on_meta(Ours), rng=0)
    assert sorted(calls) == [8, 64, 64]


def test_tied_weights_stay_tied_and_are_filled_by_one_rule():
    for order in (("embed", "head"), ("head", "embed")):
        model = ft.materialize(on_meta(lambda order=order: Tied(*order)), rng=0)
        assert model.head.weight is model.embed.weight
        assert len(list(model.parameters())) == 1
        expected = drawn("embed.weight", "normal", size=(9, 6))  # of the first name in alphabetical order
        expected[2] = 0
        assert np.array_equal(model.head.weight.detach().numpy(), expected)


def test_a_module_used_twice_stays_one():
    def make():
        layer = nn.Linear(4, 4)
        return nn.ModuleDict({"z": layer, "b": layer, "c": nn.Linear(4, 4)})

    model = ft.materialize(on_meta(make), rng=0)
    assert model["z"] is model["b"]
    assert np.allclose(model["z"].weight.detach().numpy(), drawn("b.weight", "uniform", -0.5, 0.5, size=(4, 4)))


def test_what_is_not_on_the_meta_device_stays():
    model = on_meta(Tower)
    kept = torch.full((31, 12), 7.0)
    model.head.weight = nn.Parameter(kept, requires_grad=False)
    model.blocks[0].register_buffer("table", torch.arange(4.0))
    model.embed = nn.Embedding(31, 12)
    embed = model.embed.weight
    before = embed.detach().clone()
    ft.materialize(model, rng=0)
    assert model.head.weight.data_ptr() == kept.data_ptr()
    assert (model.head.weight == 7).all()
    assert not model.head.weight.requires_grad
    assert model.embed.weight is embed
    assert torch.equal(embed, before)
    assert torch.equal(model.blocks[0].table, torch.arange(4.0))
    assert np.allclose(model.head.bias.detach().numpy(), drawn("head.bias", "uniform", -(12**-0.5), 12**-0.5, size=31))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_flags_and_attributes_stay(dtype):
    model = on_meta(lambda: nn.Linear(300, 20, dtype=dtype))
    model.bias.requires_grad_(False)
    model.weight.sharding = "rows"
    ft.materialize(model, rng=0)
    assert model.weight.dtype == dtype
    assert model.weight.sharding == "rows"
    assert [p.requires_grad for p in model.parameters()] == [True, False]
    name = str(dtype).removeprefix("torch.")
    bound = 1 / math.sqrt(300)
    expected = drawn("weight", "uniform", -bound, bound, size=(20, 300), dtype=name).astype(np.float64)
    assert np.allclose(model.weight.detach().double().numpy(), expected, rtol=1e-6)


def test_recurrent_layers_compute_with_what_was_filled():
    model = ft.materialize(on_meta(lambda: nn.LSTM(3, 5)), rng=0)
    plain = nn.LSTM(3, 5)
    plain.load_state_dict(model.state_dict())
    x = torch.randn(2, 1, 3)
    assert torch.equal(model(x)[0], plain(x)[0])


def test_seeds_and_generators():
    one = state(on_meta(Tower), seed=fi.default_rng(3))
    assert torch.equal(one["head.weight"], state(on_meta(Tower), seed=3)["head.weight"])
    generators = [torch.Generator().manual_seed(4) for _ in range(2)]
    first, second = (state(on_meta(Tower), seed=generator) for generator in generators)
    assert torch.equal(first["head.weight"], second["head.weight"])
    assert not torch.equal(state(on_meta(Tower), seed=generators[0])["head.weight"], first["head.weight"])
