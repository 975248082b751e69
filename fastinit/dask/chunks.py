"""From the argument `chunks` to the lengths of the chunks along each axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import dask
import numpy as np
from dask.array.core import normalize_chunks
from dask.utils import parse_bytes

Chunks = tuple[tuple[int, ...], ...]

#: The most chunks along an axis. Dask lists them all, and more would take too much time and memory.
MOST = 1 << 24


def _most_automatic(lengths: Iterable[int], elements: float) -> float:
    """The most chunks along an axis if Dask cuts square chunks of so many elements; short axes leave room to the others."""
    lengths, most = sorted(lengths), 1.0
    for left, length in zip(range(len(lengths), 0, -1), lengths, strict=True):
        side = max(min(length, elements ** (1 / left)), 1.0)
        elements /= side
        most = max(most, length / side)
    return most


def _entries(chunks: Any, axes: int) -> list[Any]:
    """The entry of `chunks` for each axis."""
    if isinstance(chunks, dict):
        return [chunks.get(axis) for axis in range(axes)]
    return list(chunks) if isinstance(chunks, tuple | list) and len(chunks) == axes else [chunks] * axes


def _chunk_bytes(sizes: list[str]) -> int:
    """The size of an automatic chunk: the first one in bytes, or Dask's configuration if all are "auto"."""
    return int(parse_bytes(next((size for size in sizes if size != "auto"), dask.config.get("array.chunk-size"))))


def _longest(length: int, entry: Any) -> int:
    """The longest chunk of an axis whose entry is no text: a size, the sizes of all, or the whole axis (None, -1)."""
    size = max(entry, default=1) if isinstance(entry, tuple | list) else entry
    return min(length, int(size)) if isinstance(size, int | np.integer) and size > 0 else length


def _check_number(chunks: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse more chunks than Dask can list."""
    if isinstance(chunks, bool):
        raise TypeError(f"chunks must not be a bool; got {chunks!r}")
    axes = list(zip(shape, _entries(chunks, len(shape)), strict=True))
    fixed = [(n, entry) for n, entry in axes if isinstance(entry, int | np.integer) and entry > 0]
    most = max((n / int(entry) for n, entry in fixed), default=1.0)
    automatic = [n for n, entry in axes if isinstance(entry, str)]
    if automatic:
        rest = dtype.itemsize * math.prod(_longest(n, entry) for n, entry in axes if n and not isinstance(entry, str))
        size = _chunk_bytes([entry for _, entry in axes if isinstance(entry, str)])
        most = max(most, _most_automatic(automatic, size / rest))
    if most > MOST:
        raise ValueError(f"chunks must be at most {MOST:,} along each axis; got {chunks!r} for shape {shape}, about {most:.3g}")


def lengths(chunks: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Chunks:
    """The lengths of the chunks along each axis of an array of this shape, by Dask's rules."""
    try:
        _check_number(chunks, shape, dtype)
        result: Chunks = normalize_chunks(chunks, shape, dtype=dtype)
    except Exception as error:
        if str(error).startswith("chunks must"):
            raise
        kind = TypeError if isinstance(error, TypeError | AttributeError) else ValueError
        reason = str(error).partition("\n")[0]
        raise kind(f"chunks must be what dask.array takes for shape {shape}; got {chunks!r}: {reason}") from None
    if [sum(axis) for axis in result] != list(shape) or not all(type(n) is int and n >= 0 for axis in result for n in axis):
        raise ValueError(f"chunks must be whole numbers that add up to shape {shape}; got {chunks!r}")
    return result
