"""A checkpoint holds the bytes that `materialize` gives, in either format, as their own libraries read them."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("safetensors", reason="needs safetensors")

import json

import torch
from safetensors import torch as safetensors
from torch import nn
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

import fastinit as fi
import fastinit.torch as ft
from tests.torch.checkpoints.common import blank, deferred, read, require_same, same
from tests.torch.common import Tied, on_meta
from tests.torch.deferred.common import Constructed


class Odd(nn.Module):
    """No elements, one element, other dtypes, another layout, a module below, two tensors that somebody has given values."""

    def __init__(self):
        super().__init__()
        self.none = nn.Parameter(torch.zeros(0, 3))
        self.one = nn.Parameter(torch.tensor(3.5) * 2)
        self.half = nn.Linear(7, 5, dtype=torch.bfloat16)
        self.turned = nn.Parameter(torch.randn(9, 11).T)
        self.wide = nn.Parameter(torch.rand(3, 4, 5, dtype=torch.float64))
        self.kernel = nn.Conv2d(4, 6, 3).to(memory_format=torch.channels_last)
        self.register_buffer("counts", torch.arange(100))
        self.register_buffer("flags", torch.ones(10) > 0)
        self.register_buffer("hidden", torch.rand(4), persistent=False)
        self.given = torch.from_numpy(fi.default_rng(1).normal(size=(4, 5)))
        self.register_buffer("kept", self.given)


MODELS = {"constructed": Constructed, "larger": lambda: Constructed(60, 34), "odd": Odd, "tied": Tied}


@pytest.fixture(params=MODELS)
def make(request):
    return MODELS[request.param]


@pytest.mark.usefixtures("small_pieces")
def test_folders_have_the_bytes_of_materialize(make, tmp_path):
    model = deferred(make)
    files = ft.save(model, tmp_path / "seed")
    assert all(tensor.is_meta for tensor in model.parameters()), "the model is as before"
    assert files[-1] == tmp_path / "seed/.metadata"
    assert sorted(files) == sorted((tmp_path / "seed").iterdir())
    expected = ft.materialize(model).state_dict()
    require_same(read(blank(expected), tmp_path / "seed"), expected)
    require_same(dict(read(make().state_dict(), tmp_path / "seed")), expected)


def test_files_have_the_bytes_of_materialize(make, tmp_path):
    model = deferred(make)
    assert ft.save(model, tmp_path / "model.safetensors") == (tmp_path / "model.safetensors",)
    ft.materialize(model)
    loaded = make()
    missing, unexpected = safetensors.load_model(loaded, tmp_path / "model.safetensors", strict=False)
    assert not missing
    assert not unexpected
    require_same(loaded.state_dict(), model.state_dict())
    safetensors.save_model(model, tmp_path / "theirs.safetensors")
    theirs, ours = (safetensors.load_file(tmp_path / f"{name}.safetensors") for name in ("theirs", "model"))
    require_same(ours, theirs)


def test_sharded_files_have_an_index(tmp_path):
    model = deferred(Constructed)
    *shards, index = ft.save(model, tmp_path / "model.safetensors", max_shard_size=1000)
    assert index.name == "model.safetensors.index.json"
    assert len(shards) > 3
    found = {name: tensor for shard in shards for name, tensor in safetensors.load_file(shard).items()}
    assert json.loads(index.read_text())["weight_map"].keys() == found.keys()
    expected = ft.materialize(model).state_dict()
    del expected["head.weight"]  # the embedding's
    require_same(found, expected)


@pytest.mark.usefixtures("small_pieces")
def test_tensors_are_cut_into_pieces_and_files(tmp_path):
    model = deferred(lambda: nn.Linear(100, 50))
    files = ft.save(model, tmp_path / "seed")
    chunks = dcp.FileSystemReader(tmp_path / "seed").read_metadata().state_dict_metadata["weight"].chunks
    assert len(chunks) > 50 * 100 * 4 // 128
    assert len(files) > 50 * 100 * 4 // 512


def test_rules_of_a_model_on_the_meta_device(tmp_path):
    def constant(model):
        nn.init.constant_(model[1].bias, 7)

    def make():
        return on_meta(lambda: nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16)))

    ft.save(make(), tmp_path / "seed", 5, rule=constant)
    ft.save(make(), tmp_path / "model.safetensors", 5, rule=constant)
    expected = ft.materialize(make(), 5, rule=constant).state_dict()
    assert (expected["1.bias"] == 7).all()
    require_same(read(blank(expected), tmp_path / "seed"), expected)
    require_same(safetensors.load_file(tmp_path / "model.safetensors"), expected)


def test_a_converted_model_is_written_in_its_dtype(tmp_path):
    model = deferred(Constructed).to(torch.bfloat16)
    ft.save(model, tmp_path / "seed")
    expected = ft.materialize(model).state_dict()
    assert {tensor.dtype for tensor in expected.values()} == {torch.bfloat16, torch.int64}
    require_same(read(blank(expected), tmp_path / "seed"), expected)


def test_a_mapping_gives_names_of_several_models(tmp_path):
    models = {"generator": deferred(lambda: nn.Linear(3, 4)), "critic": deferred(Constructed, seed=1)}
    ft.save(models, tmp_path / "seed")
    ft.save(models, tmp_path / "model.safetensors")
    plain = {"generator": nn.Linear(3, 4), "critic": Constructed()}
    read(plain, tmp_path / "seed")  # the library takes modules
    flat = safetensors.load_file(tmp_path / "model.safetensors")
    for key, model in models.items():
        expected = ft.materialize(model).state_dict()
        require_same(plain[key].state_dict(), expected)
        for name, tensor in expected.items():
            assert name == "head.weight" or same(flat[f"{key}.{name}"], tensor)
    dcp_to_torch_save(tmp_path / "seed", tmp_path / "seed.pt")
    whole = torch.load(tmp_path / "seed.pt")
    require_same(whole["critic"], models["critic"].state_dict())


def test_what_has_values_is_written_as_it_is(tmp_path):
    model = deferred(lambda: nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)))
    ft.materialize(model[0])
    model[0].weight.data.fill_(3)
    ft.save(model, tmp_path / "seed")
    ft.save(model, tmp_path / "model.safetensors")
    for found in (read(blank(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)).state_dict()), tmp_path / "seed"),
                  safetensors.load_file(tmp_path / "model.safetensors")):  # fmt: skip
        assert (found["0.weight"] == 3).all()
        assert same(found["1.weight"], deferred_weight())


def deferred_weight():
    return ft.materialize(deferred(lambda: nn.Sequential(nn.Identity(), nn.Linear(4, 4))))[1].weight.detach()


class WithState(nn.Linear):
    """A module with more than tensors in its state."""

    def get_extra_state(self):
        return {"step": 3}

    def set_extra_state(self, state):
        self.step = state["step"]


def test_other_state_goes_into_folders_only(tmp_path):
    model = deferred(lambda: WithState(3, 4))
    ft.save(model, tmp_path / "seed")
    plain = WithState(3, 4)
    state = read(plain.state_dict(), tmp_path / "seed")
    plain.load_state_dict(state)
    assert plain.step == 3
    require_same(dict(plain.named_parameters()), dict(ft.materialize(model).named_parameters()))
    with pytest.raises(TypeError, match=r"model: _extra_state: safetensors files hold only tensors; got dict"):
        ft.save(deferred(lambda: WithState(3, 4)), tmp_path / "model.safetensors")


class Fused(nn.Module):
    """A weight that its state has in two parts, one of them scaled."""

    def __init__(self):
        super().__init__()
        self.both = nn.Linear(6, 10)
        self.register_state_dict_post_hook(self.split)

    @staticmethod
    def split(module, state, prefix, _):
        weight = state.pop(prefix + "both.weight")
        state[prefix + "first"], state[prefix + "second"] = weight[:4], weight[4:] * 2


def test_what_hooks_make_of_the_state_is_written(tmp_path):
    model = deferred(lambda: nn.Sequential(Fused()))
    ft.save(model, tmp_path / "seed")
    ft.save(model, tmp_path / "model.safetensors")
    expected = ft.materialize(model).state_dict()
    assert sorted(expected) == ["0.both.bias", "0.first", "0.second"]
    require_same(read(blank(expected), tmp_path / "seed"), expected)
    require_same(safetensors.load_file(tmp_path / "model.safetensors"), expected)


class Lost(Fused):
    """A hook that adds memory without values."""

    @staticmethod
    def split(module, state, prefix, _):
        state[prefix + "more"] = torch.empty_like(state[prefix + "both.bias"])


def test_what_hooks_leave_without_values_is_named(tmp_path):
    with pytest.raises(ValueError, match="none are set for more"):
        ft.save(deferred(Lost), tmp_path / "seed")
    assert list(tmp_path.iterdir()) == []


def test_wrappers_are_no_part_of_a_name(tmp_path):
    model = deferred(lambda: nn.Sequential(nn.Linear(4, 4)))
    ft.save(torch.compile(model, backend="eager"), tmp_path / "seed")
    expected = ft.materialize(model).state_dict()
    require_same(read(blank(expected), tmp_path / "seed"), expected)
