"""The safetensors format: a length of 8 bytes, a header in JSON, and the tensors' bytes, little-endian in C order."""

from __future__ import annotations

import json
import math
import os
import reprlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments import blocks, dtypes

#: Quotes what a file holds: a name may have a hundred million characters.
_quote = reprlib.Repr()
_quote.maxstring = _quote.maxother = 120
shown = _quote.repr

#: What the format's own library refuses to read.
MOST_HEADER_BYTES = 100_000_000

#: The header's own entry, which no tensor can be called.
METADATA = "__metadata__"

#: The format's codes and the names of the same dtypes elsewhere, in the order in which tensors lie in a file: that of the
#: format's own library, wide ones first, so that each begins at a multiple of its size.
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
    """A dtype: its place in the order, its code in files, NumPy's dtype, and whether initialisers draw it."""

    rank: int
    code: str
    dtype: np.dtype[Any]
    real: bool

    @property
    def name(self) -> str:
        """The name that it has outside of files."""
        return NAMES[self.code]


_REALS = {real.name: real.dtype for real in dtypes.REALS.values()}
KINDS = {
    code: Kind(rank, code, _REALS.get(name) or np.dtype(name), name in _REALS)
    for rank, (code, name) in enumerate(NAMES.items())
    if name in _REALS or not name.startswith(("float", "bfloat"))
}
_BY_NAME = {name: KINDS[code] for code, name in NAMES.items() if code in KINDS}


def kind(value: Any) -> Kind:
    """The entry for a dtype: the format's code, NumPy's name, or what NumPy makes a dtype of."""
    if isinstance(value, str):
        found = KINDS.get(value) or _BY_NAME.get(value)
    else:
        try:
            found = _BY_NAME.get(np.dtype(value).name) if value is not None else None
        except (TypeError, ValueError):
            found = None
    if found is None:
        allowed = ", ".join(f"{entry.code} or {entry.name}" for entry in KINDS.values())
        raise ValueError(f"dtype must be one of {allowed}; got {shown(value)}")
    return found


class Tensor(NamedTuple):
    """One tensor of a file."""

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
    return str(os.fspath(value))


def checked_name(name: Any) -> str:
    """`name`, if a tensor can have it."""
    if not isinstance(name, str):
        raise TypeError(f"a tensor's name must be a str; got {shown(name)}")
    if name == METADATA:
        raise ValueError(f"a tensor must not be called {METADATA!r}: the format keeps that name for itself")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"a tensor's name must be valid Unicode; got {shown(name)}") from None
    return name


def checked_shape(shape: Any) -> tuple[int, ...]:
    """`shape`, if it is a list of sizes."""
    if not isinstance(shape, list | tuple):
        raise TypeError(f"shape must be a list of whole numbers; got {shown(shape)}")
    if any(isinstance(n, int) and abs(n) > blocks.MOST_ELEMENTS for n in shape):
        raise ValueError(f"shape must stay below 2^63 elements; got {shown(shape)}")
    return blocks.shape_of(shape, "shape")


def ordered(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The tensors as they lie in a file: by dtype, then by name."""
    return sorted(tensors, key=lambda tensor: (tensor.kind.rank, tensor.name))  # code points sort as their UTF-8 does


def header(tensors: Iterable[Tensor]) -> bytes:
    """Everything before the first tensor's bytes.

    Parameters
    ----------
    tensors : iterable of Tensor
        In the order in which they lie in the file.

    Returns
    -------
    bytes
        The length, and the JSON padded with blanks to a multiple of 8 bytes. Its metadata say "pt", as files written from
        PyTorch do: transformers does not load a file without.

    Raises
    ------
    ValueError
        If it is longer than the format allows.
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
