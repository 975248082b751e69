"""Operations that LLVM has for vectors and scalars alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from fastinit.arithmetic.lanes import Kind, Lanes, Target

I32, I64 = ir.IntType(32), ir.IntType(64)

_REAL = {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv"}
_INTEGER = {
    "add": "add", "sub": "sub", "mul": "mul", "floordiv": "udiv", "mod": "urem",
    "and": "and_", "or": "or_", "xor": "xor", "lshift": "shl", "rshift": "lshr",
}  # fmt: skip


def element(kind: Kind) -> Any:
    """The LLVM type of one value."""
    if kind.group != "real":
        return ir.IntType(kind.bits)
    return ir.FloatType() if kind.bits == 32 else ir.DoubleType()


def llvm_type(kind: Kind, width: int | None) -> Any:
    """The LLVM type of so many values."""
    return element(kind) if width is None else ir.VectorType(element(kind), width)


def type_of(a: Lanes) -> Any:
    return llvm_type(a.kind, a.width)


def indices(places: Sequence[int]) -> Any:
    """The constant vector of a shuffle."""
    return ir.Constant(ir.VectorType(I32, len(places)), list(places))


def number(value: int) -> Any:
    """A constant i64."""
    return ir.Constant(I64, value)


def pointer(builder: Any, address: Any, offset: int = 0) -> Any:
    """An address, an i64, as a pointer."""
    return builder.inttoptr(builder.add(address, number(offset)) if offset else address, ir.PointerType())


def store(builder: Any, value: Any, address: Any, offset: int = 0) -> None:
    """Write a value at an address that needs no alignment."""
    builder.store(value, pointer(builder, address, offset), align=1)


State = Sequence[Any]


def loop_while(builder: Any, state: State, condition: Callable[[State], Any], body: Callable[[State], State]) -> list[Any]:
    """Run `body` from state to state while the condition holds."""
    before, head = builder.block, builder.append_basic_block("head")
    inside, after = builder.append_basic_block("body"), builder.append_basic_block("after")
    builder.branch(head)
    builder.position_at_end(head)
    now = [builder.phi(x.type) for x in state]
    for phi, x in zip(now, state, strict=True):
        phi.add_incoming(x, before)
    builder.cbranch(condition(now), inside, after)
    builder.position_at_end(inside)
    for phi, x in zip(now, body(now), strict=True):
        phi.add_incoming(x, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return now


def while_left(builder: Any, state: State, least: int, body: Callable[[State], State]) -> list[Any]:
    """Run `body` from state to state while the last of the state is at least `least`."""
    return loop_while(builder, state, lambda now: builder.icmp_unsigned(">=", now[-1], number(least)), body)


class Instructions(Target):
    """A target that appends to an llvmlite builder."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def intrinsic(self, name: str, result: Any, *arguments: Any) -> Any:
        """Call an intrinsic of LLVM."""
        module = self.builder.module
        function = module.globals.get(name) or ir.Function(module, ir.FunctionType(result, [x.type for x in arguments]), name)
        return self.builder.call(function, arguments)

    def constant(self, number: float, kind: Kind, width: int | None) -> Any:
        return ir.Constant(llvm_type(kind, width), number if width is None else [number] * width)

    def binary(self, operation: str, a: Lanes, b: Lanes) -> Any:
        if a.kind.group == "real":
            return getattr(self.builder, _REAL[operation])(a.value, b.value)
        if operation == "rshift" and a.kind.group == "signed":
            return self.builder.ashr(a.value, b.value)
        return getattr(self.builder, _INTEGER[operation])(a.value, b.value)

    def compare(self, relation: str, a: Lanes, b: Lanes) -> Any:
        if a.kind.group == "real":
            compare = self.builder.fcmp_unordered if relation == "!=" else self.builder.fcmp_ordered
            return compare(relation, a.value, b.value)
        compare = self.builder.icmp_signed if a.kind.group == "signed" else self.builder.icmp_unsigned
        return compare(relation, a.value, b.value)

    def negate(self, a: Lanes) -> Any:
        return self.builder.fneg(a.value)

    def select(self, condition: Lanes, a: Lanes, b: Lanes) -> Any:
        return self.builder.select(condition.value, a.value, b.value)

    def convert(self, a: Lanes, kind: Kind) -> Any:
        have, want = a.kind, kind
        if have.group == want.group == "real":
            name = "fptrunc" if want.bits < have.bits else "fpext"
        elif have.group == "real":
            name = "fptosi" if want.group == "signed" else "fptoui"
        elif want.group == "real":
            name = "sitofp" if have.group == "signed" else "uitofp"
        elif want.bits == have.bits:
            return a.value
        else:
            name = "trunc" if want.bits < have.bits else "sext" if have.group == "signed" else "zext"
        return getattr(self.builder, name)(a.value, llvm_type(kind, a.width))

    def bitcast(self, a: Lanes, kind: Kind, width: int | None) -> Any:
        wanted = llvm_type(kind, width)
        return a.value if a.value.type == wanted else self.builder.bitcast(a.value, wanted)
