"""Recipes under tensor parallelism: the same bytes for 1, 2 and 4 ranks, and the fans of the whole matrix."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch

import fastinit as fi
from tests.torch.common import results_of_groups

WORLDS = (1, 2, 4)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each rank of each world found."""
    from tests.torch.recipes import ranks

    return results_of_groups(ranks.run, WORLDS, tmp_path_factory.mktemp("ranks"))


def test_adapters_have_the_fan_of_the_whole(results):
    from tests.torch.recipes.ranks import INPUTS, RANK

    rule = fi.initializers.kaiming_uniform
    expected = rule((RANK, INPUTS), a=5**0.5, rng=fi.default_rng(7).child("lora_A.weight"))
    assert 0.98 < np.abs(expected).max() * INPUTS**0.5 <= 1, "the bound of the whole, not of a part"
    ways = set()
    for found in results.values():
        for way, whole in found["adapters"].items():
            ways.add(way)
            assert np.array_equal(whole.numpy(), expected), way
    assert len(ways) == 6


def test_a_part_with_its_own_fan_would_differ():
    """So that equal bounds mean something: torch's rule for the part of one of four ranks is twice as wide."""
    part = torch.nn.init.kaiming_uniform_(torch.empty(8, 12), a=5**0.5)
    assert part.abs().max() > 1.5 / 48**0.5


def test_megatron(results):
    first = results[1, 0]["megatron"]
    if not first:
        pytest.skip("megatron-core is not installed")
    for (world, rank), found in results.items():
        assert found["megatron"].keys() == first.keys()
        for name, whole in found["megatron"].items():
            assert torch.equal(whole, first[name]), (world, rank, name)
    drawn = {
        "mlp.linear_fc1": 0.02,
        "mlp.linear_fc2": 0.01,
        "self_attention.linear_qkv": 0.02,
    }
    for part, std in drawn.items():
        for layer in (0, 1):
            name = f"decoder.layers.{layer}.{part}.weight"
            whole = fi.default_rng(3).child(name).normal(0, std, size=tuple(first[name].shape))
            assert np.array_equal(first[name].numpy(), whole), name
    assert (first["decoder.final_layernorm.weight"] == 1).all()


def test_deepspeed(results):
    if not results[1, 0]["deepspeed"]:
        pytest.skip("deepspeed is not installed")
    for found in results.values():
        for name, shape in (("0.weight", (7, 5)), ("1.weight", (3, 7))):
            whole = fi.default_rng(3).child(name).normal(0, 0.02, size=shape)
            assert np.array_equal(found["deepspeed"][name].numpy(), whole), name


def test_names_of_a_pipeline_stage():
    """The second stage of two has layers 2 and 3, which it calls 0 and 1."""
    pytest.importorskip("megatron.core", reason="needs megatron-core")
    from types import SimpleNamespace

    from tests.torch.recipes.pages import recipe

    layers = [SimpleNamespace(layer_number=3), SimpleNamespace(layer_number=4)]
    stage = SimpleNamespace(decoder=SimpleNamespace(layers=layers))
    found = recipe("megatron").global_name(stage, "decoder.layers.1.mlp.linear_fc1.weight")
    assert found == "decoder.layers.3.mlp.linear_fc1.weight"
    assert recipe("megatron").global_name(stage, "output_layer.weight") == "output_layer.weight"
