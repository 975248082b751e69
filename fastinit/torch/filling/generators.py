"""From an argument `generator` or `rng` to a Generator."""

from __future__ import annotations

from typing import Any

import torch

from fastinit.generator import Call, Generator, default_rng


def from_torch(generator: torch.Generator | None) -> Generator:
    """A Generator seeded with 128 bits drawn from a torch.Generator, or from torch's default one."""
    device = "cpu" if generator is None else generator.device
    words = torch.randint(0, 1 << 32, (4,), dtype=torch.int64, device=device, generator=generator)
    return default_rng(words.tolist())


def generator_of(generator: Any) -> Generator:
    """The Generator whose next call decides; a torch.Generator advances when that call is taken, not before."""
    if generator is None or isinstance(generator, torch.Generator):
        return Call(lambda: from_torch(generator)._next_call())
    return _from_seed(generator, "generator")


def rng_of(rng: Any) -> Generator:
    """The Generator for many calls that an argument `rng` stands for."""
    return from_torch(rng) if rng is None or isinstance(rng, torch.Generator) else _from_seed(rng, "rng")


def require_torchs(name: str, generator: Any) -> torch.Generator | None:
    """The argument itself, if torch's own values can come from it."""
    if generator is None or isinstance(generator, torch.Generator):
        return generator
    raise TypeError(
        f"{name} must be a torch.Generator or None with values='torch', since only torch's generators give torch's values; "
        f"got {type(generator).__name__} {generator!r}"
    )


def _from_seed(seed: Any, name: str) -> Generator:
    try:
        return default_rng(seed)
    except TypeError:
        raise TypeError(
            f"{name} must be a fastinit.Generator, a torch.Generator, a seed (an int or a sequence of ints) or None; "
            f"got {type(seed).__name__} {seed!r}"
        ) from None
    except ValueError:
        raise ValueError(f"{name} must hold non-negative integers; got {seed!r}") from None
