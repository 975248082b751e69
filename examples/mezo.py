"""
MeZO: training by forward passes
================================

MeZO: train a network by two forward passes a step, without a gradient and without memory for one.

`python examples/mezo.py`. S. Malladi and others, "Fine-Tuning Language Models with Just Forward Passes", 2023.
"""

from __future__ import annotations

import time

import torch
from digits import Batch, accuracy, batch_of, examples, network, tell_memory
from torch import nn

import fastinit as fi
import fastinit.torch as ft

EPSILON = 1e-3
RATE = 3e-3
STEPS = 3000
BATCH = 64


@torch.no_grad()
def loss(model: nn.Module, batch: Batch) -> float:
    """The cross entropy of a batch."""
    images, digits = batch
    return nn.functional.cross_entropy(model(images), digits).item()


def step(model: nn.Module, batch: Batch, rng: fi.Generator, rate: float) -> None:
    """Move along the noise of one Generator, as far as the slope of the loss says. The noise is drawn three times."""
    above = loss(ft.perturb(model, rng, EPSILON), batch)
    below = loss(ft.perturb(model, rng, -2 * EPSILON), batch)
    slope = (above - below) / (2 * EPSILON)
    ft.perturb(model, rng, EPSILON - rate * slope)  # back to the middle, and on


def train(model: nn.Module, data: Batch) -> None:
    """Make all steps, each along noise of its own."""
    rng = fi.default_rng(1)  # not the seed of the weights
    for i in range(STEPS):
        step(model, batch_of(data, BATCH, i), rng.child(f"step {i}"), RATE * (1 - i / STEPS))


def main() -> None:
    """Train, and tell how well the network reads digits that it has not seen, and what a step needs."""
    torch.set_num_threads(1)  # the network is small
    model, test = network(), examples(2000, seed=2)
    print(f"before      {accuracy(model, test):.1%} of the digits")
    start = time.perf_counter()
    train(model, examples(100 * BATCH, seed=1))
    print(f"after       {accuracy(model, test):.1%}, {STEPS} steps in {time.perf_counter() - start:.1f} s")
    tell_memory(lambda wide, batch: step(wide, batch, fi.default_rng(4), RATE))


if __name__ == "__main__":
    main()
