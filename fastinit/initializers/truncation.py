"""The standard deviation that a truncated normal has left, for any bounds, the same on every machine. No Numba here.

In `decimal` throughout: the C library's exp and erf differ in their last digit between machines.
"""

from __future__ import annotations

import bisect
import decimal
import functools
import math
import sys
from collections.abc import Callable
from decimal import Decimal

#: Upper tails from here on come from a continued fraction, those below from a power series.
_BORDER = 8
#: A lower bound so far down, with the upper one as far or farther up, cuts off less than 10^-340.
_NOTHING = -40.0
#: Between bounds so close the density is flat enough for the uniform distribution's deviation, to 20 digits.
_FLAT = 1e-10
_AGREEMENT = Decimal("1e-25")


def _body(x: Decimal, precision: int) -> Decimal:
    """exp(x^2 / 2) times the integral of exp(-t^2 / 2) over [0, x]: the sum of x^(2k+1) / (2k+1)!!."""
    term = total = x
    square, k, smallest = x * x, 1, Decimal(10) ** (-precision - 5)
    while abs(term) > smallest * abs(total):
        k += 2
        term = term * square / k
        total += term
    return total


def _far_tail(x: Decimal, precision: int) -> Decimal:
    """Mills' ratio of x >= 8 by its continued fraction x + 1 / (x + 2 / (x + 3 / ...)), after Laplace."""
    # Depth n leaves an error near exp(-2 x sqrt(2 n)).
    depth = int((Decimal(precision) * Decimal("2.303") / (x * Decimal("2.8"))) ** 2) + 10
    below = x
    for k in range(depth, 0, -1):
        below = x + k / below
    return 1 / below


def _tail(x: Decimal, precision: int) -> Decimal:
    """exp(x^2 / 2) times the integral of exp(-t^2 / 2) over [x, infinity)."""
    if x >= _BORDER:
        return _far_tail(x, precision)
    border = Decimal(_BORDER)
    half = (-border * border / 2).exp() * (_body(border, precision) + _far_tail(border, precision))
    return (x * x / 2).exp() * half - _body(x, precision)


def _variance(a: Decimal, b: Decimal, precision: int) -> Decimal:
    """Variance between bounds with |a| <= b, of which b may be infinite; densities are in units of the one at a."""
    at_b = (-(b - a) * (b + a) / 2).exp()
    mass = _tail(a, precision)
    edge = a
    if at_b:
        mass -= at_b * _tail(b, precision)
        edge -= at_b * b
    if mass <= 0:  # too few digits for so narrow an interval
        return Decimal(-1)
    shift = (1 - at_b) / mass
    return 1 + edge / mass - shift * shift


@functools.lru_cache(maxsize=1024)
def deviation(a: float, b: float) -> float:
    """Standard deviation of the standard normal between a < b, which may be infinite: the nearest double."""
    if a + b < 0:
        a, b = -b, -a
    if a < _NOTHING:
        return 1.0
    precision, last = 60, Decimal(-1)
    while True:
        with decimal.localcontext(prec=precision, rounding=decimal.ROUND_HALF_EVEN, Emin=-999999, Emax=999999) as context:
            context.clear_traps()
            if (b - a) * max(b, 1.0) < _FLAT:
                return float((Decimal(b) - Decimal(a)) / Decimal(12).sqrt())
            value = _variance(Decimal(a), Decimal(b), precision)
            if value > 0 and abs(value - last) < _AGREEMENT * value:
                return float(value.sqrt())
        precision, last = 2 * precision, value


#: Powers of two that the bisection's ends may be apart: from there on it would take a step for each.
_APART = 64


def _bracket(target: float, reached: Callable[[float], bool]) -> tuple[float, float]:
    """Two scales, the second of which alone reaches the target: its multiples by powers of two, or itself."""
    last = sys.float_info.max_exp + 1 - math.frexp(target)[1]  # the first power that is too large

    def multiple(power: int) -> float:
        return math.ldexp(target, power) if power < last else sys.float_info.max

    power = bisect.bisect_left(range(-2200, last), True, key=lambda power: reached(multiple(power))) - 2200
    low, high = multiple(power - 1), multiple(power)
    return (low, high) if abs(power) > _APART else (min(low, target), max(high, target))


@functools.lru_cache(maxsize=256)
def scale_for(target: float, a: float, b: float, loc: float) -> float:
    """The scale that gives the normal of mean `loc` between the values a < b a standard deviation of `target`.

    By bisection, first of the target's multiples by powers of two, then between doubles down to neighbours. The deviation grows
    from 0, without end where a bound is infinite and else towards that of the uniform distribution on [a, b], which it never
    reaches.
    """

    def reached(scale: float) -> bool:
        lower, upper = ((a - loc) / scale, (b - loc) / scale) if scale else (0.0, 0.0)
        return lower < upper and scale * deviation(lower, upper) >= target  # both infinite: all mass at one bound

    most = (b - a) / math.sqrt(12.0)
    if not target < most * (1.0 - 1e-9):
        raise ValueError(f"scale must be below (b - a) / sqrt(12) = {most!r}, the deviation of a uniform; got {target!r}")
    if not reached(sys.float_info.max):
        raise ValueError(
            f"scale must be a deviation that a double before truncation gives for a={a!r}, b={b!r}; got {target!r}"
        )
    low, high = _bracket(target, reached)
    while low < (middle := 0.5 * low + 0.5 * high) < high:
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
