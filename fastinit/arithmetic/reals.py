"""Words to uniform reals: u32 to f32, u64 to f64. The interval of each is in its name; `docs/stream-format.md` has the ends."""

from __future__ import annotations

from fastinit.arithmetic.lanes import REAL, SIGNED, Kind, Lanes, bitcast, convert, fma, i32, select, u32, u64

#: The integer kind from which CPUs convert fastest where the top bit is 0: without AVX-512 they lack u32, and i64 entirely.
_NARROWED = {u32: i32, u64: u64}


def real_of(word: Lanes) -> Kind:
    """The real kind of a word's width."""
    return REAL[word.kind.bits]


def steps(w: Lanes) -> Lanes:
    """The upper 24 (53) bits as a real: 0 .. 2^24 - 1 (2^53 - 1)."""
    real = real_of(w)
    return convert(bitcast(w >> (real.bits - real.digits), _NARROWED[w.kind]), real)


def u01_closed_open(w: Lanes) -> Lanes:
    """k * 2^-24 (2^-53) with k the upper 24 (53) bits."""
    return steps(w) * 2.0 ** -real_of(w).digits


def u01_open_closed(w: Lanes) -> Lanes:
    """(w + 1/2) * 2^-32 (2^-64) rounded: 2^-33 (2^-65) .. 1, finer and finer towards 0."""
    real = real_of(w)
    return fma(convert(w, real), 2.0**-real.bits, 2.0 ** -(real.bits + 1))


def u01_open_closed_minus_1(w: Lanes) -> Lanes:
    """`u01_open_closed(w)` - 1 without cancellation: the complement of w, converted before anything is rounded."""
    real = real_of(w)
    return fma(convert(~w, real), -(2.0**-real.bits), -(2.0 ** -(real.bits + 1)))


def u01_two_sided(w: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """Whether a word is in the lower half; u = (k + 1/2) * 2^-31 (2^-63) rounded, with k the places from its end; and 1 - u.

    So u is twice the chance of the tail: 2^-32 (2^-64) .. 1, equally likely on both sides.
    """
    bits = w.kind.bits
    lower = w < 1 << (bits - 1)
    k = select(lower, w, ~w)
    rest = k ^ ((1 << (bits - 1)) - 1)

    def centred(x: Lanes) -> Lanes:
        return fma(convert(bitcast(x, _NARROWED[w.kind]), real_of(w)), 2.0 ** (1 - bits), 2.0**-bits)

    return lower, centred(k), centred(rest)


def u11_closed(w: Lanes) -> Lanes:
    """Symmetric about 0 and never 0.

    Of a 32-bit word, read as signed: (w + 1/2) * 2^-31 rounded, -1 .. 1. Of the upper 53 bits k of a 64-bit word:
    (k + 1/2) * 2^-52 - 1, at most 1 - 2^-53 from 0.
    """
    if w.kind is u32:
        return fma(convert(bitcast(w, SIGNED[32]), real_of(w)), 2.0**-31, 2.0**-32)
    return (steps(w) * 2.0**-52 - 1.0) + 2.0**-53


def quarter_turns(w: Lanes) -> Lanes:
    """Distance of the angle (w + 1/2) / 2^32 turns from the nearest axis, in quarter turns: -1/2 .. 1/2, never 0.

    A 64-bit word gives its upper 54 bits, likewise centred in their step.
    """
    if w.kind is u32:
        return fma(convert(bitcast(w << 2, SIGNED[32]), real_of(w)), 2.0**-32, 2.0**-31)
    fraction = (((w << 2) ^ 0x8000000000000000) >> 12) | 0x3FF0000000000000  # the bits of a number in [1, 2)
    return (bitcast(fraction, real_of(w)) - 1.5) + 2.0**-53


def low_bits_any(w: Lanes, count: int) -> Lanes:
    """Where the lowest `count` bits of a word are not all zero."""
    return (w & ((1 << count) - 1)) != 0
