"""`.npy` files, written through a memory map: complete or absent."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastinit.arguments import checks
from fastinit.files.atomic import MOST_BYTES, PathLike, allocate, replacing, require_space
from fastinit.files.slabs import SLAB, Array, Progress, Where, fill_slabs, mapped, write_behind

MOST_AXES = 64


def header(shape: Sequence[int], dtype: npt.DTypeLike) -> bytes:
    """Make the bytes that precede the values in a `.npy` file: format version 1.0, a multiple of 64 bytes.

    ValueError if NumPy could not load the file. The format has no names for the dtypes of `ml_dtypes`: their values are marked
    as raw items of one or two bytes, as `numpy.save` does. (It marks float8_e5m2 otherwise, which `numpy.load` refuses.)
    """
    kind = np.dtype(dtype)
    if kind.hasobject:
        raise ValueError(f"dtype must not hold Python objects; got {kind}")
    if any(n < 0 for n in shape) or len(shape) > MOST_AXES:
        raise ValueError(f"shape must have at most {MOST_AXES} axes, none negative; got {tuple(shape)}")
    # numpy.load multiplies the axes that are not 0, so it fails on (0, 2^63) too.
    if math.prod(n for n in shape if n) * kind.itemsize > MOST_BYTES - (1 << 16):
        raise ValueError(f"shape must stay below 2^63 bytes; got {tuple(shape)} of {kind}")
    buffer = io.BytesIO()
    descr = f"{kind.str[0]}V{kind.itemsize}" if kind.isbuiltin == 2 else np.lib.format.dtype_to_descr(kind)
    entries = {"descr": descr, "fortran_order": False, "shape": tuple(map(int, shape))}
    np.lib.format.write_array_header_1_0(buffer, entries)
    return buffer.getvalue()


def _fill(
    file: BinaryIO,
    head: bytes,
    shape: tuple[int, ...],
    kind: np.dtype[Any],
    draw: Callable[[Array, Where], object],
    progress: Progress | None,
    slab_bytes: int,
) -> None:
    """Write the head and the values through a map that ends with this function: Windows renames no file that is mapped."""
    mapping = mapped(file, head, len(head) + math.prod(shape) * kind.itemsize)
    array: Array = np.ndarray(shape, kind, mapping, len(head))
    fill_slabs(array, draw, write_behind(file, len(head), progress), slab_bytes)
    mapping.flush()  # but not closed: `draw` may have kept an array


def fill_npy(
    path: PathLike,
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    draw: Callable[[Array, Where], object],
    *,
    progress: Progress | None = None,
    overwrite: bool = False,
    slab_bytes: int = SLAB,
) -> int:
    """Write a `.npy` file slab by slab; it may be larger than memory.

    Parameters
    ----------
    path : path-like
        The file. No ending is added.
    shape : sequence of int
        Shape of the array.
    dtype : dtype
        Its dtype; see `header` for bfloat16.
    draw : callable
        `draw(out, where)` writes the elements `where`, an index of the array, into `out`.
    progress : callable, optional
        Called with the number of bytes of each finished slab.
    overwrite : bool
        Whether an existing file is replaced.
    slab_bytes : int
        Upper limit of a slab's size, but a slab holds at least one element.

    Returns
    -------
    int
        Size of the file in bytes.

    Raises
    ------
    TypeError
        If `progress` or `overwrite` is of a wrong type.
    ValueError
        If NumPy could not load the file: a negative axis, more than 64 axes, 2^63 bytes or more, or Python objects.
    OSError
        If the file exists or cannot be written. A disk that is too full is found before anything is written.

    Examples
    --------
    >>> import tempfile, numpy as np, fastinit as fi
    >>> from fastinit.files.npy import fill_npy
    >>> def draw(out, where):
    ...     fi.default_rng(0).normal(size=(2, 3), index=where, out=out)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     size = fill_npy(f"{directory}/x.npy", (2, 3), np.float32, draw)
    ...     x = np.load(f"{directory}/x.npy")
    >>> size, bool((x == fi.default_rng(0).normal(size=(2, 3))).all())
    (152, True)
    """
    checks.switch("overwrite", overwrite)
    checks.callback("progress", progress)
    head, kind = header(shape, dtype), np.dtype(dtype)
    size = len(head) + math.prod(shape) * kind.itemsize
    with replacing(path, overwrite=overwrite) as file:
        require_space(path, size)
        allocate(file, size, path)
        _fill(file, head, tuple(shape), kind, draw, progress, slab_bytes)
    return size
