"""What the loop does with addresses, the queue, rows and other threads: each of these is a few instructions of LLVM."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from fastinit.kernels import machine
from fastinit.kernels.layout import ADDRESSES
from fastinit.kernels.targets.llvm import I32, I64, number, pointer, store

INTEGER = types.int64


def _instructions(emit: Callable[..., Any]) -> Any:
    """Make a function of a builder and of int64 operands one that Numba's code may call; None stands for no result."""
    signature = inspect.signature(emit)
    has_result = signature.return_annotation != "None"
    result = (INTEGER if has_result else types.void)(*[INTEGER] * (len(signature.parameters) - 1))  # type: ignore[operator]

    def typing(*_: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = emit(builder, *arguments)
            return value if has_result else context.get_dummy_value()

        return result, codegen

    functools.update_wrapper(typing, emit)
    return intrinsic(typing)


def _load(builder: Any, address: Any, bits: int = 64) -> Any:
    """An unsigned integer at an address that needs no alignment."""
    return builder.load(pointer(builder, address), typ=ir.IntType(bits), align=1)


def _element(builder: Any, base: Any, index: Any, size: int) -> Any:
    """The address of the `index`-th element of this size."""
    return builder.add(base, builder.mul(index, number(size)))


@intrinsic(prefer_literal=True)
def load(typingctx, address, count):  # type: ignore[no-untyped-def]
    """A tuple of `count` 64-bit integers that lie side by side."""
    result = types.UniTuple(INTEGER, count.literal_value)  # type: ignore[attr-defined]

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        loaded = [_load(builder, builder.add(args[0], number(8 * i))) for i in range(result.count)]
        return context.make_tuple(builder, result, loaded)

    return result(address, count), codegen


@intrinsic
def get_entry(typingctx, queue, index):  # type: ignore[no-untyped-def]
    """Read an entry of the queue: an element's logical index, and the address of its value."""
    pair = types.UniTuple(INTEGER, 2)  # type: ignore[attr-defined]

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        entry = _element(builder, args[0], args[1], 8)
        return context.make_tuple(builder, pair, [_load(builder, entry), _load(builder, builder.add(entry, number(ADDRESSES)))])

    return pair(INTEGER, INTEGER), codegen


@_instructions
def put_entry(builder: Any, queue: Any, index: Any, element: Any, address: Any) -> None:
    """Write an entry of the queue."""
    entry = _element(builder, queue, index, 8)
    store(builder, element, entry)
    store(builder, address, builder.add(entry, number(ADDRESSES)))


@_instructions
def least(builder: Any, a: Any, b: Any) -> Any:
    """The smaller of two integers."""
    return builder.select(builder.icmp_signed("<", a, b), a, b)


@_instructions
def copy_value(builder: Any, to: Any, source: Any, itemsize: Any) -> None:
    """Copy one value of 1, 2, 4 or 8 bytes."""
    after = builder.append_basic_block("copied")
    choice = builder.switch(itemsize, after)
    for size in (1, 2, 4, 8):
        block = builder.append_basic_block(f"copy{size}")
        choice.add_case(number(size), block)
        builder.position_at_end(block)
        store(builder, _load(builder, source, 8 * size), to)
        builder.branch(after)
    builder.position_at_end(after)


@_instructions
def bits_set(builder: Any, bits: Any) -> Any:
    """How many bits are set."""
    return builder.ctpop(bits)


@_instructions
def list_four(builder: Any, to: Any, index: Any, base: Any, bits: Any) -> Any:
    """Write `base` plus the number of each of the four lowest set bits as 32-bit integers; clear those bits."""
    address = _element(builder, to, index, 4)
    for i in range(4):
        lowest = builder.add(base, builder.cttz(bits, ir.Constant(ir.IntType(1), 0)))
        store(builder, builder.trunc(lowest, I32), builder.add(address, number(4 * i)))
        bits = builder.and_(bits, builder.sub(bits, number(1)))
    return bits


@_instructions
def listed(builder: Any, address: Any, index: Any) -> Any:
    """The `index`-th of 32-bit integers."""
    return builder.zext(_load(builder, _element(builder, address, index, 4), 32), I64)


def _call(builder: Any, result: Any, address: Any, *operands: Any) -> Any:
    function = ir.FunctionType(result, [I64] * len(operands))
    return builder.call(builder.inttoptr(address, function.as_pointer()), operands)


@_instructions
def call_tiles(
    builder: Any, tiles: Any, address: Any, missing: Any, counter: Any, count: Any, call: Any, key: Any, numbers: Any, kept: Any
) -> None:
    """Call a row's `tiles` by its address."""
    _call(builder, ir.VoidType(), tiles, address, missing, counter, count, call, key, numbers, kept)


@_instructions
def call_attempt(
    builder: Any, attempt: Any, elements: Any, values: Any, call: Any, key: Any, number_of: Any, numbers: Any
) -> Any:
    """Call a row's `attempt` by its address: the bits of the accepted elements."""
    return _call(builder, I64, attempt, elements, values, call, key, number_of, numbers)


@_instructions
def add_shared(builder: Any, address: Any, amount: Any) -> Any:
    """Add to an integer that several threads add to, atomically; return its old value."""
    return builder.atomic_rmw("add", builder.inttoptr(address, I64.as_pointer()), amount, "seq_cst")


def _external(builder: Any, result: Any, name: str, *operands: Any) -> None:
    kind = ir.FunctionType(result, [x.type for x in operands])
    builder.call(cgutils.get_or_insert_function(builder.module, kind, name), operands)


@_instructions
def pause(builder: Any) -> None:
    """Wait for some ten nanoseconds and leave the core's resources to its other thread."""
    triple = machine.host().triple
    if triple.startswith(("x86", "i686")):
        _external(builder, ir.VoidType(), "llvm.x86.sse2.pause")
    elif triple.startswith(("aarch64", "arm64")):
        _external(builder, ir.VoidType(), "llvm.aarch64.isb", ir.Constant(I32, 15))


@_instructions
def nap(builder: Any, microseconds: Any) -> None:
    """Leave the CPU for about this long (whole milliseconds on Windows)."""
    if sys.platform == "win32":
        _external(builder, I32, "Sleep", builder.trunc(builder.udiv(microseconds, number(1000)), I32))
    else:
        _external(builder, I32, "usleep", builder.trunc(microseconds, I32))
