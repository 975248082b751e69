"""The normal distribution (Box and Muller, "A note on the generation of random normal deviates", 1958).

Two words make two independent normals, so no word is rejected and every element has a word of its own. The first word gives the
radius and the second the angle: 2^64 pairs, |z| up to 6.76 in float32 and 9.49 in float64.
"""

from __future__ import annotations

import functools
from typing import Any, Generic, NamedTuple, TypeVar

from fastinit.arguments import dtypes
from fastinit.arguments.checks import PLAIN, deviation, finite
from fastinit.arithmetic.elementary import exponential, sin_cos_turn
from fastinit.arithmetic.lanes import Lanes, fma, maximum, minimum, sqrt
from fastinit.distributions.law import Law, Plan, nearest, plan

T = TypeVar("T")


class Numbers(NamedTuple, Generic[T]):
    """Mean and standard deviation."""

    loc: T
    scale: T


def box_muller(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """R cos, r sin with r^2 / 2 exponential, from word `a`, and the angle from word `b`."""
    e = exponential(a)
    r = sqrt(e + e)
    sine, cosine = sin_cos_turn(b)
    return r * cosine, r * sine


def pair(a: Lanes, b: Lanes, p: Numbers[Lanes]) -> tuple[Lanes, Lanes]:
    """Loc + scale z for both normals z."""
    x, y = box_muller(a, b)
    return fma(x, p.scale, p.loc), fma(y, p.scale, p.loc)


class Bounded(NamedTuple, Generic[T]):
    """Mean, standard deviation, and the least and the greatest number of the dtype."""

    loc: T
    scale: T
    least: T
    greatest: T


def bounded_pair(a: Lanes, b: Lanes, p: Bounded[Lanes]) -> tuple[Lanes, Lanes]:
    """Loc + scale z for both normals z, clamped to the bounds."""
    x, y = (fma(z, p.scale, p.loc) for z in box_muller(a, b))
    return minimum(maximum(x, p.least), p.greatest), minimum(maximum(y, p.least), p.greatest)


NORMAL = Law("normal", Numbers, pair=pair)
#: For a truncated normal without bounds in a dtype without infinity.
NORMAL_WITHIN = Law("normal_within", Bounded, pair=bounded_pair, dtypes=("float8_e4m3fn",))


def normal(loc: Any, scale: Any, real: dtypes.Real, *names: str) -> Plan:
    """The plan for these arguments; `names` are what errors call the two."""
    if type(loc) in PLAIN and type(scale) in PLAIN:
        return _checked(loc, scale, real, *names) if names else _checked(loc, scale, real)
    return _checked.__wrapped__(loc, scale, real, *names)


@functools.lru_cache(maxsize=256)
def _checked(loc: Any, scale: Any, real: dtypes.Real, loc_name: str = "loc", scale_name: str = "scale") -> Plan:
    return of(finite(loc_name, loc, real), deviation(scale, real, scale_name), real)


@functools.lru_cache(maxsize=256)
def of(loc: float, scale: float, real: dtypes.Real) -> Plan:
    """The plan for checked numbers; a negative scale mirrors the values."""
    return plan(NORMAL, loc, scale) if scale else nearest(loc, real)
