"""
VeRA: projections that are never stored
=======================================

VeRA: adapt a frozen network by vectors around random projections that are never stored.

`python examples/vera.py`. D. J. Kopiczko and others, "VeRA: Vector-based Random Matrix Adaptation", 2024, equation 2: a layer
of weight W computes W x + b * (B (d * (A x))). A and B are random and frozen, and the vectors b and d are trained.
"""

from __future__ import annotations

import copy
import pickle

import torch
from digits import Batch, accuracy, batch_of, examples, network
from torch import nn

import fastinit as fi
import fastinit.torch as ft

RANK = 1024
STEPS = 150
BATCH = 100


class Vera(nn.Module):
    """A linear layer that is frozen, with an adapter."""

    def __init__(self, layer: nn.Linear, rng: fi.Generator) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        law = fi.laws.normal(scale=layer.in_features**-0.5), fi.laws.normal(scale=RANK**-0.5)
        self.a = fi.lazy(law[0], (RANK, layer.in_features), rng.child("A"))
        self.b = fi.lazy(law[1], (layer.out_features, RANK), rng.child("B"))
        self.inner = nn.Parameter(torch.full((RANK,), 0.1))
        self.outer = nn.Parameter(torch.zeros(layer.out_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output and the adapter's; both passes draw A and B again, tile by tile."""
        return self.layer(x) + self.outer * ft.linear(self.inner * ft.linear(x, self.a), self.b)


def train(model: nn.Module, data: Batch, rate: float) -> None:
    """Train what is not frozen."""
    optimizer = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=rate)
    for i in range(STEPS):
        images, digits = batch_of(data, BATCH, i)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), digits).backward()
        optimizer.step()


def adapted(model: nn.Module) -> nn.Module:
    """The network with an adapter around each linear layer."""
    rng = fi.default_rng(5)
    layers = [Vera(each, rng.child(name)) if isinstance(each, nn.Linear) else each for name, each in model.named_children()]
    return nn.Sequential(*layers)


def other_task(data: Batch) -> Batch:
    """The same images, where the answer is one more than the digit."""
    return data[0], (data[1] + 1) % 10


def main() -> None:
    """Train a network, adapt it to another task, and say what the adapter needs."""
    torch.set_num_threads(1)  # the network is small
    model, data, test = network(), examples(100 * BATCH, seed=1), examples(2000, seed=2)
    train(model, data, 1e-2)
    print(f"trained     {accuracy(model, test):.1%} of the digits")
    model = adapted(copy.deepcopy(model))
    print(f"before      {accuracy(model, other_task(test)):.1%} of the other task")
    train(model, other_task(data), 3e-2)
    print(f"after       {accuracy(model, other_task(test)):.1%}")
    layers = [layer for layer in model if isinstance(layer, Vera)]
    trained = sum(weight.nbytes for weight in model.parameters() if weight.requires_grad)
    kept = sum(len(pickle.dumps(each)) for layer in layers for each in (layer.a, layer.b))
    whole = sum(each.nbytes for layer in layers for each in (layer.a, layer.b))
    print(f"projections {whole:,} bytes if they were stored, {kept:,} bytes as they are; {trained:,} bytes are trained")


if __name__ == "__main__":
    main()
