"""Reals to stored bits and back: two functions per dtype. Rounding is to nearest even."""

from __future__ import annotations

from fastinit.arithmetic.lanes import (
    SIGNED,
    UNSIGNED,
    Lanes,
    bitcast,
    convert,
    f32,
    f64,
    half_bits,
    half_reals,
    i32,
    minimum,
    select,
    u8,
    u16,
    u32,
    upper_halves,
)


def as_is(x: Lanes) -> Lanes:
    """float32, float64 and raw words are stored as they are."""
    return x


def _shortened(x: Lanes, digits_cut: int, bias_cut: int, top: int) -> Lanes:
    """The magnitude of f32 lanes in a shorter format, as u32.

    The format has `digits_cut` bits of fraction less, and an exponent bias less by `bias_cut`; what is too large becomes
    `top`.
    """
    size = bitcast(x, u32) & 0x7FFFFFFF
    rebased = size - (bias_cut << 23)
    normal = (rebased + (((rebased >> digits_cut) & 1) + ((1 << (digits_cut - 1)) - 1))) >> digits_cut
    # Below the normal numbers: a sum whose unit in the last place is the smallest subnormal rounds to multiples of it.
    unit = size.constant((bias_cut + digits_cut + 1) << 23)
    subnormal = bitcast(bitcast(size, f32) + bitcast(unit, f32), u32) - unit
    return select(size < ((bias_cut + 1) << 23), subnormal, minimum(normal, top))


def _sign(x: Lanes, bits: int) -> Lanes:
    """The sign of f32 lanes as the top one of so many bits."""
    return (bitcast(x, u32) >> (32 - bits)) & (1 << (bits - 1))


def to_float16(x: Lanes) -> Lanes:
    """By the CPU's conversion; by integers where it has none, which LLVM would leave to a library that is not linked."""
    half = half_bits(x)
    return half if half is not None else convert(_shortened(x, 13, 112, 0x7C00) | _sign(x, 16), u16)


def to_bfloat16(x: Lanes) -> Lanes:
    """The upper half of an f32 that is not NaN, after adding half of what is cut off, ties to even."""
    bits = bitcast(x, u32)
    return upper_halves(bits + (((bits >> 16) & 1) + 0x7FFF))


def to_float8_e5m2(x: Lanes) -> Lanes:
    """Sign, 5 bits of exponent, 2 of fraction; beyond 57344 infinity, as ml_dtypes has it."""
    return convert(_shortened(x, 21, 112, 0x7C) | _sign(x, 8), u8)


def to_float8_e4m3fn(x: Lanes) -> Lanes:
    """Sign, 4 bits of exponent, 3 of fraction, no infinity; beyond 448 NaN, as ml_dtypes has it."""
    return convert(_shortened(x, 20, 120, 0x7F) | _sign(x, 8), u8)


def to_word(x: Lanes) -> Lanes:
    """Integers of the word's width are stored as they are; a real must be a whole number that they hold."""
    if x.kind.group != "real":
        return x
    bits = x.kind.bits
    return bitcast(convert(x, SIGNED[bits]), UNSIGNED[bits])


def to_integer16(x: Lanes) -> Lanes:
    """The lower 16 bits of an integer."""
    return convert(to_word(x), u16)


def to_integer8(x: Lanes) -> Lanes:
    """The lower 8 bits of an integer."""
    return convert(to_word(x), u8)


def from_float32(bits: Lanes) -> Lanes:
    """The reals of float32."""
    return bitcast(bits, f32)


def from_float64(bits: Lanes) -> Lanes:
    """The reals of float64."""
    return bitcast(bits, f64)


def _lengthened(bits: Lanes, width: int, digits_cut: int, bias_cut: int, top: int) -> Lanes:
    """f32 lanes of a shorter format's bits, the inverse of `_shortened`; from `top` on they stand for infinity and NaN."""
    x = convert(bits, u32)
    size = x & ((1 << (width - 1)) - 1)
    longer = size << digits_cut
    # Below the normal numbers: a count of the smallest one. (To scale a subnormal f32 would take CPUs ten times as long.)
    least = 1 << (23 - digits_cut)
    subnormal = bitcast(convert(bitcast(size, i32), f32) * 2.0 ** (bias_cut + digits_cut - 149), u32)
    finite = select(size < least, subnormal, longer + (bias_cut << 23))
    return bitcast(select(size >= top, longer | 0x7F800000, finite) | (x >> (width - 1)) << 31, f32)


def from_float16(bits: Lanes) -> Lanes:
    """By the CPU's conversion; by integers where it has none."""
    reals = half_reals(bits)
    return reals if reals is not None else _lengthened(bits, 16, 13, 112, 0x7C00)


def from_bfloat16(bits: Lanes) -> Lanes:
    """The reals of bfloat16: the upper halves of f32."""
    return bitcast(convert(bits, u32) << 16, f32)


def from_float8_e5m2(bits: Lanes) -> Lanes:
    """The reals of float8_e5m2."""
    return _lengthened(bits, 8, 21, 112, 0x7C)


def from_float8_e4m3fn(bits: Lanes) -> Lanes:
    """The reals of float8_e4m3fn, which has NaN and no infinity."""
    return _lengthened(bits, 8, 20, 120, 0x7F)
