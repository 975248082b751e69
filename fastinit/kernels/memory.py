"""Between vectors and memory: loads and stores at plain addresses, and what a kernel does with a tuple of planes."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from fastinit.kernels.lanes import Lanes, element_of, llvm_type

I64 = ir.IntType(64)


def _pointer(builder, address, pointee):
    return builder.inttoptr(address, pointee.as_pointer())


@intrinsic(prefer_literal=True)
def load(typingctx, address, element, count):
    """`count` values that lie side by side at `address`, which needs no alignment."""
    target = Lanes(element_of(element), count.literal_value)

    def codegen(context, builder, sig, args):
        return builder.load(_pointer(builder, args[0], llvm_type(target)), align=1)

    return target(address, element, count), codegen


@intrinsic
def store(typingctx, address, value):
    """Write all lanes side by side at `address`, which needs no alignment."""

    def codegen(context, builder, sig, args):
        builder.store(args[1], _pointer(builder, args[0], llvm_type(value)), align=1)
        return context.get_dummy_value()

    return types.void(address, value), codegen


@intrinsic
def peek(typingctx, address, element):
    """The unsigned integer at `address`, which needs no alignment."""
    target = element_of(element)

    def codegen(context, builder, sig, args):
        return builder.load(_pointer(builder, args[0], ir.IntType(target.bitwidth)), align=1)

    return target(address, element), codegen


@intrinsic
def poke(typingctx, address, value):
    """Write one unsigned integer at `address`, which needs no alignment."""

    def codegen(context, builder, sig, args):
        builder.store(args[1], _pointer(builder, args[0], ir.IntType(value.bitwidth)), align=1)
        return context.get_dummy_value()

    return types.void(address, value), codegen


@intrinsic
def bits_set(typingctx, bits):
    """How many bits of a uint64 are set."""

    def codegen(context, builder, sig, args):
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(I64, [I64]), "llvm.ctpop.i64")
        return builder.call(function, args)

    return types.uint64(bits), codegen


@intrinsic
def lowest_bit(typingctx, bits):
    """The number of zeros below the lowest set bit of a uint64; 64 where none is set."""

    def codegen(context, builder, sig, args):
        i1 = ir.IntType(1)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(I64, [I64, i1]), "llvm.cttz.i64")
        return builder.call(function, [args[0], ir.Constant(i1, 0)])

    return types.uint64(bits), codegen


def _members(values):
    return list(values.types) if isinstance(values, types.BaseTuple) else []


@intrinsic
def store_planes(typingctx, address, values, plane_bytes):
    """Write the i-th of `values` at `address` + i * `plane_bytes`."""
    members = _members(values)

    def codegen(context, builder, sig, args):
        for i, lanes in enumerate(members):
            offset = builder.mul(args[2], ir.Constant(I64, i))
            pointer = _pointer(builder, builder.add(args[0], offset), llvm_type(lanes))
            builder.store(builder.extract_value(args[1], i), pointer, align=1)
        return context.get_dummy_value()

    return types.void(address, values, plane_bytes), codegen


@intrinsic
def store_missing_bits(typingctx, address, masks):
    """Write the lanes that no mask has as bits of one uint64, the first mask lowest; nothing where there are no masks."""
    members = _members(masks)

    def codegen(context, builder, sig, args):
        bits = ir.Constant(I64, 0)
        for i, lanes in enumerate(members):
            word = builder.bitcast(builder.extract_value(args[1], i), ir.IntType(lanes.count))
            wide = word if lanes.count == 64 else builder.zext(word, I64)
            bits = builder.or_(bits, builder.shl(wide, ir.Constant(I64, i * lanes.count)))
        if members:
            builder.store(
                builder.xor(bits, ir.Constant(I64, 2 ** (len(members) * lanes.count) - 1)),
                _pointer(builder, args[0], I64),
                align=1,
            )
        return context.get_dummy_value()

    return types.void(address, masks), codegen


@intrinsic
def one_plane(typingctx, values, second):
    """Lane by lane the member of `values` that an element owns: the second where `second` is set."""
    members = _members(values)

    def codegen(context, builder, sig, args):
        return builder.select(args[1], builder.extract_value(args[0], 1), builder.extract_value(args[0], 0))

    return members[0](values, second), codegen


@intrinsic
def one_plane_bits(typingctx, masks, second):
    """`one_plane` of masks as the bits of a uint64; all ones where there are none."""
    members = _members(masks)

    def codegen(context, builder, sig, args):
        if not members:
            return ir.Constant(I64, 2**64 - 1)
        bits = builder.select(args[1], builder.extract_value(args[0], 1), builder.extract_value(args[0], 0))
        return builder.zext(builder.bitcast(bits, ir.IntType(members[0].count)), I64)

    return types.uint64(masks, second), codegen


@intrinsic(prefer_literal=True)
def doubles(typingctx, address, count):
    """So many float64 that lie side by side at `address`, as a tuple."""
    result = types.UniTuple(types.float64, count.literal_value)

    def codegen(context, builder, sig, args):
        pointer = _pointer(builder, args[0], ir.DoubleType())
        members = [builder.load(builder.gep(pointer, [ir.Constant(I64, i)])) for i in range(result.count)]
        return context.make_tuple(builder, result, members)

    return result(address, count), codegen
