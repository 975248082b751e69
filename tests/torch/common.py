"""What several tests of `fastinit.torch` share."""

import math

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def on_meta(make):
    """What `make` returns, built on the meta device."""
    with torch.device("meta"):
        return make()


def chance(tensor):
    """The relative distance of the deviations of two such tensors, seeds fixed: 3.5 standard errors for normal values."""
    return min(0.25, 5 / math.sqrt(2 * tensor.numel()))


class Tied(nn.Module):
    """An embedding and a linear layer on one weight, in either order."""

    def __init__(self, *order):
        super().__init__()
        for name in order or ("embed", "head"):
            self.add_module(name, nn.Embedding(9, 6, padding_idx=2) if name == "embed" else nn.Linear(6, 9, bias=False))
        self.head.weight = self.embed.weight


def results_of_groups(run, worlds, folder):
    """What each rank of process groups of these sizes found, by size and rank; `run` writes it into the folder."""
    if not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")
    for world in worlds:
        torch.multiprocessing.spawn(run, (world, str(folder)), nprocs=world)
    return {(world, rank): torch.load(f"{folder}/results-{world}-{rank}.pt") for world in worlds for rank in range(world)}
