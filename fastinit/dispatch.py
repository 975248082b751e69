"""From a plan, a block and an output array to kernel calls."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from fastinit import outputs
from fastinit.blocks import Block, axes_of
from fastinit.kernels import rows
from fastinit.kernels.threads import GRAIN, chunk_size, enter_parallel
from fastinit.parameters import Plan

#: Seconds between two looks at pending signals (Ctrl-C): a fill goes on in pieces of about so long.
PAUSE = 0.04
#: Values per thread of the first piece: side by side, and strewn singly.
SEGMENT = 1 << 22
STREWN = 1 << 16

#: Held over a fork, which so waits for a compilation: a child cannot wait for the compiler's lock, held by a thread it lacks.
_COMPILING = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_COMPILING.acquire, after_in_parent=_COMPILING.release, after_in_child=_COMPILING.release)

_NOTHING = nullcontext()
_NO_BYTES = ctypes.c_char * 0


@functools.cache
def kernel(method: str, dtype_name: str, parallel: bool) -> rows.Kernel:
    """The compiled loop for one row."""
    with _COMPILING:
        return rows.entry(rows.kernel(method, dtype_name, parallel))


def _address(out: npt.NDArray[Any]) -> int:
    address: int = out.__array_interface__["data"][0]
    return address


def _start(out: Any) -> int:
    """The address of a contiguous array that may be written; a quarter of the time where the dtype is one of NumPy's own."""
    return ctypes.addressof(_NO_BYTES.from_buffer(out)) if out.dtype.isbuiltin == 1 else _address(out)


def run(
    plan: Plan, dtype_name: str, block: Block, out: npt.NDArray[Any], next_stream: Callable[[], tuple[int, int, int]]
) -> None:
    """Fill `out`, whose shape is the block's, with the block's values of the next stream (call and key words).

    The stream is taken when all else is ready, and before anything is written.
    """
    out = np.asarray(out)  # ndarray's own attributes: a subclass may say anything under the same names
    total = out.size
    if plan.method is None or total == 0:
        next_stream()
        outputs.assign(out, plan.numbers[0])
        return
    if block.steps is None and out.flags.c_contiguous:
        place, around = (0, _start(out), total, 1, out.itemsize), (0, 0)
    else:
        *axes, (count, step, stride) = axes_of(block, out.strides)
        table = np.array(axes, np.int64)  # lives as long as this call
        place, around = (block.origin, _address(out), count, step, stride), (_address(table), len(axes))
    piece = SEGMENT if place[3:] == (1, out.itemsize) else STREWN
    guard, chunk = enter_parallel(total), total
    if guard is not None:  # first of all: where Numba has no threads to give, it says so here
        piece *= int(numba.get_num_threads())
        chunk = chunk_size(min(total, piece))
    fill = kernel(plan.method, dtype_name, guard is not None)
    if guard is None and total <= piece:  # a call less for small arrays
        fill(place, around, next_stream(), plan.address, 0, total, total)
        return
    turn = guard or _NOTHING
    stream = next_stream()

    def fill_part(begin: int, end: int) -> None:
        with turn:
            fill(place, around, stream, plan.address, begin, end, chunk)

    _in_pieces(fill_part, total, piece)


def _in_pieces(fill_part: Callable[[int, int], None], total: int, piece: int) -> None:
    """Fill piece by piece, each as much longer than the last as its time allows: the rate is not known before."""
    begin = 0
    while begin < total:
        end = min(begin + piece, total)
        started = time.perf_counter()
        fill_part(begin, end)
        begin = end
        piece = int(piece * PAUSE / max(time.perf_counter() - started, PAUSE / 8))
        piece = max(piece // GRAIN * GRAIN, GRAIN)
