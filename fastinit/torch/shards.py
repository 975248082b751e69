"""Which block of the whole tensor a rank holds."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

Index = tuple[slice, ...]


class Piece(NamedTuple):
    """A block of the whole tensor, and where in this rank's local part it lies."""

    whole: Index
    local: Index


def everything(tensor: torch.Tensor) -> Piece:
    """All of a tensor as one piece."""
    index = tuple(slice(0, size) for size in tensor.shape)
    return Piece(index, index)


def is_sharded(tensor: Any) -> bool:
    """Whether a tensor is a DTensor; one can only be if somebody has imported them."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def local_part(tensor: Any) -> torch.Tensor:
    """What this rank holds of a DTensor, sharing its memory."""
    with torch.no_grad():
        part: torch.Tensor = tensor.to_local()
    return part


def _chunk(places: np.ndarray[Any, Any], count: int, number: int) -> np.ndarray[Any, Any]:
    """Part `number` of `count`, cut as `torch.chunk` cuts: equal parts, the last ones shorter or empty."""
    size = -(-len(places) // count)
    return places[size * number : size * (number + 1)]


def _runs(places: np.ndarray[Any, Any]) -> list[tuple[slice, slice]]:
    """Ascending places as slices of the whole axis, each with the slice of the local axis that holds it."""
    steps = np.diff(places)
    if len(places) > 1 and (steps == steps[0]).all():
        return [(slice(int(places[0]), int(places[-1]) + 1, int(steps[0])), slice(0, len(places)))]
    cuts = [0, *(np.flatnonzero(steps != 1) + 1).tolist(), len(places)]
    return [(slice(int(places[i]), int(places[j - 1]) + 1), slice(i, j)) for i, j in itertools.pairwise(cuts) if i < j]


def _places(tensor: Any) -> dict[int, np.ndarray[Any, Any]]:
    """For each axis that is cut, the indices along it that this rank holds."""
    from torch.distributed.tensor import Replicate, Shard
    from torch.distributed.tensor.placement_types import _StridedShard

    mesh = tensor.device_mesh
    here = mesh.get_coordinate()
    places: dict[int, np.ndarray[Any, Any]] = {}
    for placement, count, number in zip(tensor.placements, mesh.shape, here, strict=True):
        if isinstance(placement, Replicate):
            continue
        if not isinstance(placement, Shard | _StridedShard):
            raise ValueError(f"tensor must be replicated or sharded along each mesh axis; got {tuple(tensor.placements)}")
        axis = placement.dim % tensor.ndim
        held = places.get(axis)
        if held is None:
            held = np.arange(tensor.shape[axis])
        if isinstance(placement, _StridedShard):  # cut into split_factor parts already; a chunk of each
            size = -(-len(held) // placement.split_factor)
            parts = [held[i : i + size] for i in range(0, len(held), max(size, 1))]
            places[axis] = np.concatenate([held[:0], *(_chunk(part, count, number) for part in parts)])
        else:
            places[axis] = _chunk(held, count, number)
    return places


def pieces(tensor: Any) -> Iterator[Piece]:
    """The blocks of a DTensor that this rank holds: none if it is outside the mesh, one for plain shards."""
    if tensor.device_mesh.get_coordinate() is None:
        return
    cut = _places(tensor)
    held = [len(cut[axis]) if axis in cut else size for axis, size in enumerate(tensor.shape)]
    local = tuple(local_part(tensor).shape)
    if tuple(held) != local:
        raise ValueError(f"tensor must hold {tuple(held)} on this rank, by its shape and placements; got {local}")
    every = [_runs(cut[axis]) if axis in cut else [(slice(0, n), slice(0, n))] for axis, n in enumerate(tensor.shape)]
    for chosen in itertools.product(*every):
        yield Piece(tuple(whole for whole, _ in chosen), tuple(part for _, part in chosen))
