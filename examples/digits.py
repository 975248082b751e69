"""
Digits in noise
===============

A task for `mezo.py` and `evolution.py`: digits of 8 x 8 pixels in noise, made here, and a network that reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft

#: Images, and which digits they are.
Batch = tuple[torch.Tensor, torch.Tensor]

GLYPHS = """
01110 00100 01110 11111 00010 11111 00110 11111 01110 01110
10001 01100 10001 00010 00110 10000 01000 00001 10001 10001
10011 00100 00001 00100 01010 11110 10000 00010 10001 10001
10101 00100 00010 00010 10010 00001 11110 00100 01110 01111
11001 00100 00100 00001 11111 00001 10001 01000 10001 00001
10001 00100 01000 10001 00010 10001 10001 01000 10001 00010
01110 01110 11111 01110 00010 01110 01110 01000 01110 01100
"""


def images() -> torch.Tensor:
    """The ten digits, without noise."""
    pixels = torch.tensor([[[int(c) for c in glyph] for glyph in line.split()] for line in GLYPHS.split("\n") if line])
    digits = torch.zeros(10, 8, 8)
    digits[:, :7, 1:6] = pixels.permute(1, 0, 2)
    return digits.reshape(10, 64)


def examples(count: int, seed: int) -> Batch:
    """Images in noise."""
    rng = fi.default_rng(seed)
    digits = torch.from_numpy(rng.child("digits").draw(fi.laws.integers(10), size=count))
    noise = torch.from_numpy(rng.child("noise").normal(0, 0.5, size=(count, 64)))
    return (images()[digits] - 0.25 + noise) * 2, digits


def batch_of(data: Batch, size: int, number: int) -> Batch:
    """The batch of this number; after the last one the first comes again."""
    images, digits = data
    start = number * size % len(images)
    return images[start : start + size], digits[start : start + size]


def network(width: int = 128) -> nn.Module:
    """A network of one hidden layer, initialised by the names of its weights."""
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(64, width, bias=False), nn.ReLU(inplace=True), nn.Linear(width, 10, bias=False))
    return ft.materialize(model, rng=0)


@torch.no_grad()
def accuracy(model: nn.Module, batch: Batch) -> float:
    """The share of images that the network reads correctly."""
    images, digits = batch
    return (model(images).argmax(1) == digits).float().mean().item()


def _memory(entry: str) -> int:
    """What Linux says of this process's memory, in bytes: VmRSS is what it has, VmHWM the most that it has had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) * 1024


def tell_memory(step: Callable[[nn.Module, Batch], object]) -> None:
    """Say how much memory a step of a wide network needs beyond the network."""
    if not Path("/proc/self/status").exists():
        return
    model, batch = network(width=1 << 18), examples(1, seed=3)
    step(model, batch)
    before = _memory("VmRSS")
    step(model, batch)
    weights = sum(weight.nbytes for weight in model.parameters())
    print(f"memory      +{(_memory('VmHWM') - before) / 2**20:.1f} MiB in a step of a network of {weights / 2**20:.0f} MiB")
