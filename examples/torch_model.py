"""
A transformer in PyTorch
========================

A transformer with 110 million parameters in the three ways of fastinit.torch: `python examples/torch_model.py`.
"""

import time

from torch import nn

import fastinit.torch as ft


class Layer(nn.Module):
    """Feed-forward layer with a truncated-normal start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def reset_parameters(self) -> None:
        for layer in (self.up, self.down):
            nn.init.trunc_normal_(layer.weight, std=0.02)


class Model(nn.Module):
    """Embedding and twelve layers; the constructor uses the layers' own rule."""

    def __init__(self, width: int = 1024) -> None:
        super().__init__()
        self.embed = nn.Embedding(10_000, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(12))
        for layer in self.layers:
            layer.reset_parameters()


def timed(what: str, start: float) -> None:
    print(f"{what:<28}{time.perf_counter() - start:6.2f} s")


def main() -> None:
    with ft.fast_init(rng=0):  # compiles, the first time on a machine
        Model(width=256)

    start = time.perf_counter()
    plain = Model()
    timed("torch", start)

    start = time.perf_counter()
    with ft.fast_init(rng=0):
        model = Model()
    timed("fast_init", start)

    start = time.perf_counter()
    with ft.deferred(rng=0):
        model = Model()
    ft.materialize(model)
    timed("deferred and materialize", start)

    start = time.perf_counter()
    ft.init.trunc_normal_(plain.embed.weight, std=0.02, generator=0)
    timed("init.trunc_normal_, 1 weight", start)

    weight = model.layers[3].up.weight
    print(f"layers.3.up.weight          deviation {weight.std().item():.5f}, first {weight[0, 0].item():+.6f} on every machine")


if __name__ == "__main__":
    main()
