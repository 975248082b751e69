"""Shards: real process groups of 1, 2 and 4 ranks hold parts of the same tensors, whatever the layout."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch

import fastinit as fi
import fastinit.torch as ft
from tests.torch.common import results_of_groups

pytestmark = pytest.mark.filterwarnings("default")

WORLDS = (1, 2, 4)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each rank of each world found."""
    from tests.torch.filling import ranks

    return results_of_groups(ranks.run, WORLDS, tmp_path_factory.mktemp("ranks"))


def same(x, y):
    """Whether two tensors have the same bytes."""
    return x.dtype == y.dtype and x.shape == y.shape and torch.equal(*(t.reshape(-1).view(torch.uint8) for t in (x, y)))


def test_every_layout_gives_the_bytes_of_one_process(results):
    from tests.torch.filling import ranks

    seen = 0
    for found in results.values():
        for (name, kind, dtype, *_), (tensor, after) in found["fills"].items():
            rng = fi.default_rng(7)
            alone = torch.zeros(ranks.SHAPES[kind], dtype=getattr(torch, dtype.removeprefix("torch.")))
            options = {} if name in ("eye_", "dirac_") else {"generator": rng}
            getattr(ft.init, name)(alone, *ranks.CALLS[name], **options)
            if name == "orthogonal_":  # the digits of a linear algebra library with another number of threads
                assert torch.allclose(tensor.float(), alone.float(), atol=1e-5 if dtype == "torch.float32" else 1e-2)
            else:
                assert same(tensor, alone), (name, kind, dtype)
            assert after == rng.normal(), "every rank has taken one call"
            seen += 1
    assert seen > 500


def test_every_layout_gives_the_same_orthogonal_bytes(results):
    first = {}
    for found in results.values():
        for (name, kind, dtype, *_), (tensor, _) in found["fills"].items():
            assert same(tensor, first.setdefault((name, kind, dtype), tensor)), (name, kind, dtype)


def test_models_have_the_same_bytes_however_sharded(results):
    with torch.device("meta"):
        from tests.torch.filling.ranks import Model

        model = Model()
    alone = ft.materialize(model, rng=3).state_dict()
    output = model.eval()(torch.arange(21)).detach()
    ways = set()
    for found in results.values():
        for way, state in found["models"].items():
            ways.add(way)
            assert torch.allclose(state.pop("output", output), output, atol=1e-5), way
            assert list(state) == list(alone)
            for name, tensor in state.items():
                assert same(tensor, alone[name]), (way, name)
    assert ways == {"alone", "fsdp", "fsdp by columns", "tensor parallel", "fsdp and tensor parallel", "hybrid"}
    drawn = fi.default_rng(3).child("down.weight").truncated_normal(-100, 100, scale=0.02, size=(12, 20))
    assert np.array_equal(alone["down.weight"].numpy(), drawn)


def test_constructors_have_the_same_bytes_however_sharded(results):
    from tests.torch.filling import ranks

    alone = results[1, 0]["deferred"]["alone"]
    ways = set()
    for found in results.values():
        for way, state in found["deferred"].items():
            ways.add(way)
            assert list(state) == list(alone)
            for name, tensor in state.items():
                assert same(tensor, alone[name]) or (name == "square" and torch.allclose(tensor, alone[name], atol=1e-5)), (
                    way,
                    name,
                )
    assert ways == {"alone", "fsdp", "fsdp by columns", "tensor parallel", "fsdp and tensor parallel"}
    torch.manual_seed(0)
    plain = ranks.Constructed().state_dict()
    assert {name for name, tensor in plain.items() if same(tensor, alone[name])} >= {"gain", "table", "norm.weight"}
    assert (alone["up.bias"][::2] == 4).all()
    assert (alone["embed.weight"][5] == 0).all()
    assert same(alone["again.weight"], alone["up.weight"])


def test_blocks_fill_shards(results):
    first = results[1, 0]["blocks"]
    for found in results.values():
        for name, tensor in found["blocks"].items():
            assert same(tensor, first[name]), name
    rng = fi.default_rng(5)
    values = [torch.from_numpy(rng.normal(size=tuple(first[name].shape))) for name in ("embed.weight", "up.weight", "up.bias")]
    assert same(first["embed.weight"], values[0])
    assert same(first["up.bias"], values[2])


def test_every_layout_gets_the_noise_of_one_process(results):
    alone = {}
    for dtype in (torch.float32, torch.bfloat16):
        tensor = torch.linspace(-1, 1, 130).reshape(13, 10).to(dtype)
        alone[str(dtype)] = ft.perturb({"w": tensor}, 9, 0.125)["w"]
    seen = 0
    for found in results.values():
        for name, tensor in found["noise"].pop("model").items():
            expected = fi.default_rng(9).child(name).normal(size=tuple(tensor.shape))
            assert np.array_equal(tensor.numpy(), expected), name
        for (dtype, *_), tensor in found["noise"].items():
            assert same(tensor, alone[dtype])
            seen += 1
    assert seen == 2 * (4 * 1 + 4 * 2 + 11 * 4)


def test_ranks_hold_different_parts(results):
    """So that equal wholes mean something: a fill that ignored the rank would repeat rows."""
    tensor, _ = results[4, 0]["fills"]["normal_", "matrix", "torch.float32", (4,), "(Shard(dim=0),)"]
    assert len(tensor.unique()) == tensor.numel()


def test_what_cannot_be_filled_is_refused_and_left(results):
    for (world, _), found in results.items():
        messages, untouched, after = found["refusals"]
        assert "Partial" in messages["partial"]
        assert "sharded along each mesh axis" in messages["partial"]
        for name in ("none", "orthogonal none"):
            assert messages[name].startswith("generator must be given for a DTensor")
        for name in ("materialize none", "block none", "deferred none"):
            assert messages[name].startswith(("rng must be given", "rng of deferred must be given"))
        assert messages["std"].startswith("std must be at least 0")
        assert "Partial" in messages["perturb partial"]
        assert "(parameter 'b')" in messages["perturb partial"]
        assert untouched, world
        assert after == fi.default_rng(0).normal(), "nothing was taken from the Generator"
