"""The safetensors format: the length of the header in 8 bytes, the header in JSON, the tensors' bytes in C order."""

from __future__ import annotations

import contextlib
import json
import math
import os
import reprlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments import blocks, dtypes

#: `repr` for messages, cut to 120 characters: a file's header may hold a name of a hundred million.
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 120
quoted = _repr.repr

#: The safetensors library refuses longer headers.
MOST_HEADER_BYTES = 100_000_000

#: The header's entry for metadata: no tensor can have this name.
METADATA = "__metadata__"

#: The format's codes and NumPy's names of the same dtypes. Tensors lie in a file in this order, which is the safetensors
#: library's: wide dtypes first, so that each tensor begins at a multiple of its element size.
NAMES = {
    "U64": "uint64",
    "I64": "int64",
    "F64": "float64",
    "F32": "float32",
    "U32": "uint32",
    "I32": "int32",
    "BF16": "bfloat16",
    "F16": "float16",
    "U16": "uint16",
    "I16": "int16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


class Kind(NamedTuple):
    """A dtype: its rank in the order of a file, its code in files, NumPy's dtype, and whether it holds reals."""

    rank: int
    code: str
    dtype: np.dtype[Any]
    real: bool

    @property
    def name(self) -> str:
        """NumPy's name."""
        return NAMES[self.code]


KINDS = {
    code: Kind(rank, code, dtypes.by_name(name) or np.dtype(name), dtypes.by_name(name) is not None)
    for rank, (code, name) in enumerate(NAMES.items())
}
_BY_NAME = {entry.name: entry for entry in KINDS.values()}


def kind(value: Any) -> Kind:
    """The entry of a dtype: the format's code, NumPy's name, a dtype of torch, or what NumPy makes a dtype of."""
    name = str(value).removeprefix("torch.") if type(value).__module__ == "torch" else value
    if name is not None and not isinstance(name, str):
        with contextlib.suppress(TypeError, ValueError):
            name = np.dtype(name).name
    entry = KINDS.get(name) or _BY_NAME.get(name) if isinstance(name, str) else None
    if entry is None:
        allowed = ", ".join(f"{each.code} or {each.name}" for each in KINDS.values())
        raise ValueError(f"dtype must be one of {allowed}; got {quoted(value)}")
    return entry


class Tensor(NamedTuple):
    """A tensor of a file."""

    name: str
    shape: tuple[int, ...]
    kind: Kind

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.kind.dtype.itemsize


def path_of(name: str, value: Any) -> str:
    """`value`, if it is a path."""
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{name} must be a path; got {value!r}")
    path = str(os.fspath(value))
    if "\0" in path:
        raise ValueError(f"{name} must not contain a null character; got {path!r}")
    return path


def checked_name(name: Any) -> str:
    """`name`, if a tensor can have it."""
    if not isinstance(name, str):
        raise TypeError(f"a tensor's name must be a str; got {quoted(name)}")
    if name == METADATA:
        raise ValueError(f"a tensor must not be called {METADATA!r}: the format keeps that name for itself")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"a tensor's name must be valid Unicode; got {quoted(name)}") from None
    return name


def checked_shape(shape: Any) -> tuple[int, ...]:
    """`shape`, if it is a list of sizes."""
    if not isinstance(shape, list | tuple):
        raise TypeError(f"shape must be a list of whole numbers; got {quoted(shape)}")
    if any(isinstance(n, int) and abs(n) > blocks.MOST_ELEMENTS for n in shape):
        raise ValueError(f"shape must stay below 2^63 elements; got {quoted(shape)}")
    return blocks.shape_of(shape, "shape")


def ordered(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The tensors in the order of a file: by dtype, then by name."""
    return sorted(tensors, key=lambda tensor: (tensor.kind.rank, tensor.name))  # code points sort as their UTF-8 does


def header(tensors: Iterable[Tensor]) -> bytes:
    """Everything before the first tensor's bytes, for tensors in the order of a file.

    The JSON is padded with blanks to a multiple of 8 bytes. Its metadata say "pt", as files written from PyTorch do:
    transformers does not load a file without.
    """
    entries: dict[str, Any] = {METADATA: {"format": "pt"}}
    end = 0
    for tensor in tensors:
        begin, end = end, end + tensor.nbytes
        entries[tensor.name] = {"dtype": tensor.kind.code, "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MOST_HEADER_BYTES:
        raise ValueError(
            f"a file's header must be at most {MOST_HEADER_BYTES:,} bytes; got {len(text):,} for {len(entries) - 1:,} tensors: "
            "max_shard_size makes several files"
        )
    return len(text).to_bytes(8, "little") + text
