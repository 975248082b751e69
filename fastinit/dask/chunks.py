"""From what `chunks=` takes to the lengths of the chunks along each axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import dask
import numpy as np
from dask.array.core import normalize_chunks
from dask.utils import parse_bytes

Chunks = tuple[tuple[int, ...], ...]

#: Chunks along one axis: Dask lists them all, which would take the memory and the time of everybody who asks for more.
MOST = 1 << 24


def _most_automatic(lengths: Iterable[int], room: float) -> float:
    """Chunks along some axis when square chunks of so many elements are cut: short axes leave their share to the others."""
    lengths, most = sorted(lengths), 1.0
    for left, length in zip(range(len(lengths), 0, -1), lengths, strict=True):
        cut = max(min(length, room ** (1 / left)), 1.0)
        room /= cut
        most = max(most, length / cut)
    return most


def _entries(chunks: Any, axes: int) -> list[Any]:
    """What is asked for along each axis, as far as it can be told."""
    if isinstance(chunks, dict):
        return [chunks.get(axis) for axis in range(axes)]
    return list(chunks) if isinstance(chunks, tuple | list) and len(chunks) == axes else [chunks] * axes


def _limit(sizes: list[str]) -> int:
    """Bytes of a chunk that is cut automatically."""
    return int(parse_bytes(next((size for size in sizes if size != "auto"), dask.config.get("array.chunk-size"))))


def _check_number(chunks: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse what Dask would sit over for ever."""
    if isinstance(chunks, bool):
        raise TypeError(f"chunks must not be a bool; got {chunks!r}")
    asked = list(zip(shape, _entries(chunks, len(shape)), strict=True))
    fixed = [(n, c) for n, c in asked if isinstance(c, int | np.integer) and c > 0]
    most = max((n / int(c) for n, c in fixed), default=1.0)
    automatic = [n for n, c in asked if isinstance(c, str)]
    if automatic:
        block = dtype.itemsize * math.prod(min(n, int(c)) for n, c in fixed if n)
        most = max(most, _most_automatic(automatic, _limit([c for _, c in asked if isinstance(c, str)]) / block))
    if most > MOST:
        raise ValueError(f"chunks must be at most {MOST:,} along each axis; got {chunks!r} for shape {shape}, about {most:.3g}")


def lengths(chunks: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Chunks:
    """The lengths of the chunks along each axis of an array of this shape, by Dask's rules."""
    try:
        _check_number(chunks, shape, dtype)
        found: Chunks = normalize_chunks(chunks, shape, dtype=dtype)
    except Exception as error:
        if str(error).startswith("chunks must"):
            raise
        kind = TypeError if isinstance(error, TypeError | AttributeError) else ValueError
        reason = str(error).partition("\n")[0]
        raise kind(f"chunks must be what dask.array takes for shape {shape}; got {chunks!r}: {reason}") from None
    if [sum(each) for each in found] != list(shape) or not all(type(n) is int and n >= 0 for each in found for n in each):
        raise ValueError(f"chunks must be whole numbers that add up to shape {shape}; got {chunks!r}")
    return found
