"""The truncated normal within two deviations of the mean: an odd polynomial of a uniform number, and a test.

x = u P(2 u^2 - 1), u uniform, has density f_x with phi(x) / f_x within 0.6 % of constant on [-2, 2]. So 127 of 128 words are
accepted at once (the *squeeze*, Marsaglia 1977), and the others take the exact ratio test with a second word.
"""

from __future__ import annotations

import math
from typing import Any, Generic, NamedTuple, TypeVar

from fastinit.arithmetic.elementary import horner, horner_slope, negative_log
from fastinit.arithmetic.lanes import Lanes, fma, maximum, minimum
from fastinit.arithmetic.reals import low_bits_any, u01_open_closed, u11_closed
from fastinit.distributions.law import Law

T = TypeVar("T")

#: P, the highest power first; all are float32 numbers (`docs/scripts/derivations/coefficients.py`).
P = (
    0.1807885617017746, 0.03176914528012276, -0.30343392491340637, 0.011412260122597218, 0.2271842658519745,
    0.03838174417614937, 0.02136828750371933, 0.12312187254428864, 0.2777452766895294, 1.3916634321212769,
)  # fmt: skip
#: Above the largest exp(-x^2 / 2) dx/du, 1.19986, and below the least, 1.19269, over 127/128: 1.2 as a float32.
PEAK = 1.2000000476837158
SQUEEZE_BITS = 7  # the low bits of a word, all zero for one word in 128


class Numbers(NamedTuple, Generic[T]):
    """Bounds in the dtype, loc and scale, half the width and the middle of the interval that u comes from."""

    least: T
    greatest: T
    loc: T
    scale: T
    half_width: T
    middle: T


def sure(w: Lanes, p: Any) -> Lanes:
    """Whether a word is accepted without the test."""
    return low_bits_any(w, SQUEEZE_BITS)


def squeezed(v: Lanes) -> Lanes:
    """A uniform number in (127/128, 1]: the part that the squeeze leaves to the test."""
    return fma(u01_open_closed(v), 1.0 / 128.0, 127.0 / 128.0)


def proposed(w: Lanes, p: Numbers[Lanes]) -> Lanes:
    """The u of a word."""
    return fma(u11_closed(w), p.half_width, p.middle)


def value(w: Lanes, p: Numbers[Lanes]) -> Lanes:
    """Loc + scale x, clamped to the dtype's numbers between the bounds."""
    u = proposed(w, p)
    x = u * horner(fma(u + u, u, -1.0), P)
    return minimum(maximum(fma(x, p.scale, p.loc), p.least), p.greatest)


def value_and_slope(u: Lanes) -> tuple[Lanes, Lanes]:
    """x = u P(2 u^2 - 1) and dx/du."""
    q, d = horner_slope(fma(u + u, u, -1.0), P)
    return u * q, fma((u * u) * 4.0, d, q)


def passes(u: Lanes, v: Lanes) -> Lanes:
    """Whether `squeezed(v)` is at most exp(-x^2 / 2) dx/du / PEAK, compared as logarithms."""
    x, slope = value_and_slope(u)
    t = squeezed(v) * PEAK / slope
    return negative_log(t, t - 1.0) >= (x * x) * 0.5


def accept(w: Lanes, v: Lanes, p: Numbers[Lanes]) -> Lanes:
    """Whether a word that is not sure passes the test."""
    return passes(proposed(w, p), v)


CENTRAL = Law("truncated_central", Numbers, value, sure=sure, accept=accept)


def serves(a: float, b: float) -> bool:
    """Whether this law serves bounds with |a| <= b. Narrow bounds away from 0 need finer steps."""
    return b <= 2.0 and (a < 0.0 or b - a >= 0.25)


def interval(a: float, b: float) -> tuple[float, float]:
    """Half the width and the middle of the u that u P(2 u^2 - 1) takes onto a .. b."""
    low, high = _inverse(a), _inverse(b)
    return (high - low) * 0.5, (high + low) * 0.5


def _inverse(x: float) -> float:
    """By 20 Newton steps from the end, where the polynomial is convex."""
    target, u = abs(x), 1.0
    for _ in range(20):
        y = 2.0 * u * u - 1.0
        d, q = 0.0, P[0]
        for c in P[1:]:
            d = d * y + q
            q = q * y + c
        u = u - (u * q - target) / (q + 4.0 * u * u * d)
    return math.copysign(u, x)
