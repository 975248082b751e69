"""
Evolution strategies
====================

Evolution strategies: train a network on what has no gradient, by a population that is a list of seeds.

`python examples/evolution.py`. T. Salimans and others, "Evolution Strategies as a Scalable Alternative to Reinforcement
Learning", 2017.
"""

from __future__ import annotations

import time

import torch
from digits import Batch, accuracy, batch_of, examples, network, tell_memory
from torch import nn

import fastinit as fi
import fastinit.torch as ft

SIGMA = 0.05
RATE = 0.1
GENERATIONS = 120
PAIRS = 16
BATCH = 512


@torch.no_grad()
def rank(model: nn.Module, batch: Batch) -> float:
    """How many wrong digits the network prefers to the right one, on average. It is a step function of the weights."""
    images, digits = batch
    scores = model(images)
    return (scores > scores.gather(1, digits[:, None])).sum(1).float().mean().item()


def gain(model: nn.Module, batch: Batch, rng: fi.Generator) -> float:
    """How much better the network is with some noise than with its opposite."""
    above = rank(ft.perturb(model, rng, SIGMA), batch)
    below = rank(ft.perturb(model, rng, -2 * SIGMA), batch)
    ft.perturb(model, rng, SIGMA)  # back to the middle
    return below - above


def generation(model: nn.Module, batch: Batch, population: list[fi.Generator], rate: float) -> None:
    """Add all noise in proportion to what it gained. Each is drawn again from its seed."""
    gains = torch.tensor([gain(model, batch, rng) for rng in population])
    factors = rate / len(population) * gains / (gains.square().mean().sqrt() + 1e-8)
    for rng, factor in zip(population, factors.tolist(), strict=True):
        ft.perturb(model, rng, factor)


def train(model: nn.Module, data: Batch) -> None:
    """Make all generations, each of seeds of its own."""
    rng = fi.default_rng(1)  # not the seed of the weights
    for i in range(GENERATIONS):
        population = [rng.child(f"generation {i}, pair {k}") for k in range(PAIRS)]
        generation(model, batch_of(data, BATCH, i), population, RATE * (1 - i / GENERATIONS))


def main() -> None:
    """Train, and tell how well the network reads digits that it has not seen, and what a generation needs."""
    torch.set_num_threads(1)  # the network is small
    model, test = network(), examples(2000, seed=2)
    print(f"before      {accuracy(model, test):.1%} of the digits")
    start = time.perf_counter()
    train(model, examples(16 * BATCH, seed=1))
    print(f"after       {accuracy(model, test):.1%}, {GENERATIONS} generations in {time.perf_counter() - start:.1f} s")
    tell_memory(lambda wide, batch: generation(wide, batch, fi.default_rng(4).spawn(2), RATE))


if __name__ == "__main__":
    main()
