"""Compare models of other libraries with those that torch makes: `python -m docs.scripts.models.trial`, a line for each.

Each model is built with torch and two seeds, and with `deferred` and `materialize` and two others. Every parameter, buffer and
tensor in a plain attribute must have the same shape, dtype, constants and law, and the same ones must be equal to one another.
With `--way materialize` the model is built on the meta device instead, and may also be refused. Libraries that are missing are
left out. The whole trial takes 20 minutes; the exit status is 1 if a model differs.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

import fastinit.torch as ft
from docs.scripts import arguments
from docs.scripts.models.laws import faults, state_of
from docs.scripts.models.zoo import LIBRARIES, Build

WAYS = ("deferred", "materialize")


def _seeded(seed: int, build: Build) -> nn.Module:
    """Seed what a constructor may draw from besides fastinit."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (what constructors use)
    torch.manual_seed(seed)
    return build()


def made(build: Build, seed: int, way: str) -> nn.Module:
    """A model by one of the ways."""
    if way == "deferred":
        with ft.deferred(rng=seed):
            model = _seeded_outside(seed, build)
        return ft.materialize(model)
    with torch.device("meta"):
        model = _seeded(seed, build)
    return ft.materialize(model, rng=seed)


def _seeded_outside(seed: int, build: Build) -> nn.Module:
    """As `_seeded`, but torch's generator stays: in a `deferred` block its seed would decide the values."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (what constructors use)
    return build()


def compare(build: Build, way: str = "deferred") -> list[str]:
    """What differs from torch's models, as sentences. The second seeds are others, so that equal values mean constants."""
    plain = [state_of(_seeded(seed, build)) for seed in (1, 2)]
    return list(faults(plain, [state_of(made(build, seed, way)) for seed in (3, 4)]))


def verdict(build: Build, way: str) -> str:
    """One line about a model."""
    try:
        found = compare(build, way)
    except Exception as error:  # a model of another library may raise anything
        if way == "materialize" and isinstance(error, NotImplementedError):
            return f"left out: its constructor does not run on the meta device: {error}"
        refused = way == "materialize" and isinstance(error, ValueError) and str(error).startswith("model must")
        return f"{'refused' if refused else 'ERROR'}: {type(error).__name__}: {str(error)[:100]}"
    return f"DIFFERS in {len(found)}: {'; '.join(found[:2])}" if found else "good"


def lines(libraries: list[str], names: list[str], way: str) -> Iterator[tuple[str, str, str]]:
    """Library, name and verdict of each model."""
    for library in libraries:
        known, build = LIBRARIES[library]
        if importlib.util.find_spec(library) is None:
            yield library, "", "left out: it is not installed"
            continue
        for name in names or known:
            if name in known:
                yield library, name, verdict(lambda name=name, build=build: build(name), way)


def main() -> None:
    """Print the verdicts."""
    parser = arguments.parser(__doc__)
    parser.add_argument("--library", action="append", choices=tuple(LIBRARIES), help="default: all; repeatable")
    parser.add_argument("--name", action="append", default=[], help="a model; default: all; repeatable")
    parser.add_argument("--way", choices=WAYS, default="deferred", help="default %(default)s")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    bad = 0
    for library, name, found in lines(args.library or list(LIBRARIES), args.name, args.way):
        print(library, name, found, flush=True)
        bad += found.startswith(("DIFFERS", "ERROR"))
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
