"""A fill as an in-place operation of torch: what is refused, which generator decides, what autograd learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from fastinit.generator import Generator
from fastinit.torch import generators as sources
from fastinit.torch import shards
from fastinit.torch.filling import fill, fill_whole, held
from fastinit.torch.fills import Law
from fastinit.torch.tensors import require_writable, written


def require_tensor(tensor: Any) -> torch.Tensor:
    """The argument itself, if it is a tensor."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"tensor must be a torch.Tensor; got {type(tensor).__name__}")
    return tensor


def _source(tensor: torch.Tensor, generator: Any) -> Generator:
    """The Generator whose next call fills the tensor, outside blocks."""
    if generator is None and shards.is_sharded(tensor):
        raise ValueError("generator must be given for a DTensor, the same on every rank; got None")
    return sources.generator_of(generator)


def fill_in_place(tensor: Any, law: Law, generator: Any) -> torch.Tensor:
    """Fill by a law; a tensor on the meta device stays as it is."""
    target = require_tensor(tensor)
    block = sources.current() if generator is None else None
    rng = _source(target, generator) if block is None else None
    if held(target).is_meta:
        return target
    require_writable(target)
    with torch.no_grad():
        if block is not None:
            block.fill(target, law)
        elif rng is not None:
            fill(target, law, rng)
    written(target)
    return target


def make_in_place(tensor: torch.Tensor, make: Callable[[torch.Tensor, Generator], None], generator: Any) -> torch.Tensor:
    """Fill by a function that needs the whole tensor and one call of a Generator."""
    block = sources.current() if generator is None else None
    rng = _source(tensor, generator) if block is None else block.generator(tensor)
    if held(tensor).is_meta or tensor.numel() == 0:
        return tensor
    require_writable(tensor)
    with torch.no_grad():
        fill_whole(tensor, lambda whole: make(whole, rng))
    written(tensor)
    return tensor
