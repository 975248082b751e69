"""What several tests of `fastinit.torch` share."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def on_meta(make):
    """What `make` returns, built on the meta device."""
    with torch.device("meta"):
        return make()


class Tied(nn.Module):
    """An embedding and a linear layer on one weight, in either order."""

    def __init__(self, *order):
        super().__init__()
        for name in order or ("embed", "head"):
            self.add_module(name, nn.Embedding(9, 6, padding_idx=2) if name == "embed" else nn.Linear(6, 9, bias=False))
        self.head.weight = self.embed.weight
