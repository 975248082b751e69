"""Make a noted tensor where it belongs: the whole, or the part that this rank holds, on any device."""

from __future__ import annotations

import torch

from fastinit.files.slabs import cuts
from fastinit.torch.filling import shards
from fastinit.torch.filling.shards import Index, local_part
from fastinit.torch.filling.writing import fill_tensor
from fastinit.torch.recording.blockwise import Blocks, NotBlockwise
from fastinit.torch.recording.boxes import Axis, Block
from fastinit.torch.recording.evaluation import Draws, Evaluator
from fastinit.torch.recording.steps import Ref

#: Bytes of the blocks in which several steps are done.
CHUNK = 1 << 24


def make(ref: Ref, like: torch.Tensor, device: torch.device | None, draws: Draws) -> torch.Tensor:
    """Make a tensor with the layout and sharding of `like`, on a device or on that of its mesh."""
    if device is None:
        device = torch.device(like.device_mesh.device_type if shards.is_sharded(like) else "cpu")
    step = ref.memory.only_step(ref.version)
    if step is not None and step.targets[0].has_geometry_of(ref):
        tensor = _empty(like, device)
        if step.fill is not None:
            fill_tensor(tensor, step.fill, draws(step))
            return tensor
        if step.constant is not None:
            local_part(tensor).fill_(step.constant)
            return tensor
    return _computed(ref, like, device, Evaluator(draws))


def _empty(like: torch.Tensor, device: torch.device) -> torch.Tensor:
    if shards.is_sharded(like):
        return torch.empty_like(like, device=device)
    return torch.empty_strided(like.size(), like.stride(), dtype=like.dtype, device=device)  # much faster on the meta device


def _computed(ref: Ref, like: torch.Tensor, device: torch.device, evaluator: Evaluator) -> torch.Tensor:
    """Make a tensor by all its steps, on the CPU: block by block if they can be done so, else the whole at once."""
    is_here = device.type == "cpu" and not shards.is_sharded(like)
    if is_here and ref.nbytes <= CHUNK:
        return _own(ref, evaluator)
    tensor = _empty(like, device)
    part, blocks = local_part(tensor), Blocks(evaluator)
    for piece in shards.pieces(tensor):
        try:
            _blockwise(ref, blocks, piece.whole, part[piece.local])
        except NotBlockwise:
            if is_here:
                return _own(ref, evaluator)
            part[piece.local].copy_(evaluator.tensor(ref)[piece.whole])
    return tensor


def make_piece(ref: Ref, blocks: Blocks, whole: Index, target: torch.Tensor) -> None:
    """Write a piece of the whole tensor into `target`: block by block if it can be done so, else from the whole."""
    try:
        _blockwise(ref, blocks, whole, target)
    except NotBlockwise:
        target.copy_(blocks.evaluator.tensor(ref)[whole])


def _blockwise(ref: Ref, blocks: Blocks, whole: Index, target: torch.Tensor) -> None:
    for cut in cuts(target.shape, CHUNK // target.element_size()):
        index = tuple(slice(part, part + 1) if isinstance(part, int) else part for part in cut)
        place = target[index]
        out = place if place.device.type == "cpu" and place.dtype == ref.dtype else None
        made = blocks.block(ref, _block(whole, index), out)
        if out is None:
            place.copy_(made)


def _own(ref: Ref, evaluator: Evaluator) -> torch.Tensor:
    """The whole tensor, in memory that nothing else uses."""
    tensor = evaluator.tensor(ref)
    return tensor if ref.is_whole else tensor.clone()


def _block(whole: Index, index: Index) -> Block:
    """The block of the whole tensor that is a part of a piece."""
    axes = [_axis(each) for each in whole]
    for number, part in enumerate(index):
        axes[number] = axes[number].of(_axis(part))
    return tuple(axes)


def _axis(part: slice) -> Axis:
    return Axis(part.start, len(range(part.start, part.stop, part.step or 1)), part.step or 1)
