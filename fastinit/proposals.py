"""How a normal law between two bounds is proposed: which transformation, and its numbers. No Numba here.

All arithmetic is IEEE double (+, -, *, /, sqrt) or `decimal`, both the same on every machine; the C library's functions,
which differ in their last digit, are not used. All of this is part of the stream format.

The *depth* of x is the s with exp(-s^2 / 2) the chance of more than x, so depth(0) = sqrt(2 log 2). Each polynomial below is
near the inverse, x = start + C1 h + ... + C8 h^8 with h = s - depth(start) (docs/scripts/coefficients.py), near enough that
exp((s^2 - x^2) / 2) dx/ds / s stays within 0.6 % of constant as far as 2^-65 of the mass beyond any bound that it serves.
"""

from __future__ import annotations

import decimal
import math
from typing import NamedTuple

#: Numbers that a kernel gets.
NUMBERS = 20

# x = u P(2 u^2 - 1), u uniform, has density f_x with phi(x) / f_x within 0.6 % of constant on +-2; all float32 numbers.
CENTRAL = (
    1.3916634321212769,
    0.2777452766895294,
    0.12312187254428864,
    0.02136828750371933,
    0.03838174417614937,
    0.2271842658519745,
    0.011412260122597218,
    -0.30343392491340637,
    0.03176914528012276,
    0.1807885617017746,
)
CENTRAL_PEAK = 1.2  # above the largest exp(-x^2 / 2) dx/du, 1.19986, and below the least, 1.19269, over 127/128

PEAK = 2.513  # above the largest ratio of all polynomials, 2.51248, and below the least, 2.49931, over 127/128
STRAIGHT = 80.0  # from here on x = s serves: its ratio a / s stays above 127/128 while e^-45 of the mass is left


class Tail(NamedTuple):
    """A polynomial, the bounds that it serves (from `start` on), and where it ends."""

    start: float
    depth: float
    end: float
    coefficients: tuple[float, ...]


TAILS = (
    Tail(
        0.0,
        1.1774100225154747,
        9.368,
        (
            1.4713595167473255,
            -0.2105483038044847,
            0.07654109828430093,
            -0.019140361916619802,
            0.0030514705527159435,
            -0.0002926093577928885,
            1.5253760807471518e-05,
            -3.2951355649380313e-07,
        ),
    ),
    Tail(
        1.0,
        1.9188651046956184,
        10.228,
        (
            1.2575920871813844,
            -0.08386736763782962,
            0.025260012035709153,
            -0.00589668837214699,
            0.0009478283403933721,
            -9.611473098237373e-05,
            5.478918188824597e-06,
            -1.3317921407308114e-07,
        ),
    ),
    Tail(
        4.0,
        4.551944965951871,
        18.603,
        (
            1.077096940231951,
            -0.01222430297386241,
            0.0018505008778535064,
            -0.0002296715068170002,
            2.06021900733887e-05,
            -1.2046913150750198e-06,
            4.0430258594371153e-08,
            -5.863401342829004e-10,
        ),
    ),
    Tail(
        16.0,
        16.229318905841964,
        80.562,
        (
            1.010328468752468,
            -0.000489157918049345,
            2.0124821411565935e-05,
            -6.234302597284264e-07,
            1.3211403785596395e-08,
            -1.770212820084424e-10,
            1.3392946078610127e-12,
            -4.339750455731242e-15,
        ),
    ),
)


def is_flat(a: float, b: float) -> bool:
    """Whether the density is the same all over bounds with |a| <= b, to 2^-40."""
    return (b - a) * b < 2.0**-40


def is_central(a: float, b: float) -> bool:
    """Whether the polynomial on two deviations serves bounds with |a| <= b; narrow bounds off 0 want finer steps."""
    return b <= 2.0 and (a < 0.0 or b - a >= 0.25)


def central(a: float, b: float) -> tuple[float, float]:
    """Half the width and the middle of the u that u P(2 u^2 - 1) takes onto a .. b."""
    low, high = _central_inverse(a), _central_inverse(b)
    return (high - low) * 0.5, (high + low) * 0.5


def _central_inverse(x: float) -> float:
    """By 20 Newton steps from the end, where the polynomial is convex."""
    target, u = abs(x), 1.0
    for _ in range(20):
        y = 2.0 * u * u - 1.0
        d, q = 0.0, CENTRAL[9]
        for c in CENTRAL[8::-1]:
            d = d * y + q
            q = q * y + c
        u = u - (u * q - target) / (q + 4.0 * u * u * d)
    return math.copysign(u, x)


def _value_and_slope(c: tuple[float, ...], h: float) -> tuple[float, float]:
    """c1 h + ... + c8 h^8 and its derivative."""
    q, d = c[-1], 0.0
    for k in c[-2::-1]:
        d = d * h + q
        q = q * h + k
    return q * h, q + h * d


def _inverse(c: tuple[float, ...], x: float) -> float:
    """The h with c1 h + ... + c8 h^8 = x, by 20 Newton steps."""
    h = x / c[0]
    for _ in range(20):
        value, slope = _value_and_slope(c, h)
        h = h - (value - x) / slope
    return h


def _moved(c: tuple[float, ...], h: float) -> tuple[float, ...]:
    """The coefficients of the same polynomial about `h`, without the constant (Horner's scheme, repeated)."""
    q = [0.0, *c]
    for low in range(len(c)):
        for i in range(len(c) - 1, low - 1, -1):
            q[i] = q[i] + h * q[i + 1]
    return tuple(q[1:])


def _left(e: float) -> tuple[float, float]:
    """exp(-e) and 1 - exp(-e)."""
    with decimal.localcontext(prec=60, rounding=decimal.ROUND_HALF_EVEN) as context:
        context.clear_traps()
        left = (-decimal.Decimal(e)).exp()
        return float(left), float(1 - left)


class Start(NamedTuple):
    """A near bound: its depth, x as a polynomial of the depth from there, where that ends, and the factor of the ratio test."""

    a: float
    depth: float
    coefficients: tuple[float, ...]
    end: float
    ratio: float

    def far(self, width: float) -> tuple[float, float]:
        """The chance that is left at a bound `width` further out, and what lies between the two."""
        if not self.a + width < self.end:
            return 0.0, 1.0
        h = _inverse(self.coefficients, width)
        return _left(h * (self.depth + 0.5 * h))


def _start(a: float) -> Start:
    if a >= STRAIGHT:
        return Start(a, a, (1.0,) + (0.0,) * 7, math.inf, 1.0)
    tail = [tail for tail in TAILS if tail.start <= a][-1]
    h = _inverse(tail.coefficients, a - tail.start)
    depth = tail.depth + h
    rise, _ = _left(-0.5 * (depth - a) * (depth + a))
    coefficients = _moved(tail.coefficients, h)
    return Start(a, depth, coefficients, tail.end, rise / (depth * PEAK))


def tails(a: float, b: float, scale: float, word_bits: int) -> tuple[float, ...]:
    """All numbers of the tails after the near bound's value; `kernels/truncated.py` says what each is."""
    start = _start(max(a, 0.0))
    left, between = start.far(b - start.a)
    other_left, other = start.far(-a) if a < 0 else (0.0, 0.0)
    step = (between + other) / 2.0**word_bits
    words = math.floor(other / (between + other) * 2.0**word_bits + 0.5)
    alpha = start.a / start.depth
    polynomial, power = [], 1.0
    for c in start.coefficients:
        polynomial.append(c * power)
        power = power / start.depth
    return (
        scale / start.depth,
        2.0 / start.depth / start.depth,
        step,
        left + 0.5 * step,
        other_left + 0.5 * step,
        float(words),
        alpha,
        start.ratio,
        alpha - 1.0,
        *polynomial,
    )
