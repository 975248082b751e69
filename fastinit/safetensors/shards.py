"""A model in several files: which tensors go into which shard, the names of the shards, and the index of the model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fastinit.arguments import quantities
from fastinit.files.atomic import MOST_BYTES
from fastinit.safetensors.format import Tensor

SUFFIX = ".safetensors"
INDEX = ".safetensors.index.json"


def byte_size(value: Any) -> int:
    """The argument `max_shard_size`: a number of bytes, or text such as "5GB" (powers of 1000) or "4.5GiB" (of 1024)."""
    size = value
    if isinstance(value, str):
        size = quantities.byte_size(value) or 0
    elif isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_shard_size must be a number of bytes, or text such as '5GB'; got {value!r}")
    if not 1 <= size <= MOST_BYTES:
        raise ValueError(f"max_shard_size must be a number of bytes above 0, or text such as '5GB' or '500MB'; got {value!r}")
    return int(size)


def split(tensors: Iterable[Tensor], most: int | None) -> list[list[Tensor]]:
    """Distribute tensors, in their order, over shards of at most `most` bytes, as Hugging Face does.

    A larger tensor gets a shard of its own. Without a limit there is one shard; a model without tensors has one, too.
    """
    if most is None:
        return [list(tensors)]
    shards: list[list[Tensor]] = []
    current: list[Tensor] = []
    room = most
    for tensor in tensors:
        if tensor.nbytes > most:
            shards.append([tensor])  # before the current shard, which is not full yet
            continue
        if tensor.nbytes > room:
            shards.append(current)
            current, room = [], most
        room -= tensor.nbytes
        current.append(tensor)
    if current or not shards:
        shards.append(current)
    return shards


def stem(path: Path) -> str:
    """The file's name without its ending: the shards' names begin with it."""
    if not path.name.endswith(SUFFIX) or path.name == SUFFIX:
        raise ValueError(f"path must end in {SUFFIX}, which loaders look for; got {str(path)!r}")
    return path.name.removesuffix(SUFFIX)


def names(path: Path, count: int) -> list[Path]:
    """The files of `count` shards: `path` itself for one, else `model-00001-of-00003.safetensors` and so on beside it."""
    if count == 1:
        return [path]
    return [path.with_name(f"{stem(path)}-{i + 1:05d}-of-{count:05d}{SUFFIX}") for i in range(count)]


def index_name(path: Path) -> Path:
    """The index of a sharded model."""
    return path.with_name(stem(path) + INDEX)


def index(shards: Sequence[tuple[Path, Sequence[Tensor]]]) -> bytes:
    """The content of the index, as transformers writes it."""
    total = sum(tensor.nbytes for _, tensors in shards for tensor in tensors)
    weights = {tensor.name: path.name for path, tensors in shards for tensor in tensors}
    content = {"metadata": {"total_size": total}, "weight_map": weights}
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def files_of(path: Path) -> list[Path]:
    """All existing files of a model: the index first, then the file in one piece, then shards of any number."""
    shard = re.compile(rf"{re.escape(stem(path))}-[0-9]{{5}}-of-[0-9]{{5}}{re.escape(SUFFIX)}")
    try:
        entries = sorted(path.parent.iterdir())
    except OSError:
        return []
    single = [entry for entry in (index_name(path), path) if entry in entries]
    return single + [entry for entry in entries if shard.fullmatch(entry.name)]
