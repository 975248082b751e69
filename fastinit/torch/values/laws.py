"""What torch makes of the words of mt19937: 32 words, a unit, become 32 values, or 16 of float64."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir

from fastinit.arithmetic.lanes import Kind, Lanes, bitcast, convert, f32, f64, fma, select, sqrt, u16, u32, u64
from fastinit.arithmetic.rounding import as_is, to_bfloat16, to_float16
from fastinit.kernels.targets.llvm import I32, element, indices, llvm_type
from fastinit.kernels.targets.vectors import Vectors
from fastinit.torch.values.box_muller import TWO_PI, normals
from fastinit.torch.values.twister import scaled, steps_f32, steps_f64

UNIT = 32  # words

#: Each dtype's real kind, the kind of its stored bits, and its rounding.
FORMATS: dict[str, tuple[Kind, Kind, Callable[[Lanes], Lanes]]] = {
    "float32": (f32, u32, as_is),
    "float64": (f64, u64, as_is),
    "bfloat16": (f32, u16, to_bfloat16),
    "float16": (f32, u16, to_float16),
}
#: Those of two bytes.
SHORT = ("bfloat16", "float16")
#: Functions of the C library that normal values of float64 need.
LIBRARY = ("log", "sincos")


class Law(NamedTuple):
    """A function from tempered words and the numbers of a call, which are f64 scalars, to stored values; their number."""

    name: str
    dtype: str
    numbers: int
    values: Callable[[Vectors, Lanes, list[Lanes]], Lanes]

    @property
    def words(self) -> int:
        """Words of a value."""
        return 2 if self.dtype == "float64" else 1

    @property
    def unit(self) -> int:
        """Values of a unit."""
        return UNIT // self.words

    @property
    def itemsize(self) -> int:
        return FORMATS[self.dtype][1].bits // 8


def ordered(bits: Lanes) -> Lanes:
    """Stored values of at most 32 bits as unsigned integers in the same order; -0 is next to 0, below it."""
    top = 1 << (bits.kind.bits - 1)
    return bits ^ select((bits & top) != 0, bits.constant(2 * top - 1), top)


def _steps(words: Lanes, kind: Kind) -> Lanes:
    return steps_f32(words) if kind is f32 else steps_f64(bitcast(words, u64))


@functools.cache
def uniform(dtype: str, fused: bool) -> Law:
    """Uniform on [start, start + width); what rounds up to the end becomes the start.

    Numbers: start, width, end. For two bytes, then: the start's bits, the end's bits, and those of their bits that must agree.
    """
    kind, stored, encode = FORMATS[dtype]

    def values(target: Vectors, words: Lanes, numbers: list[Lanes]) -> Lanes:
        start, width, end = (convert(x, kind) for x in numbers[:3])
        x = scaled(_steps(words, kind) * 2.0**-kind.digits, start, width, fused)
        if stored is not u16:
            return select(x == end, start, x)
        first, last, mask = (convert(x, u16) for x in numbers[3:])
        bits = encode(x)
        return select((bits & mask) == last, first, bits)

    return Law("uniform" if fused else "uniform-unfused", dtype, 6 if stored is u16 else 3, values)


@functools.cache
def normal(dtype: str) -> Law:
    """Normal values, each 16 from 16 words. Numbers: mean, standard deviation."""
    kind, _, encode = FORMATS[dtype]
    law = _libm_normals if kind is f64 else _normals

    def values(target: Vectors, words: Lanes, numbers: list[Lanes]) -> Lanes:
        return encode(law(target, _steps(words, kind), *(convert(x, kind) for x in numbers)))

    return Law("normal", dtype, 2, values)


def place(i: int) -> ir.Constant:
    """The number of a lane."""
    return ir.Constant(I32, i)


_EVEN, _ODD = (indices([*range(i, i + 8), *range(i + 16, i + 24)]) for i in (0, 8))
_MERGED = indices([*range(8), *range(16, 24), *range(8, 16), *range(24, 32)])


def _normals(target: Vectors, steps: Lanes, mean: Lanes, std: Lanes) -> Lanes:
    """Of each 16 values, the first eight and the last eight are pairs, and so are the results."""
    shuffle = target.builder.shuffle_vector
    k1, k2 = (Lanes(target, shuffle(steps.value, steps.value, places), f32, 16) for places in (_EVEN, _ODD))
    first, second = normals(k1, k2, mean, std)
    return Lanes(target, shuffle(first.value, second.value, _MERGED), f32, UNIT)


def _libm_normals(target: Vectors, steps: Lanes, mean: Lanes, std: Lanes) -> Lanes:
    """float64: pair by pair, by the C library's functions, which torch calls too."""
    builder, double, x = target.builder, element(f64), steps * 2.0**-53
    results = ir.Constant(llvm_type(f64, x.width), ir.Undefined)
    with builder.goto_entry_block():
        room = [builder.alloca(double) for _ in range(2)]

    def library(name: str, a: Lanes, *more: Any) -> Any:
        return target.intrinsic(name, ir.VoidType() if more else double, a.value, *more)

    for j in range(8):
        u1, u2 = (Lanes(target, builder.extract_element(x.value, place(i)), f64, None) for i in (j, j + 8))
        radius = sqrt(u1.like(library("log", 1.0 - u1)) * -2.0)
        library("sincos", u2 * TWO_PI, *room)
        for i, source in ((j, room[1]), (j + 8, room[0])):
            wave = u1.like(builder.load(source, typ=double))
            results = builder.insert_element(results, fma(radius * wave, std, mean).value, place(i))
    return x.like(results)
