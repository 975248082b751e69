"""One tensor's values: by its rule, from the stream of its name, into a block of the tensor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments.checks import number
from fastinit.files.slabs import Array, Where, cuts
from fastinit.generator import Generator
from fastinit.initializers import BY_NAME
from fastinit.safetensors.format import Tensor, shown
from fastinit.safetensors.rules import Rule

#: Initialisers whose block costs as much as the whole, or nearly: they get the tensor in one piece.
WHOLE = ("orthogonal", "delta_orthogonal", "sparse")

#: What integers and truth values can be filled with.
CONSTANTS = {"zeros": 0, "ones": 1, "constant": 0}


class Job(NamedTuple):
    """A tensor, its rule, and what draws it: `draw(rng, out, where)` with a Generator of the tensor's own."""

    tensor: Tensor
    rule: Rule
    draw: Callable[[Generator, Array | None, Where], object]

    @property
    def whole(self) -> bool:
        """Whether it is drawn in one piece."""
        return self.rule.name in WHOLE


@contextlib.contextmanager
def named(tensor: Tensor) -> Iterator[None]:
    """Put a tensor's name before the message of its error."""
    try:
        yield
    except (TypeError, ValueError, IndexError, MemoryError) as error:
        kind = next(kind for kind in (TypeError, IndexError, MemoryError, ValueError) if isinstance(error, kind))
        raise kind(f"tensor {shown(tensor.name)}: {error}") from error


def _whole_number(tensor: Tensor, rule: Rule) -> int:
    """The value of a constant that a dtype without fractions holds."""
    if rule.name not in CONSTANTS:
        raise ValueError(f"the rule must be one of {', '.join(CONSTANTS)} for dtype {tensor.kind.name}; got {rule}")
    value = dict(rule.arguments).get("value", CONSTANTS[rule.name])
    found = number("value", int(value) if isinstance(value, bool) else value)
    lowest, highest = (0, 1) if tensor.kind.code == "BOOL" else _range(tensor.kind.dtype)
    whole = value if isinstance(value, int) else int(found) if found.is_integer() else None
    if whole is None or not lowest <= whole <= highest:
        raise ValueError(f"value must be a whole number from {lowest} to {highest} for {tensor.kind.name}; got {value!r}")
    return int(whole)


def _range(dtype: np.dtype[Any]) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def job(tensor: Tensor, rule: Rule, probe: Generator) -> Job:
    """What fills a tensor, all of it checked but nothing drawn.

    Parameters
    ----------
    tensor : Tensor
        Its name, shape and dtype.
    rule : Rule
        What to fill it with.
    probe : fastinit.Generator
        Any one, for trying the arguments.

    Returns
    -------
    Job
        To be drawn from.

    Raises
    ------
    TypeError, ValueError
        If the rule does not suit the tensor; the message has its name.
    """
    with named(tensor):
        if not tensor.kind.real:
            return Job(tensor, rule, _constant(_whole_number(tensor, rule)))
        initializer, arguments = BY_NAME[rule.name], dict(rule.arguments)

        def draw(rng: Generator, out: Array | None, where: Where) -> object:
            return initializer(tensor.shape, rng=rng, dtype=tensor.kind.dtype, out=out, index=where, **arguments)

        if tensor.shape:
            draw(probe, None, (slice(0, 0),))  # checks everything, and draws no value
        else:
            draw(probe, None, ())
    return Job(tensor, rule, draw)


def _constant(value: int) -> Callable[[Generator, Array | None, Where], object]:
    def draw(rng: Generator, out: Array | None, where: Where) -> object:
        if out is not None:
            out[...] = value
        return out

    return draw


def warm(jobs: list[Job], rng: Generator) -> None:
    """Compile, if that is needed, before there is a file: a few values by each rule for each dtype.

    Parameters
    ----------
    jobs : list of Job
        Of which one tensor for each rule and dtype is taken.
    rng : fastinit.Generator
        Not drawn from, but for its children.
    """
    groups: dict[tuple[Any, ...], list[Job]] = {}
    for entry in jobs:
        if entry.tensor.size and not entry.whole:
            groups.setdefault((str(entry.rule), entry.tensor.kind), []).append(entry)
    for entry, *_ in groups.values():
        first = next(cuts(entry.tensor.shape, 1 << 12))
        with named(entry.tensor):
            entry.draw(rng.child(entry.tensor.name), None, first)
