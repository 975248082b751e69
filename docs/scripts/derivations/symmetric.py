"""A trial: the truncated normal in float32 between -b and b, b at most 2, about 0, with a finer grain than that of `central`.

A float32 has 24 digits and a word 32, and each rounding shifts where values fall. So the word is split. Its upper 25 bits k,
with the sign, are an exact float32 and go through the polynomial. Its lower 7 bits l follow the tangent there, for whose slope
a straight line in the polynomial's last inner value is close enough. With h a word's share of u and y = 2 (h k)^2 - 1,

    x = c0 h k + q (h k y + S1 h (l + 1/2)) + S0 h (l + 1/2)

where c0 + y q is the polynomial. Only the last sum is rounded at the size of x, and the scale is part of all its numbers. The
density is that of `central`, and so are squeeze and test.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from fastinit.arithmetic.elementary import horner, negative_log
from fastinit.arithmetic.lanes import Lanes, bitcast, convert, f32, fma, i32, maximum, minimum
from fastinit.arithmetic.reals import u11_closed
from fastinit.distributions.central import PEAK, P, interval, squeezed, sure, value_and_slope
from fastinit.distributions.law import Law, Plan, plan

T = TypeVar("T")

#: The bits of a word that are exact as a float32, and those that follow the tangent.
HIGH, LOW = 0xFFFFFF80, 0x7F
#: dx/du is S0 + S1 q: to six digits at u = 0, so that no small number is left out, and within 7 % (root mean square) elsewhere
#: (`docs/scripts/derivations/coefficients.py`).
S0, S1 = -1.09543, 11.5


class Numbers(NamedTuple, Generic[T]):
    """Bounds in the dtype, and what follows; h is a word's share of u."""

    least: T
    greatest: T
    half_width: T  # the largest u
    curvature: T  # 2 h^2
    slope: T  # c0 h scale
    low_slope: T  # S0 h scale
    c9: T  # c9 h scale, and so on
    c8: T
    c7: T
    c6: T
    c5: T
    c4: T
    c3: T
    c2: T
    c1: T

    @property
    def polynomial(self) -> tuple[T, ...]:
        """The highest power first."""
        return (self.c9, self.c8, self.c7, self.c6, self.c5, self.c4, self.c3, self.c2, self.c1)


def value(w: Lanes, p: Numbers[Lanes]) -> Lanes:
    """Scale x, clamped to the dtype's numbers between the bounds."""
    high, low = (convert(bitcast(w & part, i32), f32) for part in (HIGH, LOW))
    y = fma(high * p.curvature, high, -1.0)
    q = horner(y, p.polynomial)
    rest = fma(q, fma(high, y, fma(low, S1, 0.5 * S1)), fma(low, p.low_slope, p.low_slope * 0.5))
    return minimum(maximum(fma(high, p.slope, rest), p.least), p.greatest)


def accept(w: Lanes, v: Lanes, p: Numbers[Lanes]) -> Lanes:
    """The test of the central law."""
    x, slope = value_and_slope(u11_closed(w) * p.half_width)
    t = squeezed(v) * PEAK / slope
    return negative_log(t, t - 1.0) >= (x * x) * 0.5


SYMMETRIC = Law(
    "truncated_symmetric",
    Numbers,
    value,
    sure=sure,
    accept=accept,
    dtypes=("float32",),
)


def planned(b: float, scale: float) -> Plan:
    """The plan of these bounds."""
    half, _ = interval(-b, b)
    h = half * 2.0**-31
    unit = h * scale
    numbers = (half, 2.0 * h * h, P[-1] * unit, S0 * unit, *(c * unit for c in P[:-1]))
    return plan(SYMMETRIC, -b * scale, b * scale, *numbers)
