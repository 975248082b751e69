"""What the loop does with plain addresses: load, store, count bits, call a row, share work with other threads."""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

I64 = ir.IntType(64)


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.PointerType())


def _load(builder: Any, address: Any, bits: int) -> Any:
    """An unsigned integer at an address that needs no alignment."""
    return builder.load(_pointer(builder, address), typ=ir.IntType(bits), align=1)


@intrinsic
def load64(typingctx, address):  # type: ignore[no-untyped-def]
    """The 64-bit integer at `address`."""
    return types.int64(address), lambda context, builder, sig, args: _load(builder, args[0], 64)


@intrinsic
def load32(typingctx, address):  # type: ignore[no-untyped-def]
    """The unsigned 32-bit integer at `address`."""
    return types.int64(address), lambda context, builder, sig, args: builder.zext(_load(builder, args[0], 32), I64)


@intrinsic(prefer_literal=True)
def load_tuple(typingctx, address, count):  # type: ignore[no-untyped-def]
    """So many 64-bit integers that lie side by side."""
    result = types.UniTuple(types.int64, count.literal_value)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        places = [builder.add(args[0], ir.Constant(I64, 8 * i)) for i in range(result.count)]
        return context.make_tuple(builder, result, [_load(builder, place, 64) for place in places])

    return result(address, count), codegen


@intrinsic(prefer_literal=True)
def store(typingctx, address, value, bits):  # type: ignore[no-untyped-def]
    """Write the lowest bits of an integer at `address`."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        value = args[1] if bits.literal_value == 64 else builder.trunc(args[1], ir.IntType(bits.literal_value))
        builder.store(value, _pointer(builder, args[0]), align=1)
        return context.get_dummy_value()

    return types.void(address, types.int64, bits), codegen


@intrinsic(prefer_literal=True)
def copy(typingctx, to, source, bits):  # type: ignore[no-untyped-def]
    """Copy so many bits from one address to another."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        builder.store(_load(builder, args[1], bits.literal_value), _pointer(builder, args[0]), align=1)
        return context.get_dummy_value()

    return types.void(to, source, bits), codegen


@intrinsic
def bits_set(typingctx, bits):  # type: ignore[no-untyped-def]
    """How many bits of a 64-bit integer are set."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.ctpop(args[0])

    return types.int64(bits), codegen


@intrinsic
def lowest_bit(typingctx, bits):  # type: ignore[no-untyped-def]
    """The number of zeros below the lowest set bit of a 64-bit integer; 64 where none is set."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(bits), codegen


def _call_at(builder: Any, result: Any, args: Any) -> Any:
    function = ir.FunctionType(result, [I64] * (len(args) - 1))
    return builder.call(builder.inttoptr(args[0], function.as_pointer()), args[1:])


@intrinsic
def call_tiles(typingctx, function, address, missing, counter, tiles, call, key, numbers):  # type: ignore[no-untyped-def]
    """Call a row's `tiles` by its address."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        _call_at(builder, ir.VoidType(), args)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 8), codegen


@intrinsic
def call_attempt(typingctx, function, elements, values, call, key, attempt, numbers):  # type: ignore[no-untyped-def]
    """Call a row's `attempt` by its address: the bits of the accepted elements."""
    return types.int64(*[types.int64] * 7), lambda context, builder, sig, args: _call_at(builder, I64, args)


@intrinsic
def add_shared(typingctx, address, amount):  # type: ignore[no-untyped-def]
    """Add to an integer that other threads add to as well; return what it was."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.atomic_rmw("add", builder.inttoptr(args[0], I64.as_pointer()), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def nap(typingctx, microseconds):  # type: ignore[no-untyped-def]
    """Leave the CPU for about so long (whole milliseconds on Windows)."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        name, time = ("Sleep", builder.udiv(args[0], ir.Constant(I64, 1000))) if sys.platform == "win32" else ("usleep", args[0])
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.IntType(32), [ir.IntType(32)]), name)
        builder.call(function, [builder.trunc(time, ir.IntType(32))])
        return context.get_dummy_value()

    return types.void(types.int64), codegen
