"""The normal distribution between two bounds, by transformed rejection: which transformation, and its numbers.

A transformation takes one word to a proposal whose density is within 1/128 of a multiple of the wanted one. Bounds are in
deviations, mirrored so that the nearer one comes first; a negative scale mirrors the values back. Which transformation serves
which bounds is part of the stream format.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from fastinit.arguments import dtypes
from fastinit.arguments.checks import PLAIN, deviation, finite, number
from fastinit.distributions import central, normal, tails, truncated_symmetric, uniform
from fastinit.distributions.law import Plan, constant, nearest, plan


def truncated_normal(a: Any, b: Any, loc: Any, scale: Any, units: Any, real: dtypes.Real, *names: str) -> Plan:
    """The plan for these arguments; `names` are what errors call `loc` and `scale`."""
    if type(a) in PLAIN and type(b) in PLAIN and type(loc) in PLAIN and type(scale) in PLAIN and type(units) is str:
        return _checked(a, b, loc, scale, units, real, *names) if names else _checked(a, b, loc, scale, units, real)
    return _checked.__wrapped__(a, b, loc, scale, units, real, *names)


@functools.lru_cache(maxsize=256)
def _checked(
    a: Any, b: Any, loc: Any, scale: Any, units: Any, real: dtypes.Real, loc_name: str = "loc", scale_name: str = "scale"
) -> Plan:
    lower, upper = number("a", a), number("b", b)
    centre, spread = finite(loc_name, loc, real), deviation(scale, real, scale_name)
    if not isinstance(units, str):
        raise TypeError(f"units must be 'std' or 'absolute'; got {units!r}")
    if units not in ("std", "absolute"):
        raise ValueError(f"units must be 'std' or 'absolute'; got {units!r}")
    if not lower < upper:
        raise ValueError(f"a must be less than b; got a={lower!r}, b={upper!r}")
    return _of(lower, upper, centre, spread, units == "absolute", real, loc_name, scale_name)


def _of(
    lower: float, upper: float, loc: float, scale: float, absolute: bool, real: dtypes.Real, loc_name: str, scale_name: str
) -> Plan:
    if scale == 0 and not absolute:
        return nearest(loc, real)
    if scale == 0 and not lower <= loc <= upper:
        raise ValueError(
            f"{loc_name} must lie in [a, b] where {scale_name} is 0; got {loc_name}={loc!r}, a={lower!r}, b={upper!r}"
        )
    if absolute:
        bounds = lower, upper
        standard = ((lower - loc) / scale, (upper - loc) / scale) if scale else (0.0, 0.0)
    else:
        bounds, standard = (loc + scale * lower, loc + scale * upper), (lower, upper)
    least, greatest = dtypes.at_least(bounds[0], real), dtypes.at_most(bounds[1], real)
    if least > greatest or (math.isinf(least) and least > 0) or (math.isinf(greatest) and greatest < 0):
        raise ValueError(
            f"a and b must have a {real.name} between them; got a={lower!r}, b={upper!r} with {loc_name}={loc!r}, "
            f"{scale_name}={scale!r}, units={'absolute' if absolute else 'std'!r}"
        )
    if scale == 0:
        return constant(min(max(dtypes.nearest(loc, real), least), greatest))
    if least == greatest or standard[0] == standard[1]:
        return constant(least)
    return _transformed(least, greatest, bounds, standard, loc, scale, real)


def _is_flat(a: float, b: float) -> bool:
    """Whether the density is the same all over bounds with |a| <= b, to 2^-40."""
    return (b - a) * b < 2.0**-40


def _transformed(
    least: float,
    greatest: float,
    bounds: tuple[float, float],
    standard: tuple[float, float],
    loc: float,
    scale: float,
    real: dtypes.Real,
) -> Plan:
    """Choose the transformation; bounds on the far side of 0 are mirrored first, so that |a| <= b."""
    a, b = standard
    near = bounds[0]
    if a + b < 0:
        a, b, near, scale = -b, -a, bounds[1], -scale
    if math.isinf(a) and math.isinf(b):
        # Bounds 1.8e308 deviations off matter only where loc itself, which all values are then, rounds past one.
        if abs(scale) < abs(loc) * 2.0**-60:
            return constant(min(max(dtypes.nearest(loc, real), least), greatest))
        if not dtypes.has_infinity(real):
            return plan(normal.NORMAL_WITHIN, loc, scale, least, greatest)
        return normal.of(loc, scale, real)
    if _is_flat(a, b):
        top = dtypes.at_most(bounds[1], dtypes.REALS[real.compute])
        return uniform.between(bounds[0], bounds[1] - bounds[0], top, least, greatest, real)
    if real.compute.itemsize == 4 and truncated_symmetric.serves(a, b, loc, scale):
        return plan(truncated_symmetric.SYMMETRIC, least, greatest, *truncated_symmetric.numbers(b, scale))
    if central.serves(a, b):
        return plan(central.CENTRAL, least, greatest, loc, scale, *central.interval(a, b))
    if a < 0:
        near = loc
    return plan(tails.TAILS, least, greatest, near, *tails.numbers(a, b, scale, 8 * real.compute.itemsize))
