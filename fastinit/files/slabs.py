"""Arrays mapped into a file and filled slab by slab, so that a file may be larger than memory."""

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

#: Bytes between two reports of progress, and between two looks at pending signals: some tens of milliseconds.
SLAB = 1 << 26

#: Bytes from which it is worth a system call to have them written.
EAGER = 1 << 25


def cuts(shape: Sequence[int], most: int) -> Iterator[Where]:
    """Cut an array into blocks that lie in one piece each, in C order.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    most : int
        Upper limit of a block's elements, at least 1.

    Yields
    ------
    tuple of int and slice
        The index of each block, nothing for an array without elements. Blocks between two cuts of an axis have one size but for
        one step, so that none is so small that it needs another kernel.

    Examples
    --------
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
    """Begin a file that has its space with `head`, and map all of it."""
    file.write(head)
    file.flush()
    return mmap.mmap(file.fileno(), size)


def eager(file: BinaryIO, begin: int, progress: Progress | None = None) -> Progress:
    """What is to be told of each slab that is done, so that the disk writes it while the next ones are drawn.

    Without it, the disk may have nothing to do until all is drawn and `sync` waits for it.

    Parameters
    ----------
    file : binary file
        The file, filled in its order.
    begin : int
        Offset of the first slab.
    progress : callable, optional
        Called with each number of bytes, too.

    Returns
    -------
    callable
        To be called with the number of bytes of each slab.
    """
    started = reached = begin

    def done(count: int) -> None:
        nonlocal started, reached
        reached += count
        if reached - started >= EAGER and hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):  # an advice
                # On Linux this begins to write; pages that are not yet written, or mapped, stay.
                os.posix_fadvise(file.fileno(), started, reached - started, os.POSIX_FADV_DONTNEED)
            started = reached
        if progress is not None:
            progress(count)

    return done


def fill_slabs(
    array: Array,
    draw: Callable[[Array, Where], object],
    progress: Progress | None = None,
    slab_bytes: int = SLAB,
) -> None:
    """Fill an array, slab by slab.

    Parameters
    ----------
    array : numpy.ndarray
        C-contiguous.
    draw : callable
        `draw(out, where)` writes the elements `where`, an index of the array, into `out`.
    progress : callable, optional
        Called with the number of bytes of each slab that is done.
    slab_bytes : int
        Upper limit of a slab's size, but a slab holds at least one element.
    """
    for where in cuts(array.shape, max(slab_bytes // array.itemsize, 1)):
        out = array[(*where, ...)]
        draw(out, where)
        if progress is not None:
            progress(out.nbytes)
