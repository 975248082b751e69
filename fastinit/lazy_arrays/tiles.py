"""The product of a matrix that is not stored: each thread draws a tile, multiplies it by BLAS, and draws the next over it.

A tile and its share of the operands stay in a core's cache. The threads do not wait for each other, as BLAS's own threads and
those of a fill would after each tile: on busy cores that took three times as long.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from fastinit.kernels import cpus
from fastinit.lazy_arrays import blas
from fastinit.lazy_arrays.source import Source

Array = npt.NDArray[Any]

#: Rows and columns of a tile: 2 MiB of float32, half a millisecond of a thread.
HEIGHT, WIDTH = 512, 1024
#: A matrix of few rows is cut into so many blocks, so that several threads have work, but none of fewer rows than that.
BLOCKS, LEAST = 16, 64


def height_of(rows: int) -> int:
    """The rows of a tile. They depend on the shape alone, so the sums do not depend on the threads."""
    return min(max(-(-rows // BLOCKS), LEAST), HEIGHT)


def _cuts(length: int, step: int) -> list[slice]:
    return [slice(begin, min(begin + step, length)) for begin in range(0, length, step)]


def multiply(source: Source, x: Array, out: Array) -> None:
    """Write source @ x, for a source of two axes and stacked matrices x of the dtype of `out`."""
    rows, columns = source.shape
    if not columns:
        out[...] = 0
    elif out.size:
        _share_out(functools.partial(_multiply_rows, source, x, out), _cuts(rows, height_of(rows)))


def _multiply_rows(source: Source, x: Array, out: Array, rows: slice) -> None:
    """Write some rows of the product, tile after tile in the order of the columns."""
    total, term = out[..., rows, :], None
    height, width = rows.stop - rows.start, min(source.shape[1], WIDTH)
    memory = np.empty(height * width, out.dtype)
    drawn = memory if source.is_direct(out.dtype) else np.empty(height * width, source.dtype)
    for columns in _cuts(source.shape[1], WIDTH):
        tile = source.part((rows, columns))
        values = tile.fill(tile.memory(drawn))
        if drawn is not memory:
            values = tile.memory(memory)
            np.copyto(values, tile.memory(drawn), casting="unsafe")
        if columns.start == 0:
            np.matmul(values, x[..., columns, :], out=total)
        else:
            term = np.matmul(values, x[..., columns, :], out=term)
            total += term


def _share_out(work: Callable[[slice], None], blocks: Sequence[slice]) -> None:
    """Work on all blocks, in as many threads as fills may use, each with this thread's state of NumPy's errors.

    Where BLAS cannot be limited to one thread a call, fills and its own threads take turns, tile by tile.
    """
    if not blas.is_limited():
        for block in blocks:
            work(block)
        return
    most = cpus.allowed()
    threads = min(len(blocks), most)

    def share(context: contextvars.Context, block: slice) -> None:
        with cpus.at_most(most // threads):
            context.run(work, block)

    contexts = [contextvars.copy_context() for _ in blocks]
    with blas.one_thread():
        if threads == 1:
            list(map(share, contexts, blocks))
        else:
            with ThreadPoolExecutor(threads, "fastinit-product", blas.limit) as pool:
                list(pool.map(share, contexts, blocks))
