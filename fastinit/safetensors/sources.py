"""The list of tensors: from a specification, from another file's header, or from the index of a sharded model."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from fastinit.files.atomic import PathLike
from fastinit.safetensors.format import Kind, Tensor, checked_name, checked_shape, kind, path_of, quoted
from fastinit.safetensors.reading import opened, read_header

#: Far more than the index of any model needs, and little enough to read at once.
MOST_JSON_BYTES = 1 << 25

KEYS = ("tensors", "rules", "default", "dtype")


class Source(NamedTuple):
    """The tensors, and the rules and the default of the specification, not yet read."""

    tensors: list[Tensor]
    rules: Mapping[str, Any] | None
    default: Any


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without repeated names."""
    entries: dict[str, Any] = {}
    for name, value in pairs:
        if name in entries:
            raise ValueError(f"{quoted(name)} must occur once; got it twice")
        entries[name] = value
    return entries


def read_json(path: PathLike) -> dict[str, Any]:
    """Read a JSON object from a file of at most 32 MiB; no name may occur twice in an object."""
    with opened(path) as file:
        raw = file.read(MOST_JSON_BYTES + 1)
    try:
        if len(raw) > MOST_JSON_BYTES:
            raise ValueError(f"it must be at most {MOST_JSON_BYTES:,} bytes")
        value = json.loads(raw, object_pairs_hook=_unique)
        if not isinstance(value, dict):
            raise ValueError(f"it must be an object; got {type(value).__name__}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} cannot be used: {' '.join(str(error).split())}") from None
    return value


def _shard(name: Any, index: Path) -> Path:
    """A shard's path. Its name must not lead out of the directory of the index, on Windows too."""
    plain = isinstance(name, str) and name not in ("", ".", "..") and "\0" not in name
    if not plain or PureWindowsPath(name).name != name:
        raise ValueError(f"{os.fspath(index)!r} must name files of its own directory; got {quoted(name)}")
    return index.parent / str(name)


def read_index(path: PathLike) -> list[Tensor]:
    """The tensors that an index names, shard by shard; only the headers of the shards beside it are read."""
    index = Path(path)
    weights = read_json(index).get("weight_map")
    if not isinstance(weights, dict):
        raise ValueError(f"{os.fspath(index)!r} must have an object 'weight_map'; got {quoted(weights)}")
    missing = dict(weights)
    tensors = []
    for file in sorted({_shard(name, index) for name in weights.values()}):
        for tensor in read_header(file):
            if weights.get(tensor.name) == file.name:
                tensors.append(tensor)
                missing.pop(tensor.name, None)
    if missing:
        name, file_name = next(iter(missing.items()))
        raise ValueError(f"{os.fspath(index)!r}: {quoted(file_name)} has no tensor {quoted(name)}")
    return tensors


def read_like(path: PathLike) -> list[Tensor]:
    """The tensors of a file, or of the sharded model that an index belongs to."""
    return read_index(path) if Path(path).name.endswith(".json") else read_header(path)


def _entry(name: Any, entry: Any, dtype: Any) -> Tensor:
    """A checked entry of a specification; `dtype` is for tensors without one."""
    try:
        if not isinstance(entry, Mapping):
            raise TypeError(f"it must be an object with 'shape' and 'dtype'; got {quoted(entry)}")
        if unknown := [key for key in entry if key not in ("shape", "dtype")]:
            raise ValueError(f"it must have 'shape' and 'dtype' only; got {quoted(unknown[0])}")
        if "shape" not in entry:
            raise ValueError("it must have a 'shape'")
        return Tensor(checked_name(name), checked_shape(entry["shape"]), kind(entry.get("dtype", dtype)))
    except (TypeError, ValueError) as error:
        raise type(error)(f"tensor {quoted(name)}: {error}") from None


def _listed(tensors: Any, dtype: Any) -> list[Tensor]:
    if not isinstance(tensors, Mapping):
        raise TypeError(f"spec must have under 'tensors' names and their shapes and dtypes; got {quoted(tensors)}")
    return [_entry(name, entry, dtype) for name, entry in tensors.items()]


def _converted(tensor: Tensor, dtype: Kind) -> Tensor:
    """The tensor with another dtype; integers and bools keep theirs."""
    return tensor._replace(kind=dtype) if tensor.kind.real else tensor


def _mapping(spec: Any) -> Mapping[str, Any]:
    """The specification, from its file if `spec` is a path."""
    content = read_json(spec) if isinstance(spec, str | os.PathLike) else spec
    if not isinstance(content, Mapping):
        raise TypeError(f"spec must be a mapping or the path of a JSON file; got {type(content).__name__}")
    if unknown := [key for key in content if key not in KEYS]:
        raise ValueError(f"spec must have {', '.join(KEYS)} only; got {quoted(unknown[0])}")
    if not isinstance(content.get("rules", {}), Mapping):
        raise TypeError(f"spec must have under 'rules' patterns and their rules; got {quoted(content['rules'])}")
    return content


def read(spec: Any = None, like: PathLike | None = None, dtype: Any = None) -> Source:
    """Collect the tensors from a specification or from `like`, one of them; the arguments are those of `fill`."""
    content = _mapping(spec) if spec is not None else {}
    if ("tensors" in content) == (like is not None):
        both = "both" if like is not None else "neither"
        raise ValueError(f"the tensors must come from spec or from like, one of them; got {both}")
    value = content.get("dtype") if dtype is None else dtype
    override = None if value is None else kind(value)
    if override is not None and not override.real:
        raise ValueError(f"dtype must be a floating one, since it is that of every tensor; got {value!r}")
    if like is not None:
        tensors = read_like(path_of("like", like))
    else:
        tensors = _listed(content["tensors"], override.code if override else "F32")
    if override is not None and (dtype is not None or like is not None):  # else it is only for tensors without a dtype
        tensors = [_converted(tensor, override) for tensor in tensors]
    return Source(tensors, content.get("rules"), content.get("default"))
