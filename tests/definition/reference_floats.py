"""IEEE 754 rounding through exact rationals, and section 4 of docs/stream-format.md: reals from words.

A computed number is a NumPy scalar, `np.float32` or `np.float64`: its +, -, *, / and square root are rounded once, and a Python
float beside it counts as the nearest number of its precision. A stored number of any dtype is a Python float, which holds all.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np


class Format(NamedTuple):
    digits: int
    least_exponent: int
    greatest_exponent: int
    largest: float | None = None  # where it is not the largest that these digits and exponents can make
    beyond: float = math.inf  # what rounding to nearest makes of more


FORMATS = {
    "float16": Format(11, -14, 15),
    "bfloat16": Format(8, -126, 127),
    "float32": Format(24, -126, 127),
    "float64": Format(53, -1022, 1023),
    "float8_e4m3fn": Format(4, -6, 8, 448.0, math.nan),
    "float8_e5m2": Format(3, -14, 15),
}
PRECISION = {dtype: np.float64 if dtype == "float64" else np.float32 for dtype in FORMATS}


def exponent(x):
    """The whole number e with 2^e <= abs(x) < 2^(e + 1)."""
    x = abs(x)
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


def rounded(x, dtype, direction):
    """The real number x as a number of the dtype; `direction` is `round` (ties to even), `math.ceil` or `math.floor`."""
    if x == 0 or (isinstance(x, float) and not math.isfinite(x)):
        return float(x) if x == 0 or direction is not round else x * FORMATS[dtype].beyond
    x = Fraction(x)
    form = FORMATS[dtype]
    unit = Fraction(2) ** (max(exponent(x), form.least_exponent) - form.digits + 1)
    y = direction(x / unit) * unit
    sign = -1.0 if x < 0 else 1.0
    top = form.largest or (2 - Fraction(2) ** (1 - form.digits)) * 2**form.greatest_exponent
    if abs(y) > top:
        towards_zero = direction is (math.floor if x > 0 else math.ceil)
        return math.copysign(float(top) if towards_zero else form.beyond if direction is round else math.inf, sign)
    return math.copysign(float(y), sign)


def nearest(x, dtype):
    return rounded(x, dtype, round)


def smallest_not_below(x, dtype):
    return -largest_not_above(-x, dtype)


def largest_not_above(x, dtype):
    """An infinite x is above every number; a dtype without infinity has a largest number below it."""
    form = FORMATS[dtype]
    return form.largest if x == math.inf and form.largest else rounded(x, dtype, math.floor)


def largest_below(x, dtype):
    return rounded(Fraction(x) - Fraction(2) ** -1100, dtype, math.floor)  # every number is a multiple of 2^-1074


def middle_above(x, dtype):
    """Half way from x, a number of the dtype, to the next one, as if there were no greatest exponent."""
    form = FORMATS[dtype]
    x = Fraction(x)
    away = Fraction(2) ** ((max(exponent(x), form.least_exponent) if x else form.least_exponent) - form.digits + 1)
    if x < 0 and abs(x) == Fraction(2) ** exponent(x) and exponent(x) > form.least_exponent:
        away /= 2  # towards 0 the numbers are closer
    return x + away / 2


def fl(x, real):
    """The real number x rounded to the precision `real`: fl32 or fl64."""
    return real(nearest(x, real.__name__))


def fma(x, y, z):
    """x * y + z rounded once, in the precision of x; Python floats among y and z count as the nearest numbers of it."""
    real = type(x)
    y, z = real(y), real(z)
    if not (np.isfinite(x) and np.isfinite(y) and np.isfinite(z)):
        return x * y + z
    exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    if exact == 0:
        return x * y + z  # exact here, and the sign of the zero is IEEE's
    return fl(exact, real)


def horner(z, coefficients):
    """q = fma(z, q, c) from the first coefficient through the others."""
    q = type(z)(coefficients[0])
    for c in coefficients[1:]:
        q = fma(z, q, c)
    return q


def bits_of(x):
    return int(x.view(np.uint32 if type(x) is np.float32 else np.uint64))


def from_bits(bits, real):
    return (np.uint32 if real is np.float32 else np.uint64)(bits).view(real)


def lesser(x, y):
    """min(x, y) of the text."""
    return x if x < y else y


def greater(x, y):
    """max(x, y) of the text."""
    return x if x > y else y


# Section 4: reals from words


def width_of(real):
    return 32 if real is np.float32 else 64


def as_signed(word, width):
    return word - 2**width if word >> (width - 1) else word


def upper_bits(word, real):
    return fl(word >> (8 if real is np.float32 else 11), real)


def u01_closed_open(word, real):
    return upper_bits(word, real) * real(2.0 ** (-24 if real is np.float32 else -53))


def u01_open_closed(word, real):
    n = width_of(real)
    return fma(fl(word, real), 2.0**-n, 2.0 ** -(n + 1))


def u01_minus_1(word, real):
    n = width_of(real)
    return fma(fl(2**n - 1 - word, real), -(2.0**-n), -(2.0 ** -(n + 1)))


def u11_closed(word, real):
    if real is np.float32:
        return fma(fl(as_signed(word, 32), real), 2.0**-31, 2.0**-32)
    return (fl(word >> 11, real) * 2.0**-52 - 1.0) + 2.0**-53


def quarter_turns(word, real):
    if real is np.float32:
        return fma(fl(as_signed(4 * word % 2**32, 32), real), 2.0**-32, 2.0**-31)
    f = 1.0 + 2.0**-52 * fl((4 * word % 2**64 ^ 2**63) >> 12, real)
    return (f - 1.5) + 2.0**-53


def two_sided(word, real):
    """Whether the word is in the lower half, u, and 1 - u."""
    n = width_of(real)
    lower = word < 2 ** (n - 1)
    k = word if lower else 2**n - 1 - word
    u, rest = (fma(fl(x, real), 2.0 ** (1 - n), 2.0**-n) for x in (k, 2 ** (n - 1) - 1 - k))
    return lower, u, rest


LN2 = 0.6931471805599453
LOG32 = (
    -0.08787265419960022, 0.1415964663028717, -0.148347869515419, 0.16588488221168518, -0.19972050189971924,
    0.25001147389411926, -0.3333367109298706, 0.4999999701976776, -1.0,
)  # fmt: skip
LOG64 = (
    0.14616449685043406, 0.15331721600556042, 0.18182889125261723, 0.2222221113479508, 0.28571428625975487,
    0.39999999999899505, 0.666666666666667,
)  # fmt: skip


def split(x, x_minus_1):
    """k and f: x is 2^k times 1 + f."""
    real = type(x)
    shift, middle = (23, 0x3F3504F3) if real is np.float32 else (52, 0x3FE6A09E667F3BCD)
    bits = bits_of(x)
    k = (bits - middle) >> shift
    return real(k), x_minus_1 if k == 0 else from_bits(bits - (k << shift), real) - 1.0


def negative_log(x, x_minus_1):
    k, f = split(x, x_minus_1)
    if type(x) is np.float32:
        return fma(f, horner(f, LOG32), k * -LN2)
    s = f / (f + 2.0)
    z = s * s
    return fma(k, -LN2, s * (f - z * horner(z, LOG64)) - f)


def exponential(word, real):
    return negative_log(u01_open_closed(word, real), u01_minus_1(word, real))


SIN32 = (-0.004602149128913879, 0.07968021929264069, -0.6459634900093079, 1.5707963705062866)
COS32 = (0.0009067399078048766, -0.02086152881383896, 0.253669410943985, -1.2337005138397217)
SIN64 = (
    5.633933781537854e-08, -3.59864335298231e-06, 0.0001604411507421909, -0.004681754132340976, 0.07969262624604301,
    -0.6459640975062443, 1.5707963267948966,
)  # fmt: skip
COS64 = (
    -6.329396344967424e-09, 4.710678405505227e-07, -2.5202039028029178e-05, 0.0009192602745468447, -0.020863480763340773,
    0.2536695079010478, -1.2337005501361697,
)  # fmt: skip


def sin_cos_of_quarter_turns(s):
    n, z = width_of(type(s)), s * s
    return s * horner(z, SIN32 if n == 32 else SIN64), fma(z, horner(z, COS32 if n == 32 else COS64), 1.0)


def sin_cos(word, real):
    n = width_of(real)
    first, second = sin_cos_of_quarter_turns(quarter_turns(word, real))
    n2 = (word + 2 ** (n - 3)) % 2**n
    if n2 >> (n - 2) & 1:
        first, second = second, first
    if n2 >> (n - 1) & 1:
        first = -first
    if n2 + 2 ** (n - 2) >> (n - 1) & 1:
        second = -second
    return first, second


def box_muller(pair, real):
    """The elements of plane A and of plane B from their pair of words."""
    e = exponential(pair[0], real)
    r = np.sqrt(e + e)
    sine, cosine = sin_cos(pair[1], real)
    return r * cosine, r * sine
