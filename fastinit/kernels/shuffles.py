"""Moving lanes: parts of vectors, halves of lanes, and the order in which vectors come to be."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastinit.kernels.lanes import Lanes, llvm_type, mask


@intrinsic(prefer_literal=True)
def part(typingctx, a, index, count):
    """The `index`-th run of `count` lanes."""
    n = count.literal_value
    first = index.literal_value * n

    def codegen(context, builder, sig, args):
        return builder.shuffle_vector(args[0], args[0], mask(range(first, first + n)))

    return Lanes(a.element, n)(a, index, count), codegen


@intrinsic
def raised(typingctx, a):
    """The lower halves of uint64 lanes moved to the upper ones.

    As a shuffle: of a product shifted by 32 LLVM would make a second product, with a 64-bit multiply (3 steps on Intel).
    """
    halves = 2 * a.count

    def codegen(context, builder, sig, args):
        words = builder.bitcast(args[0], ir.VectorType(ir.IntType(32), halves))
        zeros = ir.Constant(words.type, [0] * halves)
        order = [halves if i % 2 == 0 else i - 1 for i in range(halves)]
        return builder.bitcast(builder.shuffle_vector(words, zeros, mask(order)), llvm_type(a))

    return a(a), codegen


def _join(builder, parts):
    while len(parts) > 1:
        both = mask(range(2 * parts[0].type.count))
        parts = [builder.shuffle_vector(low, high, both) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


@intrinsic
def in_step(typingctx, a, b):
    """Both as they are, none of it used before all of it is there, for uint64 lanes in AVX-512 registers.

    So far apart as LLVM would let them drift, eight chains of multiplies would not fit the registers (27 % slower).
    """
    pair = types.UniTuple(a, 2)

    def codegen(context, builder, sig, args):
        if "+avx512f" not in context.codegen().magic_tuple()[2].split(","):  # compiled all the same where it never runs
            return context.make_tuple(builder, pair, args)
        parts = [builder.shuffle_vector(x, x, mask(range(i, i + 8))) for x in args for i in range(0, a.count, 8)]
        n, register = len(parts), parts[0].type
        constraints = ["=v"] * n + [str(i) for i in range(n)]
        nothing = ir.InlineAsm(ir.FunctionType(ir.LiteralStructType([register] * n), [register] * n), "", ",".join(constraints))
        after = builder.call(nothing, parts)
        parts = [builder.extract_value(after, i) for i in range(n)]
        return context.make_tuple(builder, pair, [_join(builder, parts[: n // 2]), _join(builder, parts[n // 2 :])])

    return pair(a, b), codegen


@intrinsic
def upper_halves(typingctx, a):
    """The upper 16 bits of uint32 lanes: one shuffle for two registers, where shifting and narrowing would be five steps."""
    target = Lanes(types.uint16, a.count)

    def codegen(context, builder, sig, args):
        words = builder.bitcast(args[0], ir.VectorType(ir.IntType(16), 2 * a.count))
        return builder.shuffle_vector(words, words, mask(range(1, 2 * a.count, 2)))

    return target(a), codegen
