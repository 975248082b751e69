"""Normal values as torch's vectorised Box-Muller transform makes them: float32, eight pairs at a time.

torch has the polynomials from avx_mathfun.h (J. Pommier, G. Garberoglio, 2012), which follows Cephes (S. L. Moshier). Each sum
of a product is rounded once, because torch's wheels for x86-64 are compiled for processors with FMA.
"""

from __future__ import annotations

from fastinit.arithmetic.elementary import horner
from fastinit.arithmetic.lanes import Lanes, bitcast, convert, f32, fma, i32, select, sqrt, u32

_LOG = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
    -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_LOG_2_LOW, _LOG_2_HIGH = -2.12194440e-4, 0.693359375
_SQRT_HALF = 0.707106781186547524
_COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_FOUR_OVER_PI, TWO_PI = 1.27323954473516, 6.283185307179586
#: Minus pi / 4 in three parts, so that the first products are exact.
_MINUS_QUARTER_PI = (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)


def log(x: Lanes) -> Lanes:
    """The natural logarithm of normal f32 lanes."""
    bits = bitcast(x, i32)
    mantissa = bitcast((bits & 0x007FFFFF) | 0x3F000000, f32)
    low = mantissa < _SQRT_HALF
    exponent = convert((bits >> 23) - 0x7E, f32) - select(low, x.constant(1.0), 0.0)
    f = (mantissa - 1.0) + select(low, mantissa, 0.0)
    z = f * f
    y = fma(horner(f, _LOG) * f, z, exponent * _LOG_2_LOW)
    y = fma(-z, 0.5, y)
    return fma(exponent, _LOG_2_HIGH, f + y)


def sin_cos(x: Lanes) -> tuple[Lanes, Lanes]:
    """Sine and cosine of f32 lanes from 0 to 8192."""
    octant = (convert(x * _FOUR_OVER_PI, i32) + 1) & -2
    y = convert(octant, f32)
    for part in _MINUS_QUARTER_PI:
        x = fma(y, part, x)
    z = x * x
    cosine = horner(z, _COSINE) * z
    cosine = fma(cosine, z, -(z * 0.5)) + 1.0
    sine = fma(horner(z, _SINE) * z, x, x)
    even = (octant & 2) == 0
    octant = bitcast(octant, u32)
    return (
        _flipped(select(even, sine, cosine), octant & 4),
        _flipped(select(even, cosine, sine), (octant + 2) & 4),
    )


def _flipped(x: Lanes, fours: Lanes) -> Lanes:
    """The lanes with their signs changed where a word is 4, not 0."""
    return bitcast(bitcast(x, u32) ^ (fours << 29), f32)


def normals(k1: Lanes, k2: Lanes, mean: Lanes, std: Lanes) -> tuple[Lanes, Lanes]:
    """Two normal values of each pair of uniform ones, which are k1 and k2 steps of 2^-24."""
    radius = sqrt(log(fma(k1, -(2.0**-24), 1.0)) * -2.0)
    sine, cosine = sin_cos(k2 * (TWO_PI * 2.0**-24))
    return fma(radius * cosine, std, mean), fma(radius * sine, std, mean)
