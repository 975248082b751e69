"""Where the list of tensors comes from: a specification, another file's header, or the index of a sharded model."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from fastinit.files.atomic import PathLike
from fastinit.safetensors.format import Kind, Tensor, checked_name, checked_shape, kind, path_of, shown
from fastinit.safetensors.reading import opened, read_header

#: Far beyond any model's index, and small enough to be read at once.
MOST_JSON_BYTES = 1 << 25

KEYS = ("tensors", "rules", "default", "dtype")


class Source(NamedTuple):
    """A specification, checked as far as it can be without its rules."""

    tensors: list[Tensor]
    rules: Mapping[str, Any] | None
    default: Any


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{shown(name)} must stand there once; got it twice")
        found[name] = value
    return found


def read_json(path: PathLike) -> dict[str, Any]:
    """Read a JSON object, in which no name may stand twice, from a file.

    Parameters
    ----------
    path : path-like
        The file, of at most 32 MiB.

    Returns
    -------
    dict
        What it holds.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not JSON, not an object, or too large.
    """
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
    """A shard's path, if it lies beside the index under a plain name, on Windows too."""
    plain = isinstance(name, str) and name not in ("", ".", "..") and "\0" not in name
    if not plain or PureWindowsPath(name).name != name:
        raise ValueError(f"{os.fspath(index)!r} must name files of its own directory; got {shown(name)}")
    return index.parent / str(name)


def read_index(path: PathLike) -> list[Tensor]:
    """Read the tensors of a sharded model.

    Parameters
    ----------
    path : path-like
        Its `.safetensors.index.json`. The shards lie beside it, and no more than their headers is read.

    Returns
    -------
    list of Tensor
        Those that the index names: shard by shard in the order of the shards' names, each as it lies in its file.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If the index has another form, a shard is no safetensors file, or lacks a tensor.
    """
    index = Path(path)
    weights = read_json(index).get("weight_map")
    if not isinstance(weights, dict):
        raise ValueError(f"{os.fspath(index)!r} must have an object 'weight_map'; got {shown(weights)}")
    missing = dict(weights)
    tensors = []
    for file in sorted({_shard(name, index) for name in weights.values()}):
        for tensor in read_header(file):
            if weights.get(tensor.name) == file.name:
                tensors.append(tensor)
                missing.pop(tensor.name, None)
    if missing:
        name, file_name = next(iter(missing.items()))
        raise ValueError(f"{os.fspath(index)!r}: {shown(file_name)} has no tensor {shown(name)}")
    return tensors


def read_like(path: PathLike) -> list[Tensor]:
    """The tensors of a file, or of the sharded model whose index it is."""
    return read_index(path) if Path(path).name.endswith(".json") else read_header(path)


def _entry(name: Any, entry: Any, dtype: Any) -> Tensor:
    """A checked entry of a specification."""
    try:
        if not isinstance(entry, Mapping):
            raise TypeError(f"it must be an object with 'shape' and 'dtype'; got {shown(entry)}")
        if alien := [key for key in entry if key not in ("shape", "dtype")]:
            raise ValueError(f"it must have 'shape' and 'dtype' only; got {shown(alien[0])}")
        if "shape" not in entry:
            raise ValueError("it must have a 'shape'")
        return Tensor(checked_name(name), checked_shape(entry["shape"]), kind(entry.get("dtype", dtype)))
    except (TypeError, ValueError) as error:
        raise type(error)(f"tensor {shown(name)}: {error}") from None


def _listed(tensors: Any, dtype: Any) -> list[Tensor]:
    if not isinstance(tensors, Mapping):
        raise TypeError(f"spec must have under 'tensors' names and their shapes and dtypes; got {shown(tensors)}")
    return [_entry(name, entry, dtype) for name, entry in tensors.items()]


def _converted(tensor: Tensor, wanted: Kind) -> Tensor:
    """The tensor with another dtype; integers and truth values keep theirs."""
    return tensor._replace(kind=wanted) if tensor.kind.real else tensor


def _mapping(spec: Any) -> Mapping[str, Any]:
    given = read_json(spec) if isinstance(spec, str | os.PathLike) else spec
    if not isinstance(given, Mapping):
        raise TypeError(f"spec must be a mapping or the path of a JSON file; got {type(given).__name__}")
    if alien := [key for key in given if key not in KEYS]:
        raise ValueError(f"spec must have {', '.join(KEYS)} only; got {shown(alien[0])}")
    if not isinstance(given.get("rules", {}), Mapping):
        raise TypeError(f"spec must have under 'rules' patterns and their rules; got {shown(given['rules'])}")
    return given


def read(spec: Any = None, like: PathLike | None = None, dtype: Any = None) -> Source:
    """Collect what is to be filled.

    Parameters
    ----------
    spec : mapping or path-like, optional
        As `docs/safetensors.md` describes it.
    like : path-like, optional
        Another file or an index, for the tensors.
    dtype : dtype, optional
        In place of every floating dtype.

    Returns
    -------
    Source
        The tensors, and what the specification says about rules.

    Raises
    ------
    OSError, TypeError, ValueError
        If a file cannot be read, or is not as it should be; or unless exactly one of the two has tensors.
    """
    given = _mapping(spec) if spec is not None else {}
    if ("tensors" in given) == (like is not None):
        both = "both" if like is not None else "neither"
        raise ValueError(f"the tensors must come from spec or from like, one of them; got {both}")
    wanted = given.get("dtype") if dtype is None else dtype
    override = None if wanted is None else kind(wanted)
    if override is not None and not override.real:
        raise ValueError(f"dtype must be a floating one, since it is that of every tensor; got {wanted!r}")
    tensors = (
        _listed(given["tensors"], override.code if override else "F32") if like is None else read_like(path_of("like", like))
    )
    if override is not None and (dtype is not None or like is not None):  # else it is of those without one of their own
        tensors = [_converted(tensor, override) for tensor in tensors]
    return Source(tensors, given.get("rules"), given.get("default"))
