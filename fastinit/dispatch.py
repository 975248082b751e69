"""From a plan, a block and an output array to kernel calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastinit.blocks import Axis, Block, axes_of
from fastinit.kernels.rows import Kernel, kernel
from fastinit.kernels.threads import chunk_size, enter_parallel
from fastinit.parameters import Plan

#: Values filled between two looks at pending signals (Ctrl-C): some tens of milliseconds.
SEGMENT = 1 << 27

_NO_AXES = np.empty((0, 3), np.int64)
_NO_AXES.flags.writeable = False


def _table(axes: list[Axis]) -> npt.NDArray[np.int64]:
    if not axes:
        return _NO_AXES
    table = np.array(axes, np.int64)
    table.flags.writeable = False
    return table


def _address(out: npt.NDArray[Any]) -> int:
    address: int = out.__array_interface__["data"][0]
    return address


def run(plan: Plan, dtype_name: str, block: Block, out: npt.NDArray[Any], stream: tuple[int, int, int]) -> None:
    """Fill `out`, whose shape is the block's, with the block's values of a stream (call and key words)."""
    total = out.size
    if total == 0:
        return
    if plan.method is None:
        out[...] = plan.numbers[0]
        return
    if block.steps is None and out.flags.c_contiguous:
        place, outer = (0, _address(out), total, 1, out.itemsize), _NO_AXES
    else:
        *around, (count, step, stride) = axes_of(block, out.strides)
        place, outer = (block.origin, _address(out), count, step, stride), _table(around)
    leave = enter_parallel(total)
    if leave is None:
        _fill(kernel(plan.method, dtype_name, False), place, outer, stream, plan.address, total, total)
        return
    try:
        _fill(kernel(plan.method, dtype_name, True), place, outer, stream, plan.address, total, chunk_size(total))
    finally:
        leave()


def _fill(
    fill: Kernel,
    place: tuple[int, ...],
    outer: npt.NDArray[np.int64],
    stream: tuple[int, int, int],
    parameters: int,
    total: int,
    chunk: int,
) -> None:
    for begin in range(0, total, SEGMENT):
        fill(place, outer, stream, parameters, begin, min(begin + SEGMENT, total), chunk)
