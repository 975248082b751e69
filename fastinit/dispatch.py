"""Call the compiled loop for a plan, a block and an output array."""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastinit.arguments import outputs
from fastinit.arguments.blocks import Block, axes_of
from fastinit.arguments.devices import DeviceArray
from fastinit.distributions.law import Law, Plan
from fastinit.kernels import machine, rows, threads
from fastinit.kernels.layout import ARGUMENTS

#: Seconds between two looks at pending signals (Ctrl-C): a fill goes on in pieces of about so long.
PAUSE = 0.04
#: Values per thread of the first piece: contiguous, and strided.
SEGMENT = 1 << 22
STRIDED = 1 << 16

_NO_BYTES = ctypes.c_char * 0


@functools.cache
@machine.unforked
def compiled(law: Law, dtype_name: str) -> tuple[rows.Loop, rows.Entry]:
    """The loop and a row's entry. One thread compiles, so that no other does it again."""
    return rows.loop(), rows.entry(law, dtype_name)


def _address_if_builtin(out: Any) -> int:
    """The address of a writable contiguous array; for NumPy's own dtypes in a quarter of the time of `address_of`."""
    return ctypes.addressof(_NO_BYTES.from_buffer(out)) if out.dtype.isbuiltin == 1 else threads.address_of(out)


def run_small(
    plan: Plan, dtype_name: str, address: int, count: int, itemsize: int, next_stream: Callable[[], tuple[int, int, int]]
) -> None:
    """Fill contiguous memory with the first values of the next stream, on this thread alone. The plan must have a law."""
    assert plan.law is not None
    loop, entry = compiled(plan.law, dtype_name)
    memory, pack = threads.scratch(), ARGUMENTS.pack
    stream = next_stream()
    loop(pack(*entry, 0, address, count, 1, itemsize, 0, 0, *stream, plan.address, 0, count, count, count, 1), memory, 0, 0)


def run(
    plan: Plan,
    dtype_name: str,
    block: Block,
    out: npt.NDArray[Any] | DeviceArray,
    next_stream: Callable[[], tuple[int, int, int]],
) -> None:
    """Fill `out`, whose shape is the block's, with the block's values of the next stream (call and key words).

    The stream is taken when all else is ready, and before anything is written.
    """
    if type(out) is DeviceArray:
        from fastinit.gpu import launch  # LLVM's writer, imported only where a GPU is filled

        launch.fill(plan, dtype_name, block, out, next_stream)
        return
    out = np.asarray(out)  # ndarray's own attributes: a subclass may say anything under the same names
    total = out.size
    if plan.law is None or total == 0:
        next_stream()
        if total:
            outputs.assign(out, plan.numbers[0])
        return
    whole = block.steps is None and out.flags.c_contiguous
    if whole and total < threads.PARALLEL_FROM:
        run_small(plan, dtype_name, _address_if_builtin(out), total, out.itemsize, next_stream)
        return
    (loop, entry), memory = compiled(plan.law, dtype_name), threads.scratch()
    if whole:
        table, place, axes = None, (0, _address_if_builtin(out), total, 1, out.itemsize), (0, 0)
    else:
        *around, (count, step, stride) = axes_of(block, out.strides)
        table = np.array(around, np.int64)
        place, axes = (block.origin, threads.address_of(out), count, step, stride), (threads.address_of(table), len(around))
    piece = SEGMENT if place[3:] == (1, out.itemsize) else STRIDED
    helpers = threads.helpers(total)
    head = (*entry, *place, *axes, *next_stream(), plan.address)

    def fill_part(begin: int, end: int) -> None:
        if helpers:
            threads.fill_together(loop, head, begin, end, helpers, (out, table, plan))
        else:
            loop(ARGUMENTS.pack(*head, begin, end, end, end, 1), memory, 0, 0)

    _in_pieces(fill_part, total, piece * (helpers + 1))


def _in_pieces(fill_part: Callable[[int, int], None], total: int, piece: int) -> None:
    """Fill piece by piece, each as much longer than the last as its time allows: the rate is not known before."""
    if total <= piece:
        fill_part(0, total)
        return
    begin = 0
    while begin < total:
        end = min(begin + piece, total)
        started = time.perf_counter()
        fill_part(begin, end)
        begin = end
        piece = int(piece * PAUSE / max(time.perf_counter() - started, PAUSE / 8))
        piece = max(piece // threads.GRAIN * threads.GRAIN, threads.GRAIN)
