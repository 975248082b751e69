"""A model in several files: which tensors go where, how the files are called, and the index that holds them together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fastinit.files.atomic import MOST_BYTES
from fastinit.safetensors.format import Tensor

SUFFIX = ".safetensors"
INDEX = ".safetensors.index.json"

#: Decimal, as Hugging Face counts; the binary ones have names of their own.
UNITS = {
    "": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}IB": 1024**power for power, letter in enumerate("KMGT", 1)},
}


def byte_size(value: Any) -> int:
    """Read a number of bytes.

    Parameters
    ----------
    value : int or str
        The number, or text such as "5GB", "500MB" (powers of 1000) or "4.5GiB" (of 1024).

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    TypeError, ValueError
        If it is something else.

    Examples
    --------
    >>> from fastinit.safetensors.shards import byte_size
    >>> byte_size("5GB"), byte_size("1.5KiB")
    (5000000000, 1536)
    """
    size = value
    if isinstance(value, str):
        found = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([A-Za-z]*)\s*", value)
        unit = UNITS.get(found[2].upper()) if found else None
        number = found[1] if found else ""
        size = 0 if unit is None else int(number) * unit if number.isdecimal() else int(float(number) * unit)
    elif isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_shard_size must be a number of bytes, or text such as '5GB'; got {value!r}")
    if not 1 <= size <= MOST_BYTES:
        raise ValueError(f"max_shard_size must be a number of bytes above 0, or text such as '5GB' or '500MB'; got {value!r}")
    return int(size)


def split(tensors: Iterable[Tensor], most: int | None) -> list[list[Tensor]]:
    """Distribute tensors as Hugging Face does.

    Parameters
    ----------
    tensors : iterable of Tensor
        In the order in which they fill the shards.
    most : int, optional
        Bytes of tensors in a shard. A larger tensor has a shard of its own. Without it there is one shard.

    Returns
    -------
    list of list of Tensor
        At least one, which is empty if there are no tensors.
    """
    shards: list[list[Tensor]] = []
    current: list[Tensor] = []
    room = most
    for tensor in tensors:
        if most is not None and tensor.nbytes > most:
            shards.append([tensor])  # before the shard that is being filled, which goes on
            continue
        if room is not None and most is not None:
            if tensor.nbytes > room:
                shards.append(current)
                current, room = [], most
            room -= tensor.nbytes
        current.append(tensor)
    if current or not shards:
        shards.append(current)
    return shards


def stem(path: Path) -> str:
    """The name without its ending, from which the shards' names are made."""
    if not path.name.endswith(SUFFIX) or path.name == SUFFIX:
        raise ValueError(f"path must end in {SUFFIX}, by which those who load it know it; got {str(path)!r}")
    return path.name.removesuffix(SUFFIX)


def names(path: Path, count: int) -> list[Path]:
    """The files of so many shards: `path` itself for one, else `model-00001-of-00003.safetensors` and so on beside it."""
    if count == 1:
        return [path]
    return [path.with_name(f"{stem(path)}-{i + 1:05d}-of-{count:05d}{SUFFIX}") for i in range(count)]


def index_name(path: Path) -> Path:
    """Where the index of a sharded model is."""
    return path.with_name(stem(path) + INDEX)


def index(shards: Sequence[tuple[Path, Sequence[Tensor]]]) -> bytes:
    """The index, as transformers writes it."""
    total = sum(tensor.nbytes for _, tensors in shards for tensor in tensors)
    weights = {tensor.name: path.name for path, tensors in shards for tensor in tensors}
    content = {"metadata": {"total_size": total}, "weight_map": weights}
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def files_of(path: Path) -> list[Path]:
    """All files of a model that are there: in one piece, in shards of any number, and the index, which comes first."""
    shard = re.compile(rf"{re.escape(stem(path))}-[0-9]{{5}}-of-[0-9]{{5}}{re.escape(SUFFIX)}")
    try:
        beside = sorted(path.parent.iterdir())
    except OSError:
        return []
    mine = (index_name(path), path)
    return [entry for entry in mine if entry in beside] + [entry for entry in beside if shard.fullmatch(entry.name)]
