"""The uniform distribution on [low, high): equal steps from the first number of the computing type on.

16- and 8-bit dtypes round what float32 has, and are kept between bounds.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from fastinit.arguments import dtypes
from fastinit.arguments.checks import PLAIN, finite
from fastinit.arithmetic.lanes import Lanes, fma, maximum, minimum
from fastinit.arithmetic.reals import steps, u01_closed_open
from fastinit.distributions.law import EXACT, Law, Plan, nearest, plan

T = TypeVar("T")


class Steps(NamedTuple, Generic[T]):
    """The first value and the distance of two neighbours."""

    start: T
    step: T


class Bounded(NamedTuple, Generic[T]):
    """The least and the greatest number of the dtype, the first value before rounding, and the interval's width."""

    least: T
    greatest: T
    start: T
    width: T


def stepped(w: Lanes, p: Steps[Lanes]) -> Lanes:
    """Start + k step with k = 0, 1, ... the upper bits of the word."""
    return fma(steps(w), p.step, p.start)


def bounded(w: Lanes, p: Bounded[Lanes]) -> Lanes:
    """Start + width u kept between the bounds: for dtypes that round it once more, and steps below the normal numbers."""
    return minimum(maximum(fma(u01_closed_open(w), p.width, p.start), p.least), p.greatest)


UNIFORM = Law("uniform", Steps, stepped, cheap=True, dtypes=EXACT)  # stored as computed, it needs no bounds
UNIFORM_WITHIN = Law("uniform_within", Bounded, bounded, cheap=True)


def uniform(low: Any, high: Any, real: dtypes.Real, *names: str) -> Plan:
    """The plan for these arguments; `names` are what errors call the two bounds."""
    if type(low) in PLAIN and type(high) in PLAIN:
        return _checked(low, high, real, *names) if names else _checked(low, high, real)
    return _checked.__wrapped__(low, high, real, *names)


@functools.lru_cache(maxsize=256)
def _checked(low: Any, high: Any, real: dtypes.Real, a: str = "low", b: str = "high") -> Plan:
    lower, upper = finite(a, low, real), finite(b, high, real)
    if lower > upper:
        raise ValueError(f"{a} must be at most {b}; got {a}={lower!r}, {b}={upper!r}")
    if lower == upper:
        return nearest(lower, real)
    width = finite(f"{b} - {a}", upper - lower, real)
    least, greatest = dtypes.at_least(lower, real), dtypes.below(upper, real)
    if least > greatest:
        raise ValueError(f"{a} and {b} must have a {real.name} in [{a}, {b}); got {a}={lower!r}, {b}={upper!r}")
    return between(lower, width, dtypes.below(upper, dtypes.REALS[real.compute]), least, greatest, real)


def between(lower: float, width: float, top: float, least: float, greatest: float, real: dtypes.Real) -> Plan:
    """The longest step whose last value rounds to no more than `top`, from the first number not below `lower` on."""
    compute = dtypes.REALS[real.compute]
    last = {4: 2**24 - 1, 8: 2**53 - 1}[real.compute.itemsize]  # the number of steps
    start = dtypes.at_least(lower, compute)
    width = dtypes.nearest(width, compute)
    if width < float(np.finfo(real.compute).smallest_normal) * (last + 1):  # the step would not have all its digits
        return plan(UNIFORM_WITHIN, least, greatest, start, width)
    step = width / (last + 1)
    longest = (dtypes.half_way_above(top, compute) - Fraction(start)) / last
    if step >= longest:
        step = dtypes.below(longest, compute)
    if real is compute:
        return plan(UNIFORM, start, step)
    return plan(UNIFORM_WITHIN, least, greatest, start, step * (last + 1))
