"""Fill a tensor, wherever its elements are: in this process's memory, on an accelerator, on many ranks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from fastinit.arguments import outputs
from fastinit.calls import Call, one_call
from fastinit.generator import Generator
from fastinit.torch import shards
from fastinit.torch.fills import Law
from fastinit.torch.tensors import DTYPES, Array, array_of, dtype_of, is_dense

#: Bytes of the buffer through which values go to an accelerator.
STAGING = 32 << 20

Shape = tuple[int, ...]


def held(tensor: Any) -> torch.Tensor:
    """What this process holds of a tensor: the tensor itself, or the local part of a DTensor."""
    part: torch.Tensor = shards.local_part(tensor) if shards.is_sharded(tensor) else tensor
    return part


def is_served(tensor: Any) -> bool:
    """Whether the elements that this process holds are of a served dtype and in the CPU's memory."""
    part = held(tensor)
    return is_dense(part) and part.device.type == "cpu" and part.dtype in DTYPES


def fill(tensor: torch.Tensor, law: Law, rng: Generator) -> None:
    """Fill with one call of a Generator, or raise before anything is written; autograd is the caller's matter."""
    part = held(tensor)
    _require_served(part)
    if part is tensor and part.device.type == "cpu":
        law.draw(rng, dtype_of(part), out=_target(part))
        return
    blocks = list(shards.pieces(tensor)) if part is not tensor else [shards.everything(part)]
    call = one_call(rng)
    law.draw(call, dtype_of(part), size=0)  # an empty part has its arguments checked too, and takes its call
    for block in blocks:
        _fill_block(part[block.local], law, call, tuple(tensor.shape), block.whole)


def fill_whole(tensor: torch.Tensor, make: Callable[[torch.Tensor], None]) -> None:
    """Let `make` fill the tensor, or, where its elements are not all in this process's memory, one from which it is copied."""
    part = held(tensor)
    _require_served(part)
    if part is tensor and part.device.type == "cpu":
        _target(part)
        make(part)
        return
    blocks = list(shards.pieces(tensor)) if part is not tensor else [shards.everything(part)]
    whole = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
    make(whole)
    for block in blocks:
        part[block.local].copy_(whole[block.whole])


def _require_served(part: torch.Tensor) -> None:
    if not is_dense(part):
        raise TypeError(f"tensor must be a dense tensor with memory of its own; got {type(part).__name__}, {part.layout}")
    dtype_of(part)
    if not is_reachable(part.device):
        raise TypeError(f"tensor must be on the CPU or on an accelerator that torch can use here; got {part.device}")


def is_reachable(device: torch.device) -> bool:
    """Whether a device is the CPU or an accelerator that torch can use."""
    if device.type == "cpu":
        return True
    if not torch.accelerator.is_available():
        return False
    accelerator = torch.accelerator.current_accelerator()
    return accelerator is not None and accelerator.type == device.type


def _target(part: torch.Tensor) -> Array:
    array = array_of(part)
    try:
        return outputs.check(array, array.shape, array.dtype)
    except ValueError:
        shape, strides = tuple(part.shape), part.stride()
        raise ValueError(f"tensor must not overlap itself; got shape {shape} with strides {strides}") from None


def _fill_block(part: torch.Tensor, law: Law, call: Call, shape: Shape, where: shards.Index) -> None:
    """Fill `part` with the block `where` of a tensor of this shape."""
    if part.device.type == "cpu":
        law.draw(call, dtype_of(part), size=shape, index=where, out=_target(part))
    else:
        pinned = torch.empty(STAGING, dtype=torch.uint8, pin_memory=torch.cuda.is_available())
        stage(part, pinned, law, call, shape, where)


def stage(part: torch.Tensor, buffer: torch.Tensor, law: Law, call: Call, shape: Shape, where: shards.Index) -> None:
    """Fill `part`, on any device, with the block `where`, through a byte buffer in the CPU's memory."""
    values = buffer.view(part.dtype)
    for inner in cuts(tuple(part.shape), values.numel()):
        target = part[inner]
        source = values[: target.numel()].view(target.shape)
        outer = tuple(map(_within, where, inner))
        law.draw(call, dtype_of(part), size=shape, index=outer, out=array_of(source))
        target.copy_(source)  # waits for the transfer, after which the buffer is free


def _within(outer: slice, inner: slice) -> slice:
    """The slice of the whole axis that is slice `inner`, of step 1, of its slice `outer`."""
    step = outer.step or 1
    return slice(outer.start + step * inner.start, outer.start + step * (inner.stop - 1) + 1, step)


def cuts(shape: Shape, most: int) -> Iterator[shards.Index]:
    """Blocks of at most so many elements that make up a shape, in its order."""
    if math.prod(shape) <= most:
        if 0 not in shape:
            yield tuple(slice(0, size) for size in shape)
        return
    row = math.prod(shape[1:])
    if row <= most:
        step = most // row
        for start in range(0, shape[0], step):
            yield (slice(start, min(start + step, shape[0])), *(slice(0, size) for size in shape[1:]))
        return
    for start in range(shape[0]):
        for rest in cuts(shape[1:], most):
            yield (slice(start, start + 1), *rest)
