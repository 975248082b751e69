"""Fill device memory: which kernels a block needs, and their launches on the stream of its owner."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator
from ctypes import c_double, c_int64
from typing import NamedTuple

from fastinit.arguments.blocks import Axis, Block, axes_of
from fastinit.arguments.devices import DeviceArray
from fastinit.distributions.law import Plan
from fastinit.distributions.sums import CONSTANT
from fastinit.gpu import driver, ptx, trace
from fastinit.kernels.layout import TILE
from fastinit.kernels.row import OWN, Row
from fastinit.kernels.rows import STORAGE

MOST_AXES = 8  # outer axes of one launch
FEW = 1 << 15  # elements below which one launch of `elements` should be faster than a head, tiles and a tail
LONG = 1 << 20  # elements of a contiguous run that is worth launches of its own
BLOCKS = 16  # of threads for each multiprocessor, twice as many as run at once


class Piece(NamedTuple):
    """One launch: the kernel, how many threads have work, and the integer arguments."""

    kernel: str
    threads: int
    arguments: tuple[int, ...]
    axes: int = 0
    aligned: bool = True

    @property
    def name(self) -> str:
        """The kernel's name among those of a row."""
        return "tiles" if self.kernel == "tiles" else f"elements{self.axes}{'' if self.aligned else '-bytes'}"


def _elements(address: int, element: int, axes: list[Axis], itemsize: int) -> Iterator[Piece]:
    *outer, inner = axes
    if len(outer) > MOST_AXES:
        first, *rest = axes
        for i in range(first.length):
            yield from _elements(address + i * first.stride, element + i * first.step, rest, itemsize)
        return
    count = inner.length
    for axis in outer:
        count *= axis.length
    aligned = all(x % itemsize == 0 for x in (address, *(axis.stride for axis in axes)))
    table = itertools.chain.from_iterable(outer)
    yield Piece(
        "elements", count, (address, element, count, inner.step, inner.stride, inner.length, *table), len(outer), aligned
    )


def _run(address: int, element: int, count: int, row: Row) -> Iterator[Piece]:
    """A contiguous run: its whole tiles, and what is left before and behind them."""
    tile = 2 * TILE * row.words
    lead = -element % tile
    whole = (count - lead) // tile * tile
    start = address + lead * row.itemsize
    if count < FEW or whole < tile or start % trace.tiles_align(row):
        yield from _elements(address, element, [Axis(count, 1, row.itemsize)], row.itemsize)
        return
    if lead:
        yield from _elements(address, element, [Axis(lead, 1, row.itemsize)], row.itemsize)
    counters = whole // tile * TILE
    yield Piece("tiles", counters // trace.TOGETHER, (start, (element + lead) // tile * TILE, counters))
    if rest := count - lead - whole:
        yield from _elements(start + whole * row.itemsize, element + lead + whole, [Axis(rest, 1, row.itemsize)], row.itemsize)


def pieces(row: Row, block: Block, out: DeviceArray) -> Iterator[Piece]:
    """The launches that fill a block."""
    *outer, inner = axes_of(block, out.strides)
    is_run = inner.step == 1 and inner.stride == row.itemsize
    if not is_run or (outer and inner.length < LONG):
        yield from _elements(out.address, block.origin, [*outer, inner], row.itemsize)
        return
    for places in itertools.product(*(range(axis.length) for axis in outer)):
        element = block.origin + sum(i * axis.step for i, axis in zip(places, outer, strict=True))
        address = out.address + sum(i * axis.stride for i, axis in zip(places, outer, strict=True))
        yield from _run(address, element, inner.length, row)


def _text(row: Row, kernel: str, axes: int, aligned: bool) -> str:
    """LLVM's text of a kernel."""
    return trace.tiles(row) if kernel == "tiles" else trace.elements(row, axes, aligned)


@functools.cache
def _digest(row: Row, kernel: str, axes: int, aligned: bool) -> str:
    """What tells a user's law from others of its name, since no digest of our sources covers it; nothing for our own laws."""
    return "" if row.law in OWN else f".{hashlib.sha256(_text(row, kernel, axes, aligned).encode()).hexdigest()[:16]}"


def _function(device: driver.Device, row: Row, dtype: str, piece: Piece) -> int:
    """The handle of a piece's kernel on a device."""
    traced = row, piece.kernel, piece.axes, piece.aligned
    name = f"gpu-{row.law.name}-{dtype}{'-add' if row.law.adds else ''}-{piece.name}{_digest(*traced)}"
    return driver.function(device, name, piece.kernel, lambda: ptx.stored(name, device.sm, lambda: _text(*traced)))


def fill(plan: Plan, dtype: str, block: Block, out: DeviceArray, next_stream: Callable[[], tuple[int, int, int]]) -> None:
    """Fill device memory with the block's values, on the stream of its owner.

    The call is taken when the kernels are loaded, and before anything is written.
    """
    if 0 in block.shape:
        next_stream()
        return
    row = Row(plan.law or CONSTANT, *STORAGE[dtype])
    device = driver.device_of(out.address)
    with driver.current(device):
        if driver.is_capturing(out.stream):
            raise ValueError("out must not be on a stream in graph capture: each replay would write the same values")
        launches = [(piece, _function(device, row, dtype, piece)) for piece in pieces(row, block, out)]
        call, low, high = next_stream()
        last = [*(c_int64(x) for x in (call, low | high << 32)), *(c_double(x) for x in plan.numbers.tolist()[: row.law.count])]
        for piece, handle in launches:
            blocks = min(-(-piece.threads // trace.THREADS), device.multiprocessors * BLOCKS)
            driver.launch(handle, blocks, trace.THREADS, out.stream, [*map(c_int64, piece.arguments), *last])
