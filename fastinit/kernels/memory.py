"""What the loop does with addresses, the queue, rows and other threads: each of these is a few instructions of LLVM."""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from fastinit.kernels import machine
from fastinit.kernels.layout import ADDRESSES
from fastinit.kernels.targets.llvm import I32, I64, number, pointer, store

INTEGER = types.int64


def _load(builder: Any, address: Any, bits: int = 64) -> Any:
    """An unsigned integer at an address that needs no alignment."""
    return builder.load(pointer(builder, address), typ=ir.IntType(bits), align=1)


def _place(builder: Any, base: Any, index: Any, size: int) -> Any:
    """The address of the `index`-th of things of this size."""
    return builder.add(base, builder.mul(index, number(size)))


@intrinsic
def least(typingctx, a, b):  # type: ignore[no-untyped-def]
    """The smaller of two integers."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.select(builder.icmp_signed("<", *args), *args)

    return INTEGER(INTEGER, INTEGER), codegen


@intrinsic(prefer_literal=True)
def load(typingctx, address, count):  # type: ignore[no-untyped-def]
    """So many 64-bit integers that lie side by side, as a tuple."""
    result = types.UniTuple(INTEGER, count.literal_value)  # type: ignore[attr-defined]

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        loaded = [_load(builder, builder.add(args[0], number(8 * i))) for i in range(result.count)]
        return context.make_tuple(builder, result, loaded)

    return result(address, count), codegen


@intrinsic
def copy_value(typingctx, to, source, itemsize):  # type: ignore[no-untyped-def]
    """Copy one value of 1, 2, 4 or 8 bytes."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        after = builder.append_basic_block("copied")
        choice = builder.switch(args[2], after)
        for size in (1, 2, 4, 8):
            block = builder.append_basic_block(f"copy{size}")
            choice.add_case(number(size), block)
            builder.position_at_end(block)
            store(builder, _load(builder, args[1], 8 * size), args[0])
            builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(INTEGER, INTEGER, INTEGER), codegen


@intrinsic
def put_entry(typingctx, queue, index, element, address):  # type: ignore[no-untyped-def]
    """Write an entry of the queue: an element's logical index, and where its value belongs."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        place = _place(builder, args[0], args[1], 8)
        store(builder, args[2], place)
        store(builder, args[3], builder.add(place, number(ADDRESSES)))
        return context.get_dummy_value()

    return types.void(*[INTEGER] * 4), codegen


@intrinsic
def get_entry(typingctx, queue, index):  # type: ignore[no-untyped-def]
    """Read an entry of the queue."""
    pair = types.UniTuple(INTEGER, 2)  # type: ignore[attr-defined]

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        place = _place(builder, args[0], args[1], 8)
        entry = [_load(builder, place), _load(builder, builder.add(place, number(ADDRESSES)))]
        return context.make_tuple(builder, pair, entry)

    return pair(INTEGER, INTEGER), codegen


@intrinsic
def bits_set(typingctx, bits):  # type: ignore[no-untyped-def]
    """How many bits of a 64-bit integer are set."""
    return INTEGER(bits), lambda context, builder, sig, args: builder.ctpop(args[0])


@intrinsic
def list_four(typingctx, to, index, base, bits):  # type: ignore[no-untyped-def]
    """Write `base` plus the number of each of the four lowest set bits as 32-bit integers; clear those bits."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        to, index, base, bits = args
        place = _place(builder, to, index, 4)
        for i in range(4):
            found = builder.add(base, builder.cttz(bits, ir.Constant(ir.IntType(1), 0)))
            store(builder, builder.trunc(found, I32), builder.add(place, number(4 * i)))
            bits = builder.and_(bits, builder.sub(bits, number(1)))
        return bits

    return INTEGER(*[INTEGER] * 4), codegen


@intrinsic
def listed(typingctx, at, index):  # type: ignore[no-untyped-def]
    """The `index`-th of 32-bit integers."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.zext(_load(builder, _place(builder, args[0], args[1], 4), 32), I64)

    return INTEGER(INTEGER, INTEGER), codegen


def _call_at(builder: Any, result: Any, args: Any) -> Any:
    function = ir.FunctionType(result, [I64] * (len(args) - 1))
    return builder.call(builder.inttoptr(args[0], function.as_pointer()), args[1:])


@intrinsic
def call_tiles(typingctx, function, address, missing, counter, tiles, call, key, numbers, kept):  # type: ignore[no-untyped-def]
    """Call a row's `tiles` by its address."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        _call_at(builder, ir.VoidType(), args)
        return context.get_dummy_value()

    return types.void(*[INTEGER] * 9), codegen


@intrinsic
def call_attempt(typingctx, function, elements, values, call, key, attempt, numbers):  # type: ignore[no-untyped-def]
    """Call a row's `attempt` by its address: the bits of the accepted elements."""
    return INTEGER(*[INTEGER] * 7), lambda context, builder, sig, args: _call_at(builder, I64, args)


@intrinsic
def add_shared(typingctx, address, amount):  # type: ignore[no-untyped-def]
    """Add to an integer that other threads add to as well; return what it was."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.atomic_rmw("add", builder.inttoptr(args[0], I64.as_pointer()), args[1], "seq_cst")

    return INTEGER(INTEGER, INTEGER), codegen


@intrinsic
def pause(typingctx):  # type: ignore[no-untyped-def]
    """Some ten nanoseconds of nothing, so that a loop that looks at memory leaves the core's resources to others."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        if machine.host().triple.startswith(("x86", "i686")):
            name, arguments = "llvm.x86.sse2.pause", []
        elif machine.host().triple.startswith(("aarch64", "arm64")):
            name, arguments = "llvm.aarch64.isb", [ir.Constant(I32, 15)]
        else:
            return context.get_dummy_value()
        types_of = [x.type for x in arguments]
        builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), types_of), name), arguments)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def nap(typingctx, microseconds):  # type: ignore[no-untyped-def]
    """Leave the CPU for about so long (whole milliseconds on Windows)."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        name, time = ("Sleep", builder.udiv(args[0], number(1000))) if sys.platform == "win32" else ("usleep", args[0])
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(I32, [I32]), name)
        builder.call(function, [builder.trunc(time, I32)])
        return context.get_dummy_value()

    return types.void(INTEGER), codegen
