"""Writing `.npy` files through a memory map, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import math
import mmap
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
PathLike = str | os.PathLike[str]

#: Bytes between two reports of progress, and between two looks at pending signals: some tens of milliseconds.
SLAB = 1 << 26

#: Sizes of files are signed 64-bit integers.
MOST_BYTES = 2**63 - 1
MOST_AXES = 64

#: What a filesystem answers that cannot reserve space.
_NO_RESERVING = (errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


def header(shape: Sequence[int], dtype: npt.DTypeLike) -> bytes:
    """Make the bytes that precede the values in a `.npy` file.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array, which is kept in C order.
    dtype : dtype
        Anything that NumPy takes, without Python objects. NumPy's format has no name for bfloat16, so that the values are
        marked as raw, of two bytes each, as `numpy.save` does.

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
    entries = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": tuple(map(int, shape))}
    np.lib.format.write_array_header_1_0(buffer, entries)
    return buffer.getvalue()


def destination(path: PathLike, *, overwrite: bool = False) -> Path:
    """Find out which file a path names, links followed, and whether it may be written.

    Parameters
    ----------
    path : path-like
        Where the file shall be.
    overwrite : bool
        Whether a file may be there already.

    Returns
    -------
    pathlib.Path
        Absolute, without symbolic links.

    Raises
    ------
    OSError
        If the directory does not exist, if a file is there and may not be overwritten, or if what is there is not a file.
    """
    final = Path(path).resolve()
    if not final.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such directory", str(final.parent))
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if os.path.lexists(final):
        if not final.is_file():  # a device: it would be replaced, not written to
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        if not overwrite:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return final


@contextlib.contextmanager
def replacing(path: PathLike, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary file that takes its name when the `with` block ends well, and is removed when it does not.

    Parameters
    ----------
    path : path-like
        The final name. The temporary file lies in the same directory, as `.{name}.{random}.part`.
    overwrite : bool
        Whether a file of that name is replaced; its permissions are kept.

    Yields
    ------
    binary file
        Empty, for reading and writing.

    Raises
    ------
    OSError
        As `destination` does; and where the temporary file cannot be made, synced or renamed.

    Notes
    -----
    What is under the final name is complete at all times, after a loss of power too: the file is synced before it is renamed,
    and the directory after.
    """
    final = destination(path, overwrite=overwrite)
    # A part of a long name, so that the whole stays below the usual 255 bytes.
    part = final.with_name(f".{final.name[:50]}.{secrets.token_hex(8)}.part")
    try:
        with part.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.lexists(destination(path, overwrite=overwrite)):  # again: it may have appeared since
            shutil.copymode(final, part)
        part.replace(final)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    _sync_directory(final.parent)


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # the file itself is safe; some filesystems cannot sync a directory
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reserve(descriptor: int, size: int, directory: Path) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
            return
        except OSError as error:
            if error.errno not in _NO_RESERVING:
                raise
    if shutil.disk_usage(directory).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(descriptor, size)


def _allocate(file: BinaryIO, size: int, path: PathLike) -> None:
    """Take the disk space now: writing to a page of a map that finds no room later would kill the process."""
    directory = Path(path).resolve().parent
    try:
        _reserve(file.fileno(), size, directory)
    except OSError as error:
        free = shutil.disk_usage(directory).free
        raise OSError(error.errno, f"{error.strerror}: {size:,} bytes needed, {free:,} free", str(path)) from None


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
    >>> from fastinit.files import fill_npy
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
    with replacing(path, overwrite=overwrite) as file:
        _allocate(file, size, path)
        file.write(head)
        file.flush()
        if size > len(head):
            slabs = -(-total // max(slab_bytes // kind.itemsize, 1))
            _fill_map(file, len(head), kind, total, draw, progress, slabs)
    return size


def _fill_map(
    file: BinaryIO,
    offset: int,
    dtype: np.dtype[Any],
    total: int,
    draw: Callable[[Array, slice], object],
    progress: Callable[[int], object] | None,
    slabs: int,
) -> None:
    mapping = mmap.mmap(file.fileno(), offset + total * dtype.itemsize)
    flat: Array = np.ndarray(total, dtype, mapping, offset)
    for i in range(slabs):
        # All of one size but for an element, so that none is so small that it needs another kernel.
        where = slice(i * total // slabs, (i + 1) * total // slabs)
        draw(flat[where], where)
        if progress is not None:
            progress((where.stop - where.start) * dtype.itemsize)
    mapping.flush()  # not closed here: `draw` may have kept an array
