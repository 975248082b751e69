"""Whole models, built with and without the block after the same seed: every parameter and buffer, and the generator's state."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

from tests.torch.values.common import assert_as_torch


def tensors(model):
    return [*model.parameters(), *model.buffers()]


class Mixed(nn.Module):
    """torch's own layers, with what constructors do beside them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(16, 64, 3)
        self.norm = nn.BatchNorm2d(64)
        self.transformer = nn.TransformerEncoderLayer(64, 4, 256)
        self.lstm = nn.LSTM(64, 96)
        self.embedding = nn.Embedding(500, 64, padding_idx=3)
        self.bilinear = nn.Bilinear(20, 30, 40)
        self.scale = nn.Parameter(torch.randn(130, 90) * 0.02)
        self.register_buffer("order", torch.randperm(100))
        self.low = nn.Linear(128, 128, dtype=torch.bfloat16)
        nn.init.orthogonal_(self.conv.weight)
        nn.init.trunc_normal_(self.embedding.weight, std=0.02, a=-0.04, b=0.04)


def test_torchs_layers(manner):
    assert_as_torch(lambda: tensors(Mixed()))


def hugging_face(kind, **sizes):
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    config, model = (getattr(transformers, f"{kind}{name}") for name in ("Config", "Model"))
    return lambda: tensors(model(config(**sizes)))


MODELS = {
    "GPT2": {"n_embd": 128, "n_layer": 2, "n_head": 4, "vocab_size": 500},
    "Llama": {
        "hidden_size": 128,
        "intermediate_size": 300,
        "num_hidden_layers": 2,
        "vocab_size": 500,
        "num_attention_heads": 4,
    },
    "ViT": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 300, "image_size": 64},
    "ResNet": {"embedding_size": 32, "hidden_sizes": [64, 96], "depths": [1, 2]},
    "Bert": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 300, "vocab_size": 500},
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", MODELS)
def test_models(kind, dtype, manner):
    call = hugging_face(kind, **MODELS[kind])
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        assert_as_torch(call)
    finally:
        torch.set_default_dtype(before)
