"""IEEE 754 rounding through exact rationals.

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


FORMATS = {
    "float16": Format(11, -14, 15),
    "bfloat16": Format(8, -126, 127),
    "float32": Format(24, -126, 127),
    "float64": Format(53, -1022, 1023),
}
PRECISION = {"float16": np.float32, "bfloat16": np.float32, "float32": np.float32, "float64": np.float64}


def exponent(x):
    """The whole number e with 2^e <= abs(x) < 2^(e + 1)."""
    x = abs(x)
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


def rounded(x, dtype, direction):
    """The real number x as a number of the dtype; `direction` is `round` (ties to even), `math.ceil` or `math.floor`."""
    if x == 0 or (isinstance(x, float) and not math.isfinite(x)):
        return float(x)
    x = Fraction(x)
    form = FORMATS[dtype]
    unit = Fraction(2) ** (max(exponent(x), form.least_exponent) - form.digits + 1)
    y = direction(x / unit) * unit
    top = (2 - Fraction(2) ** (1 - form.digits)) * 2**form.greatest_exponent
    if abs(y) > top:
        towards_zero = direction is (math.floor if x > 0 else math.ceil)
        return math.copysign(float(top) if towards_zero else math.inf, x)
    return math.copysign(float(y), x)


def nearest(x, dtype):
    return rounded(x, dtype, round)


def smallest_not_below(x, dtype):
    return rounded(x, dtype, math.ceil)


def largest_not_above(x, dtype):
    return rounded(x, dtype, math.floor)


def largest_below(x, dtype):
    return rounded(Fraction(x) - Fraction(2) ** -1100, dtype, math.floor)  # every number is a multiple of 2^-1074


def fl(x, real):
    """The real number x rounded to the precision `real`: fl32 or fl64."""
    return real(nearest(x, real.__name__))


def fma(x, y, z):
    """x * y + z rounded once, in the precision of x; Python floats among y and z count as the nearest numbers of it."""
    real = type(x)
    y, z = real(y), real(z)
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
