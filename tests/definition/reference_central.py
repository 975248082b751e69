"""The proposals central and symmetric (docs/stream-format.md, section 5), written from that text alone."""

import math

import numpy as np

from tests.definition.reference_floats import as_signed, fl, fma, horner, negative_log, u01_open_closed, u11_closed

CENTRAL = tuple(
    float(np.float32(c))
    for c in (
        0.1807885617017746, 0.03176914528012276, -0.30343392491340637, 0.011412260122597218, 0.2271842658519745,
        0.03838174417614937, 0.02136828750371933, 0.12312187254428864, 0.2777452766895294, 1.3916634321212769,
    )
)  # fmt: skip
RATIO_BOUND = float(np.float32(1.2))


def squeezed(test, real):
    return fma(u01_open_closed(test, real), 1 / 128, 127 / 128)


def inverse_of_central(x):
    u = 1.0
    for _ in range(20):
        y = 2 * u * u - 1
        d, q = 0.0, CENTRAL[0]
        for c in CENTRAL[1:]:
            d = d * y + q
            q = q * y + c
        u = u - (u * q - abs(x)) / (q + 4 * u * u * d)
    return math.copysign(u, x)


def ratio_test(u, test, real):
    y = fma(u + u, u, -1.0)
    x = u * horner(y, CENTRAL)
    d, q = real(CENTRAL[0]), fma(y, CENTRAL[0], CENTRAL[1])
    for c in CENTRAL[2:]:
        d, q = fma(y, d, q), fma(y, q, c)
    h = squeezed(test, real) * RATIO_BOUND / fma(4.0 * (u * u), d, q)
    return negative_log(h, h - 1.0) >= (x * x) * 0.5


def central(numbers, word, test, real):
    half, middle, scale, loc = numbers
    u = fma(u11_closed(word, real), half, middle)
    y = fma(u + u, u, -1.0)
    x = u * horner(y, CENTRAL)
    return fma(x, scale, loc), word % 128 > 0 or ratio_test(u, test, real)


def symmetric_numbers(b, scale):
    half = inverse_of_central(b)
    h = half * 2.0**-31
    unit = h * scale
    coefficients = (c * unit * float(18 ** (9 - i)) for i, c in enumerate(CENTRAL[:9]))
    return (half, 0.5 / (h * h), 2 * h * h / 18, CENTRAL[9] * unit, *coefficients)


def symmetric(numbers, word, test, real):
    half, turn, curvature, slope, *g = numbers
    high, low = fl(as_signed(word | 127, 32), real), fl(word % 128 - 128, real)
    y = fma(high, high, -turn) * curvature
    rest = horner(y, g) * fma(high, y, low)
    return fma(high, slope, rest), word % 128 > 0 or ratio_test(u11_closed(word, real) * half, test, real)
