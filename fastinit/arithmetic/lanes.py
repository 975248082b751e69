"""Values that are not known yet: arithmetic on `Lanes` tells a *target* which instructions to emit.

A function of `Lanes` runs once, while its kernel is made, and leaves a straight run of instructions behind. Only operations
whose result IEEE 754 or two's complement fixes exactly are here, and nothing is contracted or reassociated. So every target
gives the same bits. A formula must keep to what is fixed: no shift by the width or more, no division of integers by 0, no
conversion of a real that the integer cannot hold.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, NoReturn, Protocol, TypeAlias


class Kind(NamedTuple):
    """The type of one value."""

    name: str
    bits: int
    group: Literal["real", "signed", "unsigned", "bit"]

    def __str__(self) -> str:
        return self.name

    @property
    def digits(self) -> int:
        """Binary digits of a real's significand."""
        return {32: 24, 64: 53}[self.bits]


f32, f64 = Kind("f32", 32, "real"), Kind("f64", 64, "real")
i32, i64 = Kind("i32", 32, "signed"), Kind("i64", 64, "signed")
u8, u16, u32, u64 = (Kind(f"u{n}", n, "unsigned") for n in (8, 16, 32, 64))
bit = Kind("bit", 1, "bit")

#: The real, the signed and the unsigned kind of each width.
REAL, SIGNED, UNSIGNED = {32: f32, 64: f64}, {32: i32, 64: i64}, {32: u32, 64: u64}


class Target(Protocol):
    """What operations become: LLVM vectors, or scalars for a GPU. Each gets checked operands and returns the target's value."""

    def constant(self, number: float, kind: Kind, width: int | None) -> Any: ...
    def spread(self, scalar: Lanes, width: int) -> Any: ...
    def binary(self, operation: str, a: Lanes, b: Lanes) -> Any: ...
    def compare(self, relation: str, a: Lanes, b: Lanes) -> Any: ...
    def negate(self, a: Lanes) -> Any: ...
    def fma(self, a: Lanes, b: Lanes, c: Lanes) -> Any: ...
    def sqrt(self, a: Lanes) -> Any: ...
    def select(self, condition: Lanes, a: Lanes, b: Lanes) -> Any: ...
    def convert(self, a: Lanes, kind: Kind) -> Any: ...
    def bitcast(self, a: Lanes, kind: Kind, width: int | None) -> Any: ...
    def raised(self, a: Lanes) -> Any: ...
    def upper_halves(self, a: Lanes) -> Any: ...
    def half_bits(self, a: Lanes) -> Any | None: ...
    def half_reals(self, a: Lanes) -> Any | None: ...
    def in_step(self, values: Sequence[Lanes]) -> Sequence[Any]: ...


#: An operand of an operator.
Operand: TypeAlias = "Lanes | float"

_INTEGERS, _BITWISE = ("signed", "unsigned"), ("signed", "unsigned", "bit")
#: Python's name of each operator, and the groups of kinds that have it. `//` and `%` round differently in Python for signs.
_OPERATORS = {
    "add": ("real", *_INTEGERS), "sub": ("real", *_INTEGERS), "mul": ("real", *_INTEGERS), "truediv": ("real",),
    "floordiv": ("unsigned",), "mod": ("unsigned",),
    "and": _BITWISE, "or": _BITWISE, "xor": _BITWISE, "lshift": _INTEGERS, "rshift": _INTEGERS,
}  # fmt: skip


def _checked(number: Any, kind: Kind) -> float:
    """`number` if the kind can hold it; a real one may be rounded, but neither overflow nor lose an integer's digits."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"a constant of kind {kind} must be an int or a float; got {number!r}")
    if kind.group == "real":
        try:
            form = "<f" if kind is f32 else "<d"
            (rounded,) = struct.unpack(form, struct.pack(form, number))
        except (OverflowError, struct.error):
            raise ValueError(f"the constant {number!r} does not fit {kind}: it is too large") from None
        if isinstance(number, int) and rounded != number:
            raise ValueError(f"the constant {number!r} does not fit {kind}: it has more than {kind.digits} binary digits")
        return float(rounded)
    low, high = (-(1 << kind.bits - 1), (1 << kind.bits - 1) - 1) if kind.group == "signed" else (0, (1 << kind.bits) - 1)
    if not isinstance(number, int) or not low <= number <= high:
        raise ValueError(f"the constant {number!r} does not fit {kind}: integers from {low} to {high} do")
    return number


def _unknown(what: str, cure: str) -> Any:
    def refuse(self: Lanes, *_: object) -> NoReturn:
        raise TypeError(f"{what} needs a value, but {self!r} is not known before its kernel runs: {cure}")

    return refuse


def _operator(name: str, swapped: bool = False) -> Callable[[Lanes, Operand], Lanes]:
    def operate(self: Lanes, other: Operand) -> Lanes:
        _only(name, self, *_OPERATORS[name])
        a, b = met(name, *((other, self) if swapped else (self, other)))
        if name in ("lshift", "rshift") and not isinstance(other, Lanes) and not 0 <= other < self.kind.bits:
            raise ValueError(f"{name} of {self!r} by {other!r}: only 0 to {self.kind.bits - 1} have a result")
        if name in ("floordiv", "mod") and not isinstance(other, Lanes) and other == 0:
            raise ValueError(f"{name} of {self!r} by 0 has no result")
        return a.like(a.target.binary(name, a, b))

    return operate


def _relation(sign: str) -> Callable[[Lanes, Operand], Lanes]:
    def compare(self: Lanes, other: Operand) -> Lanes:
        a, b = met(sign, self, other)
        return a.like(a.target.compare(sign, a, b), bit)

    return compare


class Lanes:
    """`width` values of one kind, or one value (`width` None) that is spread where it meets lanes."""

    __slots__ = ("kind", "target", "value", "width")

    def __init__(self, target: Target, value: Any, kind: Kind, width: int | None) -> None:
        self.target, self.value, self.kind, self.width = target, value, kind, width

    def __repr__(self) -> str:
        return f"Lanes({self.kind}, {'scalar' if self.width is None else self.width})"

    def like(self, value: Any, kind: Kind | None = None) -> Lanes:
        """A value of the same target and width."""
        return Lanes(self.target, value, kind or self.kind, self.width)

    def constant(self, number: float, kind: Kind | None = None) -> Lanes:
        """A known number in all lanes."""
        kind = kind or self.kind
        return self.like(self.target.constant(_checked(number, kind), kind, self.width), kind)

    def spread(self, width: int | None) -> Lanes:
        """A scalar in so many lanes."""
        if width is None or self.width == width:
            return self
        if self.width is not None:
            raise TypeError(f"cannot spread {self!r} over {width} lanes: only a scalar spreads")
        return Lanes(self.target, self.target.spread(self, width), self.kind, width)

    __bool__ = _unknown("if, and, or, not, while", "use select(condition, a, b), & and |")
    #: NumPy's scalars and arrays leave operators to `Lanes`, which refuse them.
    __array_ufunc__ = None
    __iter__ = __contains__ = _unknown("a loop over the lanes", "lanes have no order that a formula may use")
    __hash__ = _unknown("a key of a dict or a set", "use select(condition, a, b)")
    __index__ = __int__ = __float__ = _unknown("a Python number", "convert(x, kind) converts all lanes")
    __len__ = _unknown("a length", "the width belongs to the target")

    def __neg__(self) -> Lanes:
        if self.kind.group != "real":
            raise TypeError(f"- is not defined for {self!r}: subtract from 0, or xor, to say what is meant")
        return self.like(self.target.negate(self))

    def __abs__(self) -> Lanes:
        if self.kind.group != "real":
            raise TypeError(f"abs is not defined for {self!r}: select(x < 0, 0 - x, x) says what is meant")
        word = UNSIGNED[self.kind.bits]
        return bitcast(bitcast(self, word) & ((1 << (self.kind.bits - 1)) - 1), self.kind)

    def __invert__(self) -> Lanes:
        if self.kind.group not in ("unsigned", "bit"):
            raise TypeError(f"~ is not defined for {self!r}: bitcast to an unsigned kind first")
        return self ^ ((1 << self.kind.bits) - 1)

    __add__, __radd__ = _operator("add"), _operator("add", swapped=True)
    __sub__, __rsub__ = _operator("sub"), _operator("sub", swapped=True)
    __mul__, __rmul__ = _operator("mul"), _operator("mul", swapped=True)
    __truediv__, __rtruediv__ = _operator("truediv"), _operator("truediv", swapped=True)
    __floordiv__, __mod__ = _operator("floordiv"), _operator("mod")
    __and__, __or__, __xor__ = _operator("and"), _operator("or"), _operator("xor")
    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__
    __lshift__, __rshift__ = _operator("lshift"), _operator("rshift")
    __lt__, __le__, __gt__, __ge__ = _relation("<"), _relation("<="), _relation(">"), _relation(">=")
    __eq__, __ne__ = _relation("=="), _relation("!=")  # type: ignore[assignment]


def met(operation: str, *operands: Operand) -> list[Lanes]:
    """The operands as lanes of one kind and width: numbers become constants, and scalars are spread."""
    lanes = [x for x in operands if isinstance(x, Lanes)]
    if not lanes:
        raise TypeError(f"{operation} of {', '.join(map(repr, operands))}: at least one must be a value; x.constant(number) is")
    like = next((x for x in lanes if x.width is not None), lanes[0])
    for x in lanes:
        if x.kind != like.kind:
            raise TypeError(f"{operation} of {like!r} and {x!r}: convert one to the kind of the other, or bitcast it")
        if x.width not in (None, like.width):
            raise TypeError(f"{operation} of {like!r} and {x!r}: the widths differ")
    return [x.spread(like.width) if isinstance(x, Lanes) else like.constant(x) for x in operands]


def _only(operation: str, a: Lanes, *groups: str, bits: int | None = None) -> None:
    if not isinstance(a, Lanes):
        raise TypeError(f"{operation} of {a!r}: it is no value; x.constant(number) is")
    if bits not in (None, a.kind.bits):
        raise TypeError(f"{operation} of {a!r}: it is for {bits} bits")
    if a.kind.group not in groups:
        raise TypeError(f"{operation} of {a!r}: it is for {', '.join(groups)} kinds")


def fma(a: Operand, b: Operand, c: Operand) -> Lanes:
    """A * b + c, rounded once."""
    x, y, z = met("fma", a, b, c)
    _only("fma", x, "real")
    return x.like(x.target.fma(x, y, z))


def sqrt(a: Lanes) -> Lanes:
    """The correctly rounded square root."""
    _only("sqrt", a, "real")
    return a.like(a.target.sqrt(a))


def select(condition: Lanes, a: Operand, b: Operand) -> Lanes:
    """`a` where the condition holds, else `b`."""
    _only("the condition of select", condition, "bit")
    x, y = met("select", a, b)
    x, y = x.spread(condition.width), y.spread(condition.width)
    if x.width != condition.width:
        raise TypeError(f"select of {x!r} by {condition!r}: the widths differ")
    return x.like(x.target.select(condition, x, y))


def minimum(a: Lanes, b: Operand) -> Lanes:
    """The smaller of both; `b` where they compare equal."""
    a, b = met("minimum", a, b)
    return select(a < b, a, b)


def maximum(a: Lanes, b: Operand) -> Lanes:
    """The larger of both; `b` where they compare equal."""
    a, b = met("maximum", a, b)
    return select(a > b, a, b)


def convert(a: Lanes, kind: Kind) -> Lanes:
    """The same numbers as another kind: exact, or rounded to nearest even; wider integers keep their low bits."""
    _only("convert", a, *_BITWISE, "real")
    if "bit" in (a.kind.group, kind.group):
        raise TypeError(f"convert {a!r} to {kind}: compare a number with 0, or select two numbers by a bit")
    return a if a.kind == kind else a.like(a.target.convert(a, kind), kind)


def bitcast(a: Lanes, kind: Kind) -> Lanes:
    """The same bits read as another kind: twice as many lanes if it is half as wide, the low half first."""
    _only("bitcast", a, *_BITWISE, "real")
    if "bit" in (a.kind.group, kind.group) or (
        a.kind.bits != kind.bits if a.width is None else a.width * a.kind.bits % kind.bits
    ):
        raise TypeError(f"bitcast {a!r} to {kind}: the numbers of bits differ")
    width = None if a.width is None else a.width * a.kind.bits // kind.bits
    return a if a.kind == kind else Lanes(a.target, a.target.bitcast(a, kind, width), kind, width)


def raised(a: Lanes) -> Lanes:
    """The lower halves of u64 lanes moved to the upper halves."""
    _only("raised", a, "unsigned", bits=64)
    return a.like(a.target.raised(a))


def upper_halves(a: Lanes) -> Lanes:
    """The upper 16 bits of u32 lanes."""
    _only("upper_halves", a, "unsigned", bits=32)
    return a.like(a.target.upper_halves(a), u16)


def half_bits(a: Lanes) -> Lanes | None:
    """f32 lanes rounded to float16, as its bits; None where the target has no instruction for it."""
    _only("half_bits", a, "real", bits=32)
    value = a.target.half_bits(a)
    return None if value is None else a.like(value, u16)


def half_reals(a: Lanes) -> Lanes | None:
    """The reals of float16's bits, u16, as f32 lanes; None where the target has no instruction for it."""
    _only("half_reals", a, "unsigned", bits=16)
    value = a.target.half_reals(a)
    return None if value is None else a.like(value, f32)


def in_step(*values: Lanes) -> tuple[Lanes, ...]:
    """The values unchanged; where it pays, none of them can be used before all are complete."""
    return tuple(old.like(new) for old, new in zip(values, values[0].target.in_step(values), strict=True))
