"""Fill a tensor wherever its elements are: in this process's memory, on a GPU or another accelerator, on many ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from fastinit.arguments import devices, outputs
from fastinit.files.slabs import Where, cuts
from fastinit.generator import Call, Generator, one_call
from fastinit.torch.filling import shards
from fastinit.torch.filling.fills import Draws, as_torch_has
from fastinit.torch.filling.pages import prefer_huge_pages
from fastinit.torch.filling.shards import Index, local_part
from fastinit.torch.filling.tensors import REALS, Array, array_of, flat_array, is_dense, real_of, require_real

#: Bytes of the buffer through which values go to an accelerator.
STAGING = 32 << 20


def is_reachable(device: torch.device) -> bool:
    """Whether a device is the CPU or an accelerator that torch can use."""
    if device.type == "cpu":
        return True
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return accelerator is not None and accelerator.type == device.type


def require_device(device: Any) -> torch.device:
    """The device that an argument `device` names, if it is reachable."""
    if not isinstance(device, str | torch.device):
        raise TypeError(f"device must be a torch.device or a str; got {device!r}")
    try:
        target = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must name a device of torch; got {device!r}: {error}") from None
    if not is_reachable(target):
        raise ValueError(f"device must be the CPU or an accelerator that torch can use here; got {device!r}")
    return target


def can_fill(tensor: Any) -> bool:
    """Whether a tensor's layout, dtype and device can be filled."""
    part = local_part(tensor)
    return is_dense(part) and part.dtype in REALS and is_reachable(part.device)


def is_served(device: torch.device) -> bool:
    """Whether memory of a device is filled where it is: on the CPU, or on a GPU that kernels serve."""
    if device.type != "cuda" or torch.version.hip is not None or not devices.is_enabled():
        return bool(device.type == "cpu")
    from fastinit.gpu import driver  # LLVM's writer, imported only where a GPU is filled

    return driver.reason_against(device.index or 0) is None


def can_fill_in_place(tensor: Any) -> bool:
    """Whether a tensor can be filled without a copy from another device."""
    return can_fill(tensor) and is_served(local_part(tensor).device)


def _require_fillable(part: torch.Tensor) -> None:
    if not is_dense(part):
        raise TypeError(f"tensor must be a dense tensor with memory of its own; got {type(part).__name__}, {part.layout}")
    real_of(part)
    if not is_reachable(part.device):
        raise TypeError(f"tensor must be on the CPU or on an accelerator that torch can use here; got {part.device}")


def require_fillable(tensor: torch.Tensor) -> None:
    """Raise what `fill_tensor` raises for this tensor."""
    part = local_part(tensor)
    if not shards.is_sharded(tensor) and flat_array(part) is not None:
        return
    _require_fillable(part)
    require_real(part.dtype)
    if part.device.type == "cpu":
        _writable_array(part)
    list(shards.pieces(tensor))


def _is_in_memory(tensor: torch.Tensor) -> bool:
    """Whether all elements of a tensor that can be filled are in this process's memory."""
    return tensor.device.type == "cpu" and not shards.is_sharded(tensor)


def _writable_array(part: torch.Tensor) -> Array:
    prefer_huge_pages(part)
    array = array_of(part)
    try:
        outputs.check(array, array.shape, array.dtype)
    except ValueError:
        shape, strides = tuple(part.shape), part.stride()
        raise ValueError(f"tensor must not overlap itself; got shape {shape} with strides {strides}") from None
    return array


def _memory(part: torch.Tensor) -> Any:
    """What a Generator can write into: an array on the CPU, the tensor itself on a GPU, or None if neither is served."""
    if (flat := flat_array(part)) is not None:
        prefer_huge_pages(part)
        return flat.reshape(part.shape)
    _require_fillable(part)
    if part.device.type == "cpu":
        return _writable_array(part)
    return part.detach() if is_served(part.device) else None


def fill_tensor(tensor: torch.Tensor, fill: Draws, rng: Generator) -> None:
    """Fill with one call of a Generator, or raise before anything is written. Autograd is left to the caller."""
    part = local_part(tensor)
    if not shards.is_sharded(tensor) and (memory := _memory(part)) is not None:
        fill.draw(rng, real_of(part), out=memory)
        return
    _require_fillable(part)
    real = real_of(part)
    pieces, call, shape = list(shards.pieces(tensor)), one_call(rng), tuple(tensor.shape)
    fill.plan(real)  # raises for wrong parameters
    call._next_call()  # on a rank without elements too
    for piece in pieces:
        target = part[piece.local]
        memory = _memory(target)
        if memory is not None:
            fill.draw(call, real, size=shape, index=piece.whole, out=memory)
        else:
            buffer = torch.empty(STAGING, dtype=torch.uint8, device="cpu", pin_memory=torch.cuda.is_available())
            stage(target, buffer, fill, call, shape, piece.whole)


def fill_whole(tensor: torch.Tensor, make: Callable[[torch.Tensor], object]) -> None:
    """Call `make` with the tensor if all its elements are in this process's memory, else with a temporary to copy from."""
    part = local_part(tensor)
    _require_fillable(part)
    require_real(part.dtype)
    if _is_in_memory(tensor):
        _writable_array(part)
        with as_torch_has():
            make(part)
        return
    pieces = list(shards.pieces(tensor))
    whole = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
    with as_torch_has():
        make(whole)
    for piece in pieces:
        part[piece.local].copy_(whole[piece.whole])


def stage(part: torch.Tensor, buffer: torch.Tensor, fill: Draws, call: Call, shape: tuple[int, ...], block: Index) -> None:
    """Fill `part`, on any device, with a block of a tensor of this shape, through a buffer of bytes on the CPU."""
    values = buffer.view(part.dtype)
    for index in cuts(part.shape, values.numel()):
        target = part[index]
        source = values[: target.numel()].view(target.shape)
        if fill.adds:
            source.copy_(target)
        fill.draw(call, real_of(part), size=shape, index=_within(block, index), out=array_of(source))
        target.copy_(source)  # waits for the transfer, after which the buffer is free


def _within(block: Index, index: Where) -> Where:
    """Turn an index of a block into an index of the whole tensor."""
    axes = [range(axis.start, axis.stop, axis.step or 1) for axis in block]
    inner = [axis[part] for axis, part in zip(axes, (*index, *[slice(None)] * len(axes)), strict=False)]
    return tuple(slice(axis.start, axis.stop, axis.step) if isinstance(axis, range) else axis for axis in inner)
