"""The truncated normal elsewhere: a polynomial in the depth, and a test.

The *depth* of x is the s with exp(-s^2 / 2) the chance of more than x, so depth(0) = sqrt(2 log 2). Each polynomial below is
near the inverse, x = start + C1 h + ... + C8 h^8 with h = s - depth(start) (`docs/scripts/derivations/coefficients.py`).
exp((s^2 - x^2) / 2) dx/ds / s stays within 0.6 % of constant as far as 2^-65 of the mass beyond any bound that it serves.
"""

from __future__ import annotations

import decimal
import math
from typing import Generic, NamedTuple, TypeVar

from fastinit.arithmetic.elementary import horner, horner_slope, negative_log
from fastinit.arithmetic.lanes import UNSIGNED, Lanes, convert, fma, maximum, minimum, select, sqrt
from fastinit.arithmetic.reals import real_of
from fastinit.distributions.central import squeezed, sure
from fastinit.distributions.law import Law, decimals

T = TypeVar("T")

PEAK = 2.513  # above the largest ratio of all polynomials, 2.51248, and below the least, 2.49931, over 127/128
STRAIGHT = 80.0  # from here on x = s serves: its ratio a / s stays above 127/128 while e^-45 of the mass is left


class Branch(NamedTuple):
    """A polynomial, the bounds that it serves (from `start` on), and where it ends."""

    start: float
    depth: float
    end: float
    coefficients: tuple[float, ...]


BRANCHES = (
    Branch(0.0, 1.1774100225154747, 9.368, (
        1.4713595167473255, -0.2105483038044847, 0.07654109828430093, -0.019140361916619802,
        0.0030514705527159435, -0.0002926093577928885, 1.5253760807471518e-05, -3.2951355649380313e-07,
    )),
    Branch(1.0, 1.9188651046956184, 10.228, (
        1.2575920871813844, -0.08386736763782962, 0.025260012035709153, -0.00589668837214699,
        0.0009478283403933721, -9.611473098237373e-05, 5.478918188824597e-06, -1.3317921407308114e-07,
    )),
    Branch(4.0, 4.551944965951871, 18.603, (
        1.077096940231951, -0.01222430297386241, 0.0018505008778535064, -0.0002296715068170002,
        2.06021900733887e-05, -1.2046913150750198e-06, 4.0430258594371153e-08, -5.863401342829004e-10,
    )),
    Branch(16.0, 16.229318905841964, 80.562, (
        1.010328468752468, -0.000489157918049345, 2.0124821411565935e-05, -6.234302597284264e-07,
        1.3211403785596395e-08, -1.770212820084424e-10, 1.3392946078610127e-12, -4.339750455731242e-15,
    )),
)  # fmt: skip


class Numbers(NamedTuple, Generic[T]):
    """Bounds in the dtype, the near bound's value, and what follows; a is the near bound in deviations, s_a its depth."""

    least: T
    greatest: T
    near: T
    unit: T  # scale / s_a: values are near + unit d with d = s_a (x - a)
    curvature: T  # 2 / s_a^2
    step: T  # of t, the chance that is left, between two words
    least_t: T
    other_least_t: T  # on the other side of 0
    other_words: T  # how many words belong to that side
    alpha: T  # a / s_a
    ratio: T  # the factor of the test
    alpha_minus_1: T
    c1: T
    c2: T
    c3: T
    c4: T
    c5: T
    c6: T
    c7: T
    c8: T

    @property
    def polynomial(self) -> tuple[T, ...]:
        """The highest power first."""
        return (self.c8, self.c7, self.c6, self.c5, self.c4, self.c3, self.c2, self.c1)


def depth(w: Lanes, p: Numbers[Lanes]) -> tuple[Lanes, Lanes, Lanes]:
    """From a word to whether it is on the other side of 0, and how deep there: tau = s_a (s - s_a), and r = s / s_a.

    With t, even on a side, the chance that is left, s^2 = s_a^2 - 2 log(t). Places are counted from the near bound and from
    the far one, and tau is written so that nothing cancels.
    """
    words = convert(p.other_words, UNSIGNED[w.kind.bits])
    other, places = w < words, w - words
    near = convert(select(other, ~places, places), real_of(w))
    far = convert(select(other, w, ~w), real_of(w))
    t = fma(far, p.step, select(other, p.other_least_t, p.least_t))
    e = negative_log(t, fma(near, -p.step, p.step * -0.5))
    r = sqrt(fma(e, p.curvature, 1.0))
    return other, (e + e) / (r + 1.0), r


def value(w: Lanes, p: Numbers[Lanes]) -> Lanes:
    """Near + unit d, clamped to the dtype's numbers between the bounds."""
    other, tau, _ = depth(w, p)
    unit = select(other, -p.unit, p.unit)
    return minimum(maximum(fma(tau * horner(tau, p.polynomial), unit, p.near), p.least), p.greatest)


def accept(w: Lanes, v: Lanes, p: Numbers[Lanes]) -> Lanes:
    """As for the central law, for exp((s^2 - x^2) / 2) dx/ds / s.

    The exponent is -(d - tau) (alpha + (d + tau) / (2 s_a^2)) - (alpha - 1) tau, and a constant that `ratio` holds.
    """
    _, tau, r = depth(w, p)
    q, slope = horner_slope(tau, p.polynomial)
    d = tau * q
    excess = fma(d - tau, fma(d + tau, p.curvature * 0.25, p.alpha), tau * p.alpha_minus_1)
    t = squeezed(v) * r / (fma(tau, slope, q) * p.ratio)
    return negative_log(t, t - 1.0) >= excess


TAILS = Law("truncated_tails", Numbers, value, sure=sure, accept=accept, counts=("other_words",))


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
    with decimal.localcontext(decimals(60)):
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
    branch = [branch for branch in BRANCHES if branch.start <= a][-1]
    h = _inverse(branch.coefficients, a - branch.start)
    depth = branch.depth + h
    rise, _ = _left(-0.5 * (depth - a) * (depth + a))
    coefficients = _moved(branch.coefficients, h)
    return Start(a, depth, coefficients, branch.end, rise / (depth * PEAK))


def numbers(a: float, b: float, scale: float, word_bits: int) -> tuple[float, ...]:
    """All numbers after the near bound's value."""
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
