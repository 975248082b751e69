"""Which blocks of a whole tensor are in this process."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

Index = tuple[slice, ...]
Indices = np.ndarray[Any, Any]


class Piece(NamedTuple):
    """A block of the whole tensor, and where it lies in the local part."""

    whole: Index
    local: Index


def are_loaded() -> bool:
    """Whether the module of DTensors is imported."""
    return "torch.distributed.tensor" in sys.modules


def is_sharded(tensor: Any) -> bool:
    """Whether a tensor is a DTensor. None exists before somebody has imported their module, which is slow to import."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def local_part(tensor: Any) -> torch.Tensor:
    """The elements in this process: the tensor itself, or the local part of a DTensor, which shares its memory."""
    if is_sharded(tensor):
        with torch.no_grad():
            tensor = tensor.to_local()
    part: torch.Tensor = tensor
    return part


def _chunk(indices: Indices, count: int, number: int) -> Indices:
    """Part `number` of `count`, cut as `torch.chunk` cuts: equal parts, the last ones shorter or empty."""
    size = -(-len(indices) // count)
    return indices[size * number : size * (number + 1)]


def _runs(indices: Indices) -> list[tuple[slice, slice]]:
    """Ascending indices as slices of the whole axis, each with its slice of the local axis."""
    steps = np.diff(indices)
    if len(indices) > 1 and (steps == steps[0]).all():
        return [(slice(int(indices[0]), int(indices[-1]) + 1, int(steps[0])), slice(0, len(indices)))]
    ends = [0, *(np.flatnonzero(steps != 1) + 1).tolist(), len(indices)]
    return [(slice(int(indices[i]), int(indices[j - 1]) + 1), slice(i, j)) for i, j in itertools.pairwise(ends) if i < j]


def _local_indices(tensor: Any) -> dict[int, Indices]:
    """For each sharded axis of a DTensor, the indices along it that this rank has."""
    from torch.distributed.tensor import Replicate, Shard
    from torch.distributed.tensor.placement_types import _StridedShard

    mesh = tensor.device_mesh
    indices: dict[int, Indices] = {}
    for placement, count, number in zip(tensor.placements, mesh.shape, mesh.get_coordinate(), strict=True):
        if isinstance(placement, Replicate):
            continue
        if not isinstance(placement, Shard | _StridedShard):
            raise ValueError(f"tensor must be replicated or sharded along each mesh axis; got {tuple(tensor.placements)}")
        axis = placement.dim % tensor.ndim
        local = indices.get(axis, np.arange(tensor.shape[axis]))
        if isinstance(placement, _StridedShard):  # already in split_factor parts: a chunk of each
            size = max(-(-len(local) // placement.split_factor), 1)
            parts = [local[i : i + size] for i in range(0, len(local), size)]
            indices[axis] = np.concatenate([local[:0], *(_chunk(part, count, number) for part in parts)])
        else:
            indices[axis] = _chunk(local, count, number)
    return indices


def pieces(tensor: Any) -> Iterator[Piece]:
    """The blocks of a tensor in this process: all of a plain one; of a DTensor none outside the mesh, one for plain shards."""
    if not is_sharded(tensor):
        index = tuple(slice(0, size) for size in tensor.shape)
        yield Piece(index, index)
        return
    if tensor.device_mesh.get_coordinate() is None:
        return
    indices = _local_indices(tensor)
    expected = tuple(len(indices[axis]) if axis in indices else size for axis, size in enumerate(tensor.shape))
    local = tuple(local_part(tensor).shape)
    if expected != local:
        raise ValueError(f"tensor must hold {expected} on this rank, by its shape and placements; got {local}")
    axes = [_runs(indices[axis]) if axis in indices else [(slice(0, n), slice(0, n))] for axis, n in enumerate(tensor.shape)]
    for runs in itertools.product(*axes):
        yield Piece(tuple(whole for whole, _ in runs), tuple(part for _, part in runs))
