"""Hugging Face models of several families, built from their configurations alone: no file is read, no network used."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("transformers", reason="needs transformers")

import numpy as np
import torch
import transformers

import fastinit as fi
import fastinit.torch as ft
from tests.torch.common import chance, on_meta

pytestmark = pytest.mark.filterwarnings("default")

SIZES = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
TEXT = {**SIZES, "vocab_size": 128}
VISION = {**SIZES, "image_size": 32, "patch_size": 8}
SPEECH = {"d_model": 60, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 96, "vocab_size": 128, "pad_token_id": 0}
CAUSAL, IMAGES = transformers.AutoModelForCausalLM, transformers.AutoModelForImageClassification

FAMILIES = {
    "gpt2": lambda: CAUSAL.from_config(transformers.GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=128)),
    "llama": lambda: CAUSAL.from_config(transformers.LlamaConfig(**TEXT)),
    "mixtral": lambda: CAUSAL.from_config(transformers.MixtralConfig(**TEXT, num_key_value_heads=2, num_local_experts=4)),
    "bert": lambda: transformers.BertModel(transformers.BertConfig(**TEXT)),
    "t5": lambda: transformers.T5Model(transformers.T5Config(d_model=64, d_kv=16, d_ff=96, num_layers=2, num_heads=4)),
    "vit": lambda: IMAGES.from_config(transformers.ViTConfig(**VISION)),
    "resnet": lambda: IMAGES.from_config(transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])),
    "whisper": lambda: transformers.WhisperModel(transformers.WhisperConfig(**SPEECH)),
}


def tensors(model):
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


@pytest.mark.parametrize("way", ["fast_init", "deferred", "materialize"])
def test_models_are_like_those_that_torch_makes(family, way):
    """The same tensors, the same constants and buffers, the same spread of what is drawn."""
    torch.manual_seed(0)
    plain = family()
    if way == "materialize":
        model = ft.materialize(on_meta(family), rng=0)
    elif way == "deferred":
        with ft.deferred(rng=0):
            model = family()
        ft.materialize(model)
    else:
        with ft.fast_init(rng=0):
            model = family()
    expected, found = tensors(plain), tensors(model)
    buffers = dict(plain.named_buffers())
    assert list(found) == list(expected)
    drawn = 0
    for name, tensor in expected.items():
        assert (found[name].shape, found[name].dtype) == (tensor.shape, tensor.dtype), name
        if name in buffers or len(tensor.unique()) == 1:
            assert torch.equal(found[name], tensor), name
        elif tensor.numel() > 200:
            drawn += 1
            assert found[name].std().item() == pytest.approx(tensor.std().item(), rel=chance(tensor)), name
    assert drawn > 0
    assert [name for name, _ in model.named_buffers()] == [name for name, _ in plain.named_buffers()]
    assert model.training == plain.training


def test_values_belong_to_names():
    config = transformers.GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=128)
    model = ft.materialize(on_meta(lambda: CAUSAL.from_config(config)), rng=7)
    values = tensors(model)
    for name, std in (("transformer.h.1.mlp.c_fc.weight", 0.02), ("transformer.h.1.mlp.c_proj.weight", 0.02 / 2)):
        drawn = fi.default_rng(7).child(name).normal(0, std, size=tuple(values[name].shape))
        assert np.array_equal(values[name].detach().numpy(), drawn), "the last rule counts, here a parent's"
    config.n_layer = 1
    shorter = tensors(ft.materialize(on_meta(lambda: CAUSAL.from_config(config)), rng=7))
    assert len(shorter) < len(values)
    for name, tensor in shorter.items():
        if "c_proj" not in name:  # whose deviation depends on the number of layers
            assert torch.equal(tensor, values[name])


def test_tied_embeddings_follow_the_embedding():
    config = transformers.LlamaConfig(**TEXT, tie_word_embeddings=True, pad_token_id=5)
    model = ft.materialize(on_meta(lambda: CAUSAL.from_config(config, dtype=torch.bfloat16)), rng=0)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    name = "model.embed_tokens.weight"
    drawn = fi.default_rng(0).child(name).normal(0, 0.02, size=(128, 64), dtype="bfloat16").astype(np.float32)
    drawn[5] = 0
    assert np.array_equal(model.lm_head.weight.detach().float().numpy(), drawn)
    model(torch.arange(8)[None])


def test_what_only_a_constructor_sets_is_named():
    """A weight norm, whose parts no rule fills."""
    config = transformers.Wav2Vec2Config(**SIZES, conv_dim=(16, 16), conv_kernel=(3, 3), conv_stride=(2, 2))
    with pytest.raises(ValueError, match=r"none sets encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original0"):
        ft.materialize(on_meta(lambda: transformers.Wav2Vec2Model(config)), rng=0)
    with ft.fast_init(rng=0):
        model = transformers.Wav2Vec2Model(config)
    assert model.encoder.pos_conv_embed.conv.weight.std() > 0
