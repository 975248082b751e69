"""From what `generator=` takes to a Generator; the blocks that a thread is in."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import torch

from fastinit.calls import Call
from fastinit.generator import Generator, default_rng
from fastinit.torch.fills import Law


def from_torch(generator: torch.Generator | None) -> Generator:
    """The Generator of a torch.Generator's state, or of the default one's, which moves on by 128 bits."""
    device = "cpu" if generator is None else generator.device
    words = torch.randint(0, 1 << 32, (4,), dtype=torch.int64, device=device, generator=generator)
    return default_rng(words.tolist())


def generator_of(generator: Any, name: str = "generator") -> Generator:
    """The Generator that an argument stands for."""
    if generator is None or isinstance(generator, torch.Generator):
        return Call(lambda: from_torch(generator)._next_call())
    return _seeded(generator, name)


def rng_of(rng: Any) -> Generator:
    """The Generator for many calls that an argument `rng` stands for."""
    if rng is None or isinstance(rng, torch.Generator):
        return from_torch(rng)
    return _seeded(rng, "rng")


def _seeded(seed: Any, name: str) -> Generator:
    try:
        return default_rng(seed)
    except TypeError:
        raise TypeError(
            f"{name} must be a fastinit.Generator, a torch.Generator, a seed (an int or a sequence of ints) or None; "
            f"got {type(seed).__name__} {seed!r}"
        ) from None
    except ValueError:
        raise ValueError(f"{name} must hold non-negative integers; got {seed!r}") from None


class Block(Protocol):
    """What decides the values of fills that name no generator."""

    def fill(self, tensor: torch.Tensor, law: Law) -> None:
        """Fill a tensor, or raise before anything is written."""

    def generator(self, tensor: torch.Tensor) -> Generator:
        """The Generator whose next call fills the tensor."""


class _Blocks(threading.local):
    def __init__(self) -> None:
        self.stack: list[Block] = []


_blocks = _Blocks()


def enter(block: Block) -> None:
    _blocks.stack.append(block)


def leave(block: Block) -> None:
    """Forget a block of this thread, wherever in the stack it is."""
    _blocks.stack = [each for each in _blocks.stack if each is not block]


def current() -> Block | None:
    """The innermost block that this thread is in."""
    return _blocks.stack[-1] if _blocks.stack else None
