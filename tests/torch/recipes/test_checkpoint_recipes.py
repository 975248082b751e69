"""Recipes that write a checkpoint and let a library load it."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from tests.torch.checkpoints.common import deferred, require_same
from tests.torch.recipes.pages import recipe

pytestmark = pytest.mark.filterwarnings("default")


def needs(*modules):
    for module in modules:
        pytest.importorskip(module, reason=f"needs {module}", exc_type=ImportError)


def layers():
    return nn.Sequential(nn.Linear(20, 30), nn.LayerNorm(30), nn.Linear(30, 5))


@pytest.fixture
def group(tmp_path):
    """A process group of one."""
    if not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("kind", ["layers", "llama"])
def test_torchtitan(tmp_path, kind):
    needs("torchtitan.components.checkpointer.dcp")
    if kind == "llama":
        needs("torchtitan.models.llama3")
    from torchtitan.components.checkpointer.dcp import CheckpointManager

    titan = recipe("torchtitan")
    build = layers if kind == "layers" else titan.llama
    model = titan.seed_checkpoint(build, tmp_path / "outputs/checkpoint")
    trained = build()
    config = CheckpointManager.Config(enable=True, folder="checkpoint", keep_latest_k=0)
    manager = CheckpointManager(
        config, dataloader=None, model_parts=[trained], optimizers=None, lr_schedulers=None, states={}, sd_adapter=None,
        base_folder=str(tmp_path / "outputs"),
    )  # fmt: skip
    assert manager.load()
    require_same(trained.state_dict(), ft.materialize(model).state_dict())


def test_accelerate(tmp_path):
    needs("accelerate", "safetensors")
    expected = ft.materialize(deferred(layers)).state_dict()
    dispatched = recipe("accelerate").dispatched
    model = dispatched(layers, tmp_path / "model.safetensors", device_map={"": "cpu"})
    require_same(model.state_dict(), expected)
    folder = tmp_path / "offloaded"
    model = dispatched(
        layers, tmp_path / "model.safetensors", device_map={"0": "cpu", "1": "cpu", "2": "disk"}, offload_folder=folder
    )
    assert model[2].weight.is_meta
    inputs = torch.from_numpy(fi.default_rng(0).normal(size=(3, 20)))
    assert torch.equal(model(inputs), ft.materialize(deferred(layers))(inputs))


@pytest.mark.parametrize("tied", [False, True])
def test_transformers(tmp_path, tied):
    needs("transformers", "safetensors")
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=128,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        tie_word_embeddings=tied,
    )
    loaded = recipe("transformers").pretrained(config, tmp_path, dtype=torch.bfloat16)
    model = deferred(lambda: transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16))
    require_same(loaded.state_dict(), ft.materialize(model).state_dict())
    assert (loaded.lm_head.weight is loaded.model.embed_tokens.weight) == tied
    assert loaded.dtype is torch.bfloat16


def test_transformers_in_shards(tmp_path):
    """A folder with an index."""
    needs("transformers", "safetensors")
    import transformers

    config = transformers.GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=128)
    model = deferred(lambda: transformers.AutoModelForCausalLM.from_config(config))
    config.save_pretrained(tmp_path)
    assert len(ft.save(model, tmp_path / "model.safetensors", max_shard_size=100_000)) > 3
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    require_same(loaded.state_dict(), ft.materialize(model).state_dict())


def test_peft():
    needs("peft")
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model = get_peft_model(nn.Sequential(nn.Linear(48, 32)), LoraConfig(r=8, target_modules=["0"]))
    recipe("lora").fill_adapters(model, fi.default_rng(7))
    weights = dict(model.named_parameters())
    (name,) = (name for name in weights if ".lora_A." in name)
    expected = fi.initializers.kaiming_uniform((8, 48), a=5**0.5, rng=fi.default_rng(7).child(name))
    assert torch.equal(weights[name].detach(), torch.from_numpy(expected))
    assert (weights[name.replace("lora_A", "lora_B")] == 0).all()
    with ft.deferred(rng=7):
        adapted = get_peft_model(nn.Sequential(nn.Linear(48, 32)), LoraConfig(r=8, target_modules=["0"]))
    adapted = dict(ft.materialize(adapted).named_parameters())
    assert torch.equal(adapted[name], weights[name]), "peft's own constructor gives the same in a deferred block"


def test_tied_weights_of_accelerate(tmp_path):
    needs("accelerate", "safetensors", "transformers")
    import transformers

    config = transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=32)

    def build():
        return transformers.AutoModelForCausalLM.from_config(config)

    model = recipe("accelerate").dispatched(build, tmp_path / "model.safetensors", device_map={"": "cpu"})
    assert model.lm_head.weight is model.transformer.wte.weight
    require_same(model.state_dict(), ft.materialize(deferred(build)).state_dict())
