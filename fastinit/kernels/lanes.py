"""Vector values inside Numba functions: a type `Lanes(element, count)` with arithmetic.

Numba's loop vectoriser decides late and silently whether a loop becomes vector code. A value of type `Lanes` *is* an LLVM
vector from the start: LLVM splits it into whatever registers the CPU has, so the same source serves AVX-512, AVX2, SSE2
and NEON with the same results. Operators accept a scalar on either side and spread it over the lanes.

Only operations whose result IEEE 754 or two's complement fixes exactly are here; nothing is contracted or reassociated.
"""

from __future__ import annotations

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_jitable, register_model

#: Every function that runs inside a kernel: inlined by LLVM, else its loop stays a chain of calls (8 times slower).
device = register_jitable(forceinline=True)


class Lanes(types.Type):
    """`count` values of one scalar type, handled at once."""

    def __init__(self, element, count):
        self.element = element
        self.count = count
        super().__init__(name=f"Lanes({element}, {count})")


def _llvm_element(element):
    if isinstance(element, types.Boolean):
        return ir.IntType(1)
    if isinstance(element, types.Integer):
        return ir.IntType(element.bitwidth)
    return ir.FloatType() if element.bitwidth == 32 else ir.DoubleType()


def llvm_type(lanes):
    return ir.VectorType(_llvm_element(lanes.element), lanes.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, llvm_type(fe_type))


def mask(indices):
    return ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), list(indices))


def _spread(builder, value, lanes):
    undefined = ir.Constant(llvm_type(lanes), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, mask([0] * lanes.count))


def _as_lanes(context, builder, value, from_type, lanes):
    """`value` as `lanes`: unchanged if it is one, spread over the lanes if it is a scalar."""
    if isinstance(from_type, Lanes):
        return value
    return _spread(builder, context.cast(builder, value, from_type, lanes.element), lanes)


def _common(left, right):
    """The lanes type of a binary operation, or None if there is no agreed one."""
    if isinstance(left, Lanes) and isinstance(right, Lanes):
        return left if left == right else None
    return left if isinstance(left, Lanes) else right if isinstance(right, Lanes) else None


_FLOAT_OPS = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv"}
_INT_OPS = {
    operator.add: "add",
    operator.sub: "sub",
    operator.mul: "mul",
    operator.floordiv: "udiv",
    operator.mod: "urem",
    operator.and_: "and_",
    operator.or_: "or_",
    operator.xor: "xor",
    operator.lshift: "shl",
    operator.rshift: "lshr",
}
_COMPARISONS = {operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!="}


def _emit_arithmetic(op, lanes, builder, a, b):
    if isinstance(lanes.element, types.Float):
        return getattr(builder, _FLOAT_OPS[op])(a, b)
    if op is operator.rshift and getattr(lanes.element, "signed", False):
        return builder.ashr(a, b)
    return getattr(builder, _INT_OPS[op])(a, b)


def _emit_comparison(op, lanes, builder, a, b):
    if isinstance(lanes.element, types.Float):
        return builder.fcmp_ordered(_COMPARISONS[op], a, b)
    compare = builder.icmp_signed if lanes.element.signed else builder.icmp_unsigned
    return compare(_COMPARISONS[op], a, b)


def _register(op, emit, result):
    class Template(AbstractTemplate):
        key = op

        def generic(self, args, kws):
            lanes = _common(*args) if len(args) == 2 and not kws else None
            return None if lanes is None else signature(result(lanes), *args)

    infer_global(op)(Template)

    def lower(context, builder, sig, args):
        lanes = _common(*sig.args)
        a, b = (_as_lanes(context, builder, v, t, lanes) for v, t in zip(args, sig.args, strict=True))
        return emit(op, lanes, builder, a, b)

    for left, right in ((Lanes, Lanes), (Lanes, types.Any), (types.Any, Lanes)):
        lower_builtin(op, left, right)(lower)


for _op in {**_FLOAT_OPS, **_INT_OPS}:
    _register(_op, _emit_arithmetic, lambda lanes: lanes)
for _op in _COMPARISONS:
    _register(_op, _emit_comparison, lambda lanes: Lanes(types.boolean, lanes.count))


def _suffix(lanes):
    kind = "f" if isinstance(lanes.element, types.Float) else "i"
    return f"v{lanes.count}{kind}{lanes.element.bitwidth}"


def _call(builder, name, lanes, args):
    vector = llvm_type(lanes)
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(vector, [vector] * len(args)), f"llvm.{name}.{_suffix(lanes)}"
    )
    return builder.call(function, args)


@intrinsic
def fma(typingctx, a, b, c):
    """A * b + c rounded once, in every lane."""
    lanes = next((t for t in (a, b, c) if isinstance(t, Lanes)), None)
    if lanes is None:
        return None

    def codegen(context, builder, sig, args):
        values = [_as_lanes(context, builder, v, t, lanes) for v, t in zip(args, sig.args, strict=True)]
        return _call(builder, "fma", lanes, values)

    return lanes(a, b, c), codegen


@intrinsic
def sqrt(typingctx, a):
    """The correctly rounded square root."""

    def codegen(context, builder, sig, args):
        return _call(builder, "sqrt", a, args)

    return a(a), codegen


@intrinsic
def select(typingctx, mask, a, b):
    """`a` where the mask is set, else `b`."""
    lanes = _common(a, b)

    def codegen(context, builder, sig, args):
        _, left, right = sig.args
        x = _as_lanes(context, builder, args[1], left, lanes)
        y = _as_lanes(context, builder, args[2], right, lanes)
        return builder.select(args[0], x, y)

    return lanes(mask, a, b), codegen


def element_of(type_class):
    """The scalar type that a type given as an argument (`np.float32`) stands for."""
    return type_class.instance_type if isinstance(type_class, types.NumberClass) else type_class.dtype


@intrinsic
def convert(typingctx, a, element):
    """The same numbers as another type: exact, or rounded to nearest even; wider integers are cut to their low bits."""
    target = Lanes(element_of(element), a.count)

    def codegen(context, builder, sig, args):
        to, have = target.element, a.element
        vector = llvm_type(target)
        if isinstance(have, types.Float):
            if isinstance(to, types.Float):
                return builder.fptrunc(args[0], vector) if to.bitwidth < have.bitwidth else builder.fpext(args[0], vector)
            return builder.fptosi(args[0], vector)
        if isinstance(to, types.Float):
            return (builder.sitofp if have.signed else builder.uitofp)(args[0], vector)
        if to.bitwidth < have.bitwidth:
            return builder.trunc(args[0], vector)
        return (builder.sext if have.signed else builder.zext)(args[0], vector)

    return target(a, element), codegen


@intrinsic
def bitcast(typingctx, a, element):
    """The same bits read as lanes of another type; twice as many lanes if it is half as wide (low half first)."""
    to = element_of(element)
    width = a.element.bitwidth * a.count
    target = Lanes(to, width // to.bitwidth)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], llvm_type(target))

    return target(a, element), codegen


@intrinsic(prefer_literal=True)
def spread(typingctx, value, count):
    """One scalar in `count` lanes."""
    lanes = Lanes(types.unliteral(value), count.literal_value)

    def codegen(context, builder, sig, args):
        return _spread(builder, context.cast(builder, args[0], value, lanes.element), lanes)

    return lanes(value, count), codegen


@intrinsic
def spread_as(typingctx, value, like):
    """One scalar in lanes of `like`'s type."""

    def codegen(context, builder, sig, args):
        return _as_lanes(context, builder, args[0], value, like)

    return like(value, like), codegen


@intrinsic
def iota(typingctx, like):
    """0, 1, 2, ... as lanes of `like`'s type."""

    def codegen(context, builder, sig, args):
        return ir.Constant(llvm_type(like), list(range(like.count)))

    return like(like), codegen


@intrinsic
def round_half(typingctx, a):
    """float32 lanes rounded to the nearest even float16, as uint16 bits."""
    target = Lanes(types.uint16, a.count)

    def codegen(context, builder, sig, args):
        half = builder.fptrunc(args[0], ir.VectorType(ir.HalfType(), a.count))
        return builder.bitcast(half, llvm_type(target))

    return target(a), codegen


@device
def minimum(a, b):
    return select(a < b, a, b)


@device
def maximum(a, b):
    return select(a > b, a, b)
