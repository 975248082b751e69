"""The truncated normal in float32 between -b and b, b at most 2, about 0: the polynomial of `central`, with a finer grain.

A float32 has 24 digits and a word 32, and each rounding shifts where values fall. So the word is split into k, its upper 25
bits with the sign, which a float32 holds, and l, its lower 7. With h a word's share of u, y = 2 (h k)^2 - 1 and c0 + y q the
polynomial,

    x = c0 h k + h q (k y + 18 l)

has l fill the steps between the k. Only the last sum is rounded at the size of x, and h and scale are part of all coefficients.
So is 18: the code has y / 18 and 18 q. The density is that of `central`, and so are squeeze and test.

Why 18: at u = 0 the tangent has the slope 6 q. Three times as much puts the values of three k between each other, evenly,
because 3 is odd and l has 2^7 values. Towards the bounds dx/du grows faster than q, and at u = 1 the values of a k just reach
those of the next, where 6 q would leave gaps, and a steeper line would shift values past the bounds.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from fastinit.arithmetic.elementary import horner
from fastinit.arithmetic.lanes import Lanes, bitcast, convert, f32, fma, i32, maximum, minimum
from fastinit.arithmetic.reals import u11_closed
from fastinit.distributions.central import P, interval, passes, sure
from fastinit.distributions.law import REALS, Law

T = TypeVar("T")

#: The bits that are set in a word to read k, and to read l, both signed. So l is -128 .. -1, and no value is 0.
#: A float32 rounds a k of more than 24 digits up, to the next multiple of 128.
LOW, HIGH = 0x7F, 0xFFFFFF80
STEEP = 18
#: Of scale b: between these, all numbers are normal float32 numbers.
LEAST, GREATEST = 2.0**-80, 2.0**80


class Numbers(NamedTuple, Generic[T]):
    """Bounds in the dtype, and what follows; h is a word's share of u, and unit is h scale."""

    least: T
    greatest: T
    half_width: T  # the largest u
    turn: T  # k^2 where y is 0
    curvature: T  # 2 h^2 / 18
    slope: T  # c0 unit
    c9: T  # c9 18^9 unit, and so on
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
    high, low = (convert(bitcast(w | part, i32), f32) for part in (LOW, HIGH))
    y = fma(high, high, -p.turn) * p.curvature
    rest = horner(y, p.polynomial) * fma(high, y, low)
    return minimum(maximum(fma(high, p.slope, rest), p.least), p.greatest)


def accept(w: Lanes, v: Lanes, p: Numbers[Lanes]) -> Lanes:
    """The test of the central law."""
    return passes(u11_closed(w) * p.half_width, v)


SYMMETRIC = Law(
    "truncated_symmetric",
    Numbers,
    value,
    sure=sure,
    accept=accept,
    dtypes=tuple(name for name in REALS if name != "float64"),
)


def serves(a: float, b: float, loc: float, scale: float) -> bool:
    """Whether this law serves these bounds with |a| <= b, in dtypes that are computed in float32."""
    return a == -b and b <= 2.0 and loc == 0.0 and LEAST <= scale * b <= GREATEST


def numbers(b: float, scale: float) -> tuple[float, ...]:
    """All numbers after the bounds."""
    half, _ = interval(-b, b)
    h = half * 2.0**-31
    unit = h * scale
    *coefficients, slope = (c * unit * STEEP ** (9 - i) for i, c in enumerate(P))  # 18^9 is an exact double
    return (half, 0.5 / (h * h), 2.0 * h * h / STEEP, slope, *coefficients)
