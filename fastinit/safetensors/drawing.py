"""One tensor's values: by its rule, from the stream of its name, into a block of the tensor."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments.checks import number
from fastinit.files.slabs import Array, Where, cuts
from fastinit.generator import Generator
from fastinit.initializers import tree
from fastinit.initializers.adapting import check
from fastinit.initializers.keywords import block_cost
from fastinit.initializers.rules import TensorRule
from fastinit.safetensors.format import Tensor, quoted

#: The rules for integers and bools beside laws, each with its default value.
CONSTANTS = {"zeros": 0, "ones": 1, "constant": 0}

#: Values to draw of each kind so that its kernel is compiled.
WARM = 1 << 12

#: draw(rng, out, where) fills the block `where` of a tensor with a Generator at call 0.
Draw = Callable[[Generator, Array | None, Where], object]


class Job(NamedTuple):
    """A tensor, its rule if it has one, the function that draws it, and whether that draws it in one piece."""

    tensor: Tensor
    rule: TensorRule | None
    draw: Draw
    whole: bool = False


def named(tensor: Tensor) -> contextlib.AbstractContextManager[None]:
    """Put a tensor's name before the message of its error."""
    return tree.named(f"tensor {quoted(tensor.name)}")


def _integer(tensor: Tensor, rule: TensorRule) -> int:
    """The value of a rule for integers or bools."""
    if rule.name not in CONSTANTS:
        allowed = f"{', '.join(CONSTANTS)} or a law of integers"
        raise ValueError(f"the rule must be one of {allowed} for dtype {tensor.kind.name}; got {rule}")
    value = dict(rule.arguments).get("value", CONSTANTS[rule.name])
    real = number("value", int(value) if isinstance(value, bool) else value)
    lowest, highest = (0, 1) if tensor.kind.code == "BOOL" else _range(tensor.kind.dtype)
    whole = value if isinstance(value, int) else int(real) if real.is_integer() else None
    if whole is None or not lowest <= whole <= highest:
        raise ValueError(f"value must be a whole number from {lowest} to {highest} for {tensor.kind.name}; got {value!r}")
    return int(whole)


def _range(dtype: np.dtype[Any]) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _constant(value: int) -> Draw:
    def draw(rng: Generator, out: Array | None, where: Where) -> object:
        if out is not None:
            out[...] = value
        return out

    return draw


def job(tensor: Tensor, rule: TensorRule, probe: Generator) -> Job:
    """Check a rule for a tensor with any Generator, and draw nothing; errors have the tensor's name."""
    with named(tensor):
        if not tensor.kind.real and rule.law is None:
            return Job(tensor, rule, _constant(_integer(tensor, rule)))
        fill = functools.partial(rule.function, tensor.shape, dtype=tensor.kind.dtype)
        check(fill, tensor.shape, probe)

    def draw(rng: Generator, out: Array | None, where: Where) -> object:
        return fill(rng=rng, out=out, index=where)

    return Job(tensor, rule, draw, whole=block_cost(rule.name) != "block")


def warm(jobs: list[Job], rng: Generator) -> None:
    """Compile what the jobs need: draw a few values by each rule and dtype, from children of the Generator."""
    groups: dict[tuple[Any, ...], list[Job]] = {}
    for entry in jobs:
        if entry.tensor.size and not entry.whole:
            groups.setdefault((str(entry.rule), entry.tensor.kind), []).append(entry)
    for entry, *_ in groups.values():
        first = next(cuts(entry.tensor.shape, WARM))
        with named(entry.tensor):
            entry.draw(rng.child(entry.tensor.name), None, first)
