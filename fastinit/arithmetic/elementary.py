"""Logarithm, exponential function, sine and cosine by polynomials.

They use exact operations only, so every machine has the same last digit. The coefficients are minimax fits
(`docs/scripts/derivations/coefficients.py`), the highest power first.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastinit.arithmetic.lanes import (
    SIGNED,
    UNSIGNED,
    Kind,
    Lanes,
    bitcast,
    convert,
    f32,
    f64,
    fma,
    i32,
    maximum,
    minimum,
    select,
)
from fastinit.arithmetic.reals import quarter_turns, u01_open_closed, u01_open_closed_minus_1


def horner(x: Lanes, coefficients: Sequence[float | Lanes]) -> Lanes:
    """The polynomial with these coefficients, the highest power first."""
    q = coefficients[0]
    for c in coefficients[1:]:
        q = fma(x, q, c)
    return q if isinstance(q, Lanes) else x.constant(q)


def horner_slope(x: Lanes, coefficients: Sequence[float | Lanes]) -> tuple[Lanes, Lanes]:
    """The polynomial and its derivative."""
    q, d = fma(x, coefficients[0], coefficients[1]), coefficients[0]
    for c in coefficients[2:]:
        d = fma(x, d, q)
        q = fma(x, q, c)
    return q, d if isinstance(d, Lanes) else x.constant(d)


LOG_2 = 0.6931471805599453
#: The bits of sqrt(1/2): numbers are split into 2^k m with sqrt(1/2) <= m < sqrt(2).
_SQRT_HALF = {f32: 0x3F3504F3, f64: 0x3FE6A09E667F3BCD}
_LOG_F32 = (
    -0.08787265419960022, 0.1415964663028717, -0.148347869515419, 0.16588488221168518, -0.19972050189971924,
    0.25001147389411926, -0.3333367109298706, 0.4999999701976776, -1.0,
)  # fmt: skip
_LOG_F64 = (
    0.14616449685043406, 0.15331721600556042, 0.18182889125261723, 0.2222221113479508, 0.28571428625975487,
    0.39999999999899505, 0.666666666666667,
)  # fmt: skip


def negative_log(x: Lanes, x_minus_1: Lanes) -> Lanes:
    """-log(x) for normal x, relative error below 2^-22 (2^-51); `x_minus_1` is read where sqrt(1/2) <= x < sqrt(2)."""
    real = x.kind
    bits, fraction = bitcast(x, SIGNED[real.bits]), real.digits - 1
    k = (bits - _SQRT_HALF[real]) >> fraction
    f = select(k == 0, x_minus_1, bitcast(bits - (k << fraction), real) - 1.0)
    if real is f32:
        return fma(f, horner(f, _LOG_F32), convert(k, real) * -LOG_2)
    s = f / (f + 2.0)
    z = s * s
    tail = s * (f - z * horner(z, _LOG_F64))  # log(1 + f) = f - s (f - s^2 q) keeps f itself unrounded (FreeBSD msun, e_log.c)
    return fma(convert(convert(k, i32), real), -LOG_2, tail - f)  # AVX2 converts i32, not i64


def log(x: Lanes) -> Lanes:
    """The natural logarithm of normal positive x, relative error below 2^-22 (2^-51)."""
    return -negative_log(x, x - 1.0)


#: log(2) in two parts, the first with zeros at its end, so that a whole number times it is exact (Cody and Waite, 1980).
_LOG_2_PARTS = {f32: (0.693145751953125, 1.428606765330187e-06), f64: (0.6931471803691238, 1.9082149292705877e-10)}
_PER_LOG_2 = {f32: 1.4426950216293335, f64: 1.4426950408889634}
#: (exp(r) - 1) / r for |r| <= log(2) / 2.
_GROWTH = {
    f32: (0.0013933641603216529, 0.008369148708879948, 0.04166646674275398, 0.16666504740715027, 0.5, 1.0),
    f64: (
        2.510520637395701e-08, 2.7626357241447223e-07, 2.7557255425746435e-06, 2.4801504346997686e-05,
        0.00019841269874800493, 0.0013888888932488599, 0.008333333333326141, 0.04166666666657314, 0.1666666666666667,
        0.5000000000000006, 1.0,
    ),
}  # fmt: skip
#: Beyond these, exp(x) is 0 or infinity.
_EXP_ENDS = {f32: (-104.0, 89.0), f64: (-746.0, 710.0)}


def exp(x: Lanes) -> Lanes:
    """The exponential function, relative error below 2^-22 (2^-51) where the result is a normal number; NaN of NaN."""
    real, given = x.kind, x
    low, high = _EXP_ENDS[real]
    x = minimum(maximum(x, low), high)
    shift = 1.5 * 2.0 ** (real.digits - 1)  # a sum this large is rounded to a whole number
    k = fma(x, _PER_LOG_2[real], shift) - shift
    first, second = _LOG_2_PARTS[real]
    r = fma(k, -second, fma(k, -first, x))
    half = convert(k, i32) >> 1  # by two factors, because 2^k may be no normal number while exp(x) still is not 0
    rest = convert(k, i32) - half
    result = fma(r, horner(r, _GROWTH[real]), 1.0) * _power_of_2(half, real) * _power_of_2(rest, real)
    return select(given != given, given, result)


def _power_of_2(k: Lanes, real: Kind) -> Lanes:
    """2^k for exponents of normal numbers."""
    bias = {32: 127, 64: 1023}[real.bits]
    return bitcast(convert(k + bias, SIGNED[real.bits]) << (real.digits - 1), real)


def exponential(w: Lanes) -> Lanes:
    """-log of `u01_open_closed(w)`: the standard exponential, accurate at both ends."""
    return negative_log(u01_open_closed(w), u01_open_closed_minus_1(w))


#: Sine and cosine of s quarter turns: s P(s^2) and Q(s^2).
_SINE = {
    f32: (-0.004602149128913879, 0.07968021929264069, -0.6459634900093079, 1.5707963705062866),
    f64: (
        5.633933781537854e-08, -3.59864335298231e-06, 0.0001604411507421909, -0.004681754132340976, 0.07969262624604301,
        -0.6459640975062443, 1.5707963267948966,
    ),
}  # fmt: skip
_COSINE = {
    f32: (0.0009067399078048766, -0.02086152881383896, 0.253669410943985, -1.2337005138397217, 1.0),
    f64: (
        -6.329396344967424e-09, 4.710678405505227e-07, -2.5202039028029178e-05, 0.0009192602745468447,
        -0.020863480763340773, 0.2536695079010478, -1.2337005501361697, 1.0,
    ),
}  # fmt: skip


def sin_cos_quarter(s: Lanes) -> tuple[Lanes, Lanes]:
    """Sine and cosine of s quarter turns, |s| <= 1/2."""
    z = s * s
    return s * horner(z, _SINE[s.kind]), horner(z, _COSINE[s.kind])


def sin_cos_turn(w: Lanes) -> tuple[Lanes, Lanes]:
    """Sine and cosine of (w + 1/2) / 2^32 turns (of the upper 54 bits, likewise centred, for a 64-bit word)."""
    s = quarter_turns(w)
    real, word = s.kind, UNSIGNED[s.kind.bits]
    sine, cosine = sin_cos_quarter(s)
    top = 1 << (real.bits - 1)
    axis = w + (top >> 2)  # its top two bits number the axis nearest to the angle
    odd = (axis & (top >> 1)) != 0
    sine, cosine = select(odd, cosine, sine), select(odd, sine, cosine)
    signed_sine = bitcast(sine, word) ^ (axis & top)
    signed_cosine = bitcast(cosine, word) ^ ((axis + (top >> 1)) & top)
    return bitcast(signed_sine, real), bitcast(signed_cosine, real)
