"""A row's two GPU kernels as LLVM text, traced from the same law as the CPU's kernels.

`tiles` fills whole tiles: a thread takes two counters at a time and stores a vector to either plane. `elements` fills elements
of any step, stride and alignment: a thread takes one element at a time. No thread reads what another thread writes, so the
bytes do not depend on the grid.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from fastinit.arithmetic.lanes import Kind, Lanes, convert, f64
from fastinit.arithmetic.lanes import bitcast as bits_as
from fastinit.arithmetic.philox import LOW, philox4x32, round_keys
from fastinit.kernels.layout import TILE
from fastinit.kernels.row import Row
from fastinit.kernels.targets.llvm import I32, I64, loop_while, number
from fastinit.kernels.targets.scalars import Scalars
from fastinit.kernels.tiles import Stream, bits_of, numbers_of, scalar, value_of

THREADS = 256  # of a block
TOGETHER = 2  # counters that a thread takes at a time
ROOM = 24  # elements in doubt that a thread collects before it tests them: tested at once, most warps would wait for one thread

DOUBLE = ir.DoubleType()
GLOBAL = ir.PointerType(addrspace=1)


class Kernel:
    """A kernel that is being traced: its builder, its integer arguments by name, and the law's numbers."""

    def __init__(self, row: Row, name: str, names: Sequence[str]) -> None:
        self.row, self.module = row, ir.Module(name)
        counted = row.law.count
        kind = ir.FunctionType(ir.VoidType(), [I64] * (len(names) + 2) + [DOUBLE] * counted)
        function = ir.Function(self.module, kind, name)
        function.calling_convention = "ptx_kernel"
        self.module.add_named_metadata("nvvm.annotations", [function, "maxntidx", ir.Constant(I32, THREADS)])
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.target = Scalars(self.builder)
        integers = function.args[: len(names) + 2]
        self.arguments = dict(zip((*names, "call", "key"), integers, strict=True))
        self.stream = Stream(self.scalar("call"), round_keys(self.scalar("key")))
        doubles = [Lanes(self.target, x, f64, None) for x in function.args[len(names) + 2 :]]
        self.numbers = numbers_of(row, doubles)

    def scalar(self, name: str) -> Lanes:
        return scalar(self.target, self.arguments[name])

    def each(self, count: Any, body: Callable[[Any, list[Any]], list[Any]], state: Sequence[Any] = ()) -> list[Any]:
        """Run `body` from state to state for each of `count` indices that belongs to this thread."""
        names = (f"llvm.nvvm.read.ptx.sreg.{name}.x" for name in ("ctaid", "ntid", "tid", "nctaid"))
        block, size, thread, blocks = (self.builder.zext(self.target.intrinsic(name, I32), I64) for name in names)
        first = self.builder.add(self.builder.mul(block, size), thread)
        grid = self.builder.mul(blocks, size)

        def step(now: Sequence[Any]) -> list[Any]:
            return [self.builder.add(now[0], grid), *body(now[0], list(now[1:]))]

        return loop_while(self.builder, [first, *state], lambda now: self.builder.icmp_signed("<", now[0], count), step)[1:]

    def address(self, base: Any, index: Any, size: int) -> Any:
        return self.builder.add(base, self.builder.mul(index, number(size)))

    def store(self, values: Sequence[Lanes], sure: Sequence[Lanes | None], address: Any, align: int) -> None:
        """Store values side by side: as a vector of up to 16 bytes, or byte by byte where nothing is aligned."""
        place, kind = self.builder.inttoptr(address, GLOBAL), ir.IntType(8 * self.row.itemsize)
        vector = ir.VectorType(kind, len(values))
        # one integer register in place of a vector of small ones
        packed = ir.IntType(kind.width * len(values)) if self.row.itemsize < 4 else vector
        before = None
        if self.row.law.adds:
            before = self.builder.bitcast(self.builder.load(place, typ=packed, align=align), vector)
        value = ir.Constant(vector, ir.Undefined)
        for i, x in enumerate(values):
            bits = bits_of(self.row, x, sure[i], self.numbers, functools.partial(self._lane, before, i))
            raw = self.builder.bitcast(bits.value, kind)
            value = self.builder.insert_element(value, raw, ir.Constant(I32, i))
        self.builder.store(self.builder.bitcast(value, packed), place, align=align)

    def _lane(self, vector: Any, index: int, kind: Kind) -> Lanes:
        """One of the values that were loaded together."""
        return Lanes(self.target, self.builder.extract_element(vector, ir.Constant(I32, index)), kind, None)

    def settle(self, element: Any, address: Any, align: int) -> None:
        """Store an element's value: of the first attempt that is accepted."""
        element, place = scalar(self.target, element), self.builder.inttoptr(address, GLOBAL)
        before = None
        if self.row.law.adds:
            before = self.builder.load(place, typ=ir.IntType(8 * self.row.itemsize), align=align)

        def attempt(state: Sequence[Any]) -> list[Any]:
            value, accepted = value_of(self.row, element, self.stream, scalar(self.target, state[0]), self.numbers.law)
            bits = bits_of(self.row, value, accepted, self.numbers, lambda kind: Lanes(self.target, before, kind, None))
            self.builder.store(bits.value, place, align=align)
            more = self.builder.not_(accepted.value) if accepted is not None else ir.Constant(ir.IntType(1), 0)
            return [self.builder.add(state[0], number(1)), more]

        if self.row.law.accept is None:
            attempt([number(0), None])
        else:
            loop_while(self.builder, [number(0), ir.Constant(ir.IntType(1), 1)], lambda state: state[1], attempt)

    def text(self) -> str:
        self.builder.ret_void()
        return str(self.module)


def tiles(row: Row) -> str:
    """Trace tiles(address, counter, counters, call, key, numbers...): fill whole tiles from a multiple of TILE on.

    The address must be a multiple of `tiles_align`.
    """
    kernel = Kernel(row, "tiles", ("address", "counter", "counters"))
    builder, arguments, law = kernel.builder, kernel.arguments, row.law
    plane = row.words * TILE
    align = tiles_align(row)
    waiting = builder.alloca(I64, ROOM) if law.sure is not None else None
    first_element = builder.mul(builder.udiv(arguments["counter"], number(TILE)), number(2 * plane))

    def slot(index: Any) -> Any:
        return builder.gep(waiting, [index])

    def settle_all(count: Any) -> None:
        def one(state: Sequence[Any]) -> list[Any]:
            offset = builder.load(slot(state[0]))
            address = kernel.address(arguments["address"], offset, row.itemsize)
            kernel.settle(builder.add(first_element, offset), address, row.itemsize)
            return [builder.add(state[0], number(1))]

        loop_while(builder, [number(0)], lambda state: builder.icmp_signed("<", state[0], count), one)

    def remember(count: Any, sure: Lanes | None, offset: Any) -> Any:
        assert sure is not None
        builder.store(offset, slot(count))
        return builder.add(count, builder.zext((~sure).value, I64))

    def step(index: Any, state: list[Any]) -> list[Any]:
        counter = builder.mul(index, number(TOGETHER))
        tile, place = builder.udiv(counter, number(TILE)), builder.urem(counter, number(TILE))
        offset = builder.add(builder.mul(tile, number(2 * plane)), builder.mul(place, number(row.words)))
        words = [_words(kernel, builder.add(arguments["counter"], builder.add(counter, number(i)))) for i in range(TOGETHER)]
        pairs = [pair for both in words for pair in zip(*both, strict=True)]
        values = [law.values(a, b, kernel.numbers.law) for a, b in pairs]
        sure = [[None if law.sure is None else law.sure(pair[i], kernel.numbers.law) for pair in pairs] for i in (0, 1)]
        for i in (0, 1):
            begin = kernel.address(arguments["address"], builder.add(offset, number(i * plane)), row.itemsize)
            kernel.store([value[i] for value in values], sure[i], begin, align)
        if law.sure is None:
            return []
        (count,) = state
        for i in (0, 1):
            for k in range(len(pairs)):
                count = remember(count, sure[i][k], builder.add(offset, number(i * plane + k)))
        full = builder.icmp_signed(">", count, number(ROOM - 2 * len(pairs)))
        with builder.if_then(full):
            settle_all(count)
        return [builder.select(full, number(0), count)]

    steps = builder.udiv(arguments["counters"], number(TOGETHER))
    left = kernel.each(steps, step, [] if waiting is None else [number(0)])
    if waiting is not None:
        settle_all(left[0])
    return kernel.text()


def tiles_align(row: Row) -> int:
    """The alignment in bytes that `tiles` stores with."""
    return TOGETHER * row.words * row.itemsize


def _words(kernel: Kernel, counter: Any) -> tuple[list[Lanes], list[Lanes]]:
    """The words of a counter in either plane, first attempt, in the order of their elements."""
    counter, row = scalar(kernel.target, counter), kernel.row
    planes = philox4x32(counter & LOW, counter >> 32, kernel.stream.call, counter.constant(0), kernel.stream.keys)
    if row.words == 1:
        return [bits_as(planes[0], row.word)], [bits_as(planes[1], row.word)]
    a, b = ([convert(plane, row.word), convert(plane >> 32, row.word)] for plane in planes)
    return a, b


def elements(row: Row, axes: int, aligned: bool) -> str:
    """Trace elements(address, element, total, step, stride, inner, three numbers of each outer axis, call, key, numbers...).

    The `total` elements of the output are counted along the innermost axis first, which has `inner` of them. The three numbers
    are a count, a logical step and a stride in bytes.
    """
    outer = [f"{name}{i}" for i in range(axes) for name in ("count", "step", "stride")]
    kernel = Kernel(row, "elements", ("address", "element", "total", "step", "stride", "inner", *outer))
    builder, arguments = kernel.builder, kernel.arguments

    def one(index: Any, state: list[Any]) -> list[Any]:
        rest = builder.udiv(index, arguments["inner"]) if axes else None
        place = builder.urem(index, arguments["inner"]) if axes else index
        element = builder.add(arguments["element"], builder.mul(place, arguments["step"]))
        address = builder.add(arguments["address"], builder.mul(place, arguments["stride"]))
        for i in reversed(range(axes)):
            place = builder.urem(rest, arguments[f"count{i}"])
            rest = builder.udiv(rest, arguments[f"count{i}"])
            element = builder.add(element, builder.mul(place, arguments[f"step{i}"]))
            address = builder.add(address, builder.mul(place, arguments[f"stride{i}"]))
        kernel.settle(element, address, row.itemsize if aligned else 1)
        return []

    kernel.each(arguments["total"], one)
    return kernel.text()
