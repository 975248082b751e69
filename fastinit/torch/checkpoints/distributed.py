"""Checkpoints of `torch.distributed.checkpoint`, in one process or with a part from each."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, MetadataIndex, StorageMeta, TensorProperties
from torch.distributed.checkpoint.planner import TensorWriteData, WriteItem, WriteItemType
from torch.futures import Future

from fastinit.files import folders
from fastinit.files.atomic import require_space
from fastinit.files.slabs import SLAB, Where, cuts
from fastinit.torch.checkpoints.contents import Entry, Pieces, block_of, size_of
from fastinit.torch.checkpoints.processes import is_first, on_first_rank

#: Bytes of a file, but it has at least one piece. The library holds what it has written until a file is complete.
FILE = 2 * SLAB

#: The file that makes a folder a checkpoint.
METADATA = ".metadata"

Advance = Callable[[int], object]


class Planner(dcp.DefaultSavePlanner):  # type: ignore[misc]
    """Plans tensors without memory as pieces of 64 MiB, and makes each when it is written."""

    state_dict: dict[str, Any]

    def __init__(self, entries: Iterable[Entry], advance: Advance) -> None:
        super().__init__()
        self.noted = {entry.name: entry for entry in entries if entry.ref is not None}
        self.pieces, self.advance = Pieces(), advance

    def set_up_planner(self, state_dict: Any, storage_meta: Any = None, is_coordinator: bool = False) -> None:
        super().set_up_planner(state_dict, storage_meta, is_coordinator)
        self.state_dict = {name: value for name, value in self.state_dict.items() if name not in self.noted}

    def create_local_plan(self) -> Any:
        kept = super().create_local_plan()
        self.plan = dataclasses.replace(kept, items=[*kept.items, *itertools.starmap(_item, self._chunks())])
        return self.plan

    def _chunks(self) -> Iterator[tuple[Entry, ChunkStorageMetadata]]:
        for entry in self.noted.values():
            for where in [*cuts(entry.shape, max(SLAB // entry.dtype.itemsize, 1))] or [()]:
                yield entry, _chunk(entry.shape, where)

    def resolve_data(self, write_item: Any) -> Any:
        entry = self.noted.get(write_item.index.fqn)
        if entry is None:
            return super().resolve_data(write_item)
        chunk = write_item.tensor_data.chunk
        piece = torch.empty(chunk.sizes, dtype=entry.dtype)
        index = tuple(slice(start, start + size) for start, size in zip(chunk.offsets, chunk.sizes, strict=True))
        self.pieces.write(entry, index, piece)
        self.advance(piece.nbytes)
        return piece


def _chunk(shape: tuple[int, ...], where: Where) -> ChunkStorageMetadata:
    """A block of a tensor, as a checkpoint has it."""
    block = block_of(shape, where)
    return ChunkStorageMetadata(torch.Size(part.start for part in block), torch.Size(size_of(block)))


def _item(entry: Entry, chunk: ChunkStorageMetadata) -> WriteItem:
    data = TensorWriteData(chunk, TensorProperties(dtype=entry.dtype), torch.Size(entry.shape))
    return WriteItem(MetadataIndex(entry.name, chunk.offsets), WriteItemType.SHARD, tensor_data=data)


class Writer(dcp.FileSystemWriter):  # type: ignore[misc]
    """Writes files of limited size, each with a few pieces."""

    def __init__(self, folder: Path, final: Path) -> None:
        super().__init__(folder, per_thread_copy_ahead=0)
        self.final = final

    def storage_meta(self) -> StorageMeta:
        return dataclasses.replace(super().storage_meta(), checkpoint_id=str(self.final))

    def write_data(self, plan: Any, planner: Any) -> Future[list[Any]]:
        results: list[Any] = []
        for number, items in enumerate(_files(plan.items)):
            storage = dataclasses.replace(plan.storage_data, prefix=f"{plan.storage_data.prefix}{number}_")
            results += super().write_data(dataclasses.replace(plan, items=items, storage_data=storage), planner).wait()
        done: Future[list[Any]] = Future()
        done.set_result(results)
        return done


def _files(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Distribute what a process writes over files."""
    current: list[Any] = []
    size = 0
    for item in items:
        nbytes = 0 if item.tensor_data is None else _nbytes(item.tensor_data)
        if current and size + nbytes > FILE:
            yield current
            current, size = [], 0
        current.append(item)
        size += nbytes
    if current:
        yield current


def _nbytes(data: TensorWriteData) -> int:
    return int(data.chunk.sizes.numel()) * int(data.properties.dtype.itemsize)


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a checkpoint and nothing else, which would be lost with it."""
    return (folder / METADATA).is_file() and all(
        file.name == METADATA or (file.suffix == ".distcp" and file.is_file()) for file in folder.iterdir()
    )


def write(entries: list[Entry], path: str, overwrite: bool, advance: Advance) -> tuple[Path, ...]:
    """Write a checkpoint; every process of a group takes part. Its files, the metadata last."""
    final = on_first_rank(lambda: folders.folder_destination(path, is_checkpoint, overwrite=overwrite))
    part = on_first_rank(lambda: _begin(final, sum(entry.nbytes for entry in entries)))
    try:
        _save(entries, Writer(part, final), Planner(entries, advance))
        on_first_rank(lambda: folders.publish(part, final, is_checkpoint, overwrite=overwrite))
    except BaseException:
        if is_first():
            folders.discard(part)
        raise
    files = on_first_rank(lambda: sorted(final.iterdir(), key=lambda file: (file.name == METADATA, file.name)))
    return tuple(files)


def _begin(final: Path, nbytes: int) -> Path:
    require_space(final, nbytes)
    return folders.new_folder(final)


def _save(entries: list[Entry], writer: Writer, planner: Planner) -> None:
    """Let the library write; raise the error of the first process that has one."""
    state: dict[str, Any] = {}
    for entry in entries:
        holder = state
        for key in entry.path[:-1]:
            holder = holder.setdefault(key, {})
        holder[entry.path[-1]] = entry.value.detach() if entry.is_tensor else entry.value
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
            dcp.save(state, storage_writer=writer, planner=planner)
    except dcp.CheckpointException as error:
        raise error.failures[min(error.failures)][0] from None
