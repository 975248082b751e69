"""Time small models: `python -m docs.scripts.models.small`, Markdown on stdout.

For each model, in interleaved rounds of one process: torch's constructor; the constructor in a `fast_init` block; the
constructor on the meta device and a fill of new tensors of the same shapes; the same with `materialize`; and a `deferred`
block with `materialize`. What one way has made is freed before the next one begins. The columns are medians of ratios within a
round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from docs.scripts import arguments
from docs.scripts.markdown import table
from fastinit.bench import machine

#: A decoder's width and depth: parameters from 1e6 to 3e7.
SIZES = {"1 M": (160, 3), "3 M": (256, 4), "10 M": (368, 6), "30 M": (576, 7)}


class Block(nn.Module):
    """A transformer's layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)


class Network(nn.Module):
    """A small decoder, or a stack of convolutions with batch norms of as many parameters."""

    def __init__(self, width: int, depth: int, kind: str) -> None:
        super().__init__()
        if kind == "decoder":
            self.embed, self.layers = nn.Embedding(512, width), nn.ModuleList(Block(width) for _ in range(depth))
        else:
            layers = [nn.Sequential(nn.Conv2d(width, width // 2, 3), nn.BatchNorm2d(width // 2)) for _ in range(2 * depth)]
            self.layers = nn.ModuleList(layers)


def store(shapes: list[Any]) -> list[torch.Tensor]:
    """Make tensors of these shapes and fill them with normal values. All live at once, as those of a model do."""
    rng = fi.default_rng(0)
    return [ft.init.normal_(torch.empty(shape), generator=rng) for shape in shapes]


def ways(make: Callable[[], nn.Module]) -> dict[str, Callable[[], Any]]:
    """The ways that are timed."""
    shapes = [parameter.shape for parameter in make().parameters()]

    def on_meta() -> nn.Module:
        with torch.device("meta"):
            return make()

    def fast() -> nn.Module:
        with ft.fast_init(0):
            return make()

    def deferred() -> nn.Module:
        with ft.deferred(0):
            model = make()
        return ft.materialize(model)

    waiting: list[nn.Module] = []

    def build() -> None:
        waiting.append(on_meta())

    return {
        "torch": make,
        "fast_init": fast,
        "meta": build,
        "store": lambda: store(shapes),
        "materialize": lambda: ft.materialize(waiting.pop(), 0),  # what `meta` has built in the same round
        "deferred": deferred,
    }


def measure(make: Callable[[], nn.Module], rounds: int) -> dict[str, float]:
    """Median milliseconds of each way, and the median ratios."""
    calls = ways(make)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 2):
        for name, call in calls.items():
            start = time.perf_counter()
            made = call()
            taken = time.perf_counter() - start
            del made  # to give memory back is nobody's work here
            if number > 1:
                times[name].append(taken)
    found = {name: 1e3 * statistics.median(each) for name, each in times.items()}
    rows = [dict(zip(times, each, strict=True)) for each in zip(*times.values(), strict=True)]
    found["fast_init ratio"] = statistics.median(row["torch"] / row["fast_init"] for row in rows)
    found["materialize ratio"] = statistics.median(row["materialize"] / (row["meta"] + row["store"]) for row in rows)
    found["both ratio"] = statistics.median((row["meta"] + row["materialize"]) / (row["meta"] + row["store"]) for row in rows)
    found["deferred ratio"] = statistics.median(row["torch"] / row["deferred"] for row in rows)
    return found


HEAD = (
    "model", "torch, ms", "`fast_init`, ms", "times faster", "meta, ms", "fill, ms", "`materialize`, ms",
    "over meta + fill", "meta + `materialize` over meta + fill", "`deferred`, ms", "torch over `deferred`",
)  # fmt: skip


def cells(name: str, found: dict[str, float]) -> list[str]:
    """One row of the table."""
    keys = ("torch", "fast_init", "fast_init ratio", "meta", "store", "materialize", "materialize ratio", "both ratio")
    return [name, *(f"{found[key]:.2f}" for key in (*keys, "deferred", "deferred ratio"))]


def main() -> None:
    """Print the table."""
    parser = arguments.parser(__doc__)
    parser.add_argument("--rounds", type=arguments.count, default=15, help="default %(default)s")
    args = parser.parse_args()
    print(machine.sentence(machine.describe(["torch"])), f"\n\nMedians of {args.rounds} rounds.\n")
    rows = []
    for size, (width, depth) in SIZES.items():
        for kind in ("decoder", "convolutions"):
            found = measure(lambda width=width, depth=depth, kind=kind: Network(width, depth, kind), args.rounds)
            rows.append(cells(f"{kind}, {size}", found))
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
