"""Arrays in memory-mapped files, filled in slabs, so that a file may be larger than memory."""

from __future__ import annotations

import contextlib
import math
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy.typing as npt

Array = npt.NDArray[Any]
Where = tuple[int | slice, ...]
Progress = Callable[[int], object]

#: Bytes of a slab: some tens of milliseconds between two reports of progress, or two looks at pending signals.
SLAB = 1 << 26

#: Finished bytes after which the disk is asked to write: fewer would not be worth a system call.
WRITE_BEHIND = 1 << 25


def cuts(shape: Sequence[int], most: int) -> Iterator[Where]:
    """Cut an array into contiguous blocks of at most `most` elements, in C order; the index of each.

    Blocks along an axis differ in length by at most one, so none falls below the size from which several threads are used.

    >>> from fastinit.files.slabs import cuts
    >>> list(cuts((10,), 4))
    [(slice(0, 3, None),), (slice(3, 6, None),), (slice(6, 10, None),)]
    >>> list(cuts((2, 3), 2))
    [(0, slice(0, 1, None)), (0, slice(1, 3, None)), (1, slice(0, 1, None)), (1, slice(1, 3, None))]
    """
    if not math.prod(shape):
        return
    if not shape:
        yield ()
        return
    length, row = shape[0], math.prod(shape[1:])
    if row > most:
        yield from ((i, *inner) for i in range(length) for inner in cuts(shape[1:], most))
        return
    count = -(-length // (most // row))
    yield from ((slice(i * length // count, (i + 1) * length // count),) for i in range(count))


def mapped(file: BinaryIO, head: bytes, size: int) -> mmap.mmap:
    """Write the head of a file whose space is allocated, and map the whole file."""
    file.write(head)
    file.flush()
    return mmap.mmap(file.fileno(), size)


def write_behind(file: BinaryIO, begin: int, progress: Progress | None = None) -> Progress:
    """Make a callback for finished slabs, which lets the disk write them while the next ones are drawn.

    It takes the number of bytes of each slab of a file that is filled from the offset `begin` on, and calls `progress` with it.
    Without it the disk may stay idle until `sync`, which then waits for the whole file: safetensors files took 23 % longer. On
    Linux, POSIX_FADV_DONTNEED starts writing the dirty pages and does not wait. Clean pages that are mapped stay in memory.
    """
    written = finished = begin

    def done(count: int) -> None:
        nonlocal written, finished
        finished += count
        if finished - written >= WRITE_BEHIND and hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):  # only an advice
                os.posix_fadvise(file.fileno(), written, finished - written, os.POSIX_FADV_DONTNEED)
            written = finished
        if progress is not None:
            progress(count)

    return done


def fill_slabs(
    array: Array,
    draw: Callable[[Array, Where], object],
    progress: Progress | None = None,
    slab_bytes: int = SLAB,
) -> None:
    """Fill a C-contiguous array slab by slab.

    `draw(out, where)` writes the elements `where`, an index of the array, into `out`. `progress` is called with the number of
    bytes of each finished slab. A slab has at most `slab_bytes`, but at least one element.
    """
    for where in cuts(array.shape, max(slab_bytes // array.itemsize, 1)):
        out = array[(*where, ...)]
        draw(out, where)
        if progress is not None:
            progress(out.nbytes)
