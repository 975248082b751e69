"""Writing `.npy` files through a memory map, whole or not at all."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from fastinit.files.atomic import MOST_BYTES, PathLike, allocate, replacing
from fastinit.files.slabs import SLAB, Array, Where, eager, fill_slabs, mapped

MOST_AXES = 64


def header(shape: Sequence[int], dtype: npt.DTypeLike) -> bytes:
    """Make the bytes that precede the values in a `.npy` file.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array, which is kept in C order.
    dtype : dtype
        Anything that NumPy takes, without Python objects. NumPy's format has no names for the types of `ml_dtypes`, so that
        their values are marked as raw, of one or two bytes each: as `numpy.save` does for most, while `numpy.load` fails on
        what it writes for float8_e5m2.

    Returns
    -------
    bytes
        Header of format version 1.0, padded to a multiple of 64 bytes.

    Raises
    ------
    ValueError
        If NumPy could not load such a file: an axis below 0, more than 64 axes, 2^63 bytes or more, or Python objects.
    """
    kind = np.dtype(dtype)
    if kind.hasobject:
        raise ValueError(f"dtype must not hold Python objects; got {kind}")
    if any(n < 0 for n in shape) or len(shape) > MOST_AXES:
        raise ValueError(f"shape must have at most {MOST_AXES} axes, none negative; got {tuple(shape)}")
    # NumPy multiplies the axes that are not 0, so that (0, 2^63) fails to load too.
    if math.prod(n for n in shape if n) * kind.itemsize > MOST_BYTES - (1 << 16):
        raise ValueError(f"shape must stay below 2^63 bytes; got {tuple(shape)} of {kind}")
    buffer = io.BytesIO()
    descr = f"{kind.str[0]}V{kind.itemsize}" if kind.isbuiltin == 2 else np.lib.format.dtype_to_descr(kind)
    entries = {"descr": descr, "fortran_order": False, "shape": tuple(map(int, shape))}
    np.lib.format.write_array_header_1_0(buffer, entries)
    return buffer.getvalue()


def fill_npy(
    path: PathLike,
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    draw: Callable[[Array, slice], object],
    *,
    progress: Callable[[int], object] | None = None,
    overwrite: bool = False,
    slab_bytes: int = SLAB,
) -> int:
    """Write a `.npy` file that may be larger than memory, slab by slab.

    Parameters
    ----------
    path : path-like
        The file, under exactly this name.
    shape : sequence of int
        Shape of the array.
    dtype : dtype
        Its dtype; see `header` for bfloat16.
    draw : callable
        `draw(out, where)` writes the elements `where`, a slice of the flat array in C order, into the one-dimensional `out`.
    progress : callable, optional
        Called with the number of bytes of each slab that is done.
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
    ValueError
        If no array can have this shape and dtype.
    OSError
        If the file exists, or cannot be written: a full disk is found before the first call of `draw`.

    Examples
    --------
    >>> import tempfile, numpy as np, fastinit as fi
    >>> from fastinit.files.npy import fill_npy
    >>> def draw(out, where):
    ...     fi.default_rng(0).normal(size=6, index=where, out=out)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     size = fill_npy(f"{directory}/x.npy", (2, 3), np.float32, draw)
    ...     x = np.load(f"{directory}/x.npy")
    >>> size, bool((x == fi.default_rng(0).normal(size=(2, 3))).all())
    (152, True)
    """
    head, kind, total = header(shape, dtype), np.dtype(dtype), math.prod(shape)
    size = len(head) + total * kind.itemsize

    def slab(out: Array, where: Where) -> None:
        draw(out, cast(slice, where[0]))

    with replacing(path, overwrite=overwrite) as file:
        allocate(file, size, path)
        mapping = mapped(file, head, size)
        flat: Array = np.ndarray(total, kind, mapping, len(head))
        fill_slabs(flat, slab, eager(file, len(head), progress), slab_bytes)
        mapping.flush()  # not closed here: `draw` may have kept an array
    return size
