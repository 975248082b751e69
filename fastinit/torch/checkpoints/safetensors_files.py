"""Models without memory as safetensors files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from fastinit.files.slabs import Array, Where
from fastinit.generator import Generator, default_rng
from fastinit.safetensors import shards, writing
from fastinit.safetensors.drawing import Job
from fastinit.safetensors.format import Tensor, checked_name, kind
from fastinit.torch.checkpoints.contents import Entry, Pieces, block_of, size_of
from fastinit.torch.checkpoints.processes import on_first_rank
from fastinit.torch.filling.shards import is_sharded


def write(entries: list[Entry], path: str, max_shard_size: int | str | None, overwrite: bool, advance: Any) -> tuple[Path, ...]:
    """Write safetensors files; rank 0 of a group writes them all. The files, an index last."""
    target = writing.model_path(path)
    most = None if max_shard_size is None else shards.byte_size(max_shard_size)
    named = {entry.name: entry for entry in entries if entry.owner == entry.name}
    tensors = [_tensor(entry) for entry in named.values()]
    pieces = Pieces()

    def job(tensor: Tensor) -> Job:
        entry = named[tensor.name]

        def draw(_: Generator, out: Array | None, where: Where) -> None:
            if out is not None:
                block = block_of(entry.shape, where)
                pieces.write(entry, block, _as_torch(out, entry.dtype).view(size_of(block)))

        return Job(tensor, None, draw)

    def files() -> tuple[Path, ...]:
        model = writing.model_files(target, tensors, job, default_rng(0), most, overwrite)
        return writing.write(model, advance).files

    return on_first_rank(files)


def _tensor(entry: Entry) -> Tensor:
    """An entry as the format has it."""
    try:
        if not entry.is_tensor:
            raise TypeError(f"safetensors files hold only tensors; got {type(entry.value).__name__}")
        if entry.value.layout is not torch.strided:
            raise ValueError(f"safetensors files hold only dense tensors; got {entry.value.layout}")
        if entry.ref is None and is_sharded(entry.value):
            raise ValueError("a DTensor that has its values cannot be written to safetensors files")
        return Tensor(checked_name(entry.name), entry.shape, kind(entry.dtype))
    except (TypeError, ValueError) as error:
        raise type(error)(f"model: {entry.name}: {error}") from None


def _as_torch(out: Array, dtype: torch.dtype) -> torch.Tensor:
    """A contiguous array's memory as a tensor with one axis."""
    return torch.from_numpy(out.reshape(-1).view(np.uint8)).view(dtype)
