"""The standard deviation of the truncated normal distribution, for any bounds, the same on every machine.

All of it is computed with `decimal`, because the C library's exp and erf differ in their last digit between machines.
"""

from __future__ import annotations

import bisect
import decimal
import functools
import math
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fastinit.arguments import checks
from fastinit.distributions.law import decimals

#: Upper tails from here on come from a continued fraction, those below from a power series.
_BORDER = 8
#: With both bounds at least this far out, truncation removes less than 10^-340 of the mass.
_NOTHING = -40.0
#: Between bounds this close the density is so flat that the uniform distribution has the same deviation, to 20 digits.
_FLAT = 1e-10
_AGREEMENT = Decimal("1e-25")


def _body(x: Decimal, precision: int) -> Decimal:
    """exp(x^2 / 2) times the integral of exp(-t^2 / 2) over [0, x], as the sum of x^(2k+1) / (2k+1)!!."""
    term = total = x
    square, k, smallest = x * x, 1, Decimal(10) ** (-precision - 5)
    while abs(term) > smallest * abs(total):
        k += 2
        term = term * square / k
        total += term
    return total


def _far_tail(x: Decimal, precision: int) -> Decimal:
    """Mills' ratio for x >= 8, by Laplace's continued fraction x + 1 / (x + 2 / (x + 3 / ...))."""
    # The error at depth n is near exp(-2 x sqrt(2 n)).
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
    """The variance between bounds with |a| <= b, where b may be infinite. Densities are relative to the density at a."""
    at_b = (-(b - a) * (b + a) / 2).exp()
    mass = _tail(a, precision)
    edge = a
    if at_b:
        mass -= at_b * _tail(b, precision)
        edge -= at_b * b
    if mass <= 0:  # the interval is too narrow for this precision
        return Decimal(-1)
    shift = (1 - at_b) / mass
    return 1 + edge / mass - shift * shift


@functools.lru_cache(maxsize=1024)
def deviation(a: float, b: float) -> float:
    """The standard deviation of the standard normal between a < b, which may be infinite, rounded to a double."""
    if a + b < 0:
        a, b = -b, -a
    if a < _NOTHING:
        return 1.0
    precision, last = 60, Decimal(-1)
    while True:
        with decimal.localcontext(decimals(precision)):
            if (b - a) * max(b, 1.0) < _FLAT:
                return float((Decimal(b) - Decimal(a)) / Decimal(12).sqrt())
            value = _variance(Decimal(a), Decimal(b), precision)
            if value > 0 and abs(value - last) < _AGREEMENT * value:
                return float(value.sqrt())
        precision, last = 2 * precision, value


def truncated_std(a: float = -2.0, b: float = 2.0) -> float:
    """Compute the standard deviation of the standard normal distribution truncated to [a, b].

    Parameters
    ----------
    a, b : float
        Bounds, a < b; may be infinite.

    Returns
    -------
    float
        From 0 to 1, the nearest double for any bounds, the same on every machine.

    Raises
    ------
    TypeError, ValueError
        If a or b is not a real number, or a is not below b.

    Examples
    --------
    >>> from fastinit.initializers import truncated_std
    >>> truncated_std()
    0.8796256610342398
    """
    lower, upper = checks.number("a", a), checks.number("b", b)
    if not lower < upper:
        raise ValueError(f"a must be less than b; got a={lower!r}, b={upper!r}")
    return deviation(lower, upper)


def divisor(name: str, a: float, b: float) -> float:
    """`truncated_std(a, b)` as a divisor: raises if the bounds are so close that it is 0."""
    result = truncated_std(a, b)
    if not result:
        raise ValueError(f"{name} must leave a deviation that a double holds; got ({a!r}, {b!r})")
    return result


def before_truncation(scale: Any, a: Any, b: Any, loc: Any, units: Any) -> float:
    """The deviation of a normal distribution that has the deviation `scale` after truncation."""
    target, unit = checks.at_least_zero("scale", scale), divisor("a and b", a, b)
    mean = checks.number("loc", loc)
    if units != "absolute" or not target or math.isinf(mean):
        return target / unit
    return scale_for(target, checks.number("a", a), checks.number("b", b), mean)


#: The largest distance, in powers of two, between the ends of the bisection. Beyond it, each power would cost a step.
_APART = 64


def _bracket(target: float, reached: Callable[[float], bool]) -> tuple[float, float]:
    """Two scales of which only the second reaches the target, each the target times a power of two."""
    last = sys.float_info.max_exp + 1 - math.frexp(target)[1]  # the first power that overflows

    def multiple(power: int) -> float:
        return math.ldexp(target, power) if power < last else sys.float_info.max

    power = bisect.bisect_left(range(-2200, last), True, key=lambda power: reached(multiple(power))) - 2200
    low, high = multiple(power - 1), multiple(power)
    return (low, high) if abs(power) > _APART else (min(low, target), max(high, target))


@functools.lru_cache(maxsize=256)
def scale_for(target: float, a: float, b: float, loc: float) -> float:
    """The scale at which the normal with mean `loc`, truncated to the values [a, b], has the standard deviation `target`.

    Bisects over the target times powers of two, then over doubles until the ends are adjacent. The deviation grows with the
    scale: without limit if a bound is infinite, else towards (b - a) / sqrt(12), which it never reaches.
    """

    def reached(scale: float) -> bool:
        lower, upper = ((a - loc) / scale, (b - loc) / scale) if scale else (0.0, 0.0)
        return (
            lower < upper and scale * deviation(lower, upper) >= target
        )  # not so if both are infinite: then all the mass is at one bound

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
