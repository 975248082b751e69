"""From arguments of a distribution to the kernel row and the numbers it takes.

All arithmetic is IEEE double (+, -, *, /, sqrt) or `decimal`, both the same on every machine; the C library's functions,
which differ in their last digit, are not used.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit import dtypes, proposals


class Plan(NamedTuple):
    """A kernel row's method, its parameters and their address; or a constant, the first number, if `method` is None."""

    method: str | None
    numbers: npt.NDArray[np.float64]
    address: int


def plan(method: str | None, *values: float) -> Plan:
    numbers = np.zeros(proposals.NUMBERS)
    numbers[: len(values)] = values
    numbers.flags.writeable = False
    return Plan(method, numbers, numbers.__array_interface__["data"][0])


BITS = plan("bits")


def number(name: str, value: Any) -> float:
    """A real argument as a float; NaN and whatever is not one real number are refused."""
    if type(value) is float and value == value:
        return value + 0.0  # never -0.0, which a memo would take for 0.0
    given = value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    unreal = bool | np.bool_ | complex | np.complexfloating | str | bytes | np.ndarray
    if isinstance(value, unreal) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise TypeError(f"{name} must be a real number; got {given!r}")
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a real number; got {given!r}") from None
    except OverflowError:
        raise ValueError(f"{name} must fit a double (below 1.8e308 in magnitude); got {given!r}") from None
    if math.isnan(result):
        raise ValueError(f"{name} must not be NaN")
    return result + 0.0


def _finite(name: str, value: float, real: dtypes.Real) -> float:
    if not abs(value) <= real.largest:
        raise ValueError(f"{name} must be finite and at most {real.largest:.6g} in magnitude for {real.name}; got {value!r}")
    return value


def _constant(value: float, real: dtypes.Real) -> Plan:
    return plan(None, dtypes.nearest(value, real))


def _deviation(scale: Any, real: dtypes.Real) -> float:
    value = _finite("scale", number("scale", scale), real)
    if value < 0:
        raise ValueError(f"scale must be at least 0; got {value!r}")
    return value


def uniform(low: Any, high: Any, real: dtypes.Real) -> Plan:
    lower = _finite("low", number("low", low), real)
    upper = _finite("high", number("high", high), real)
    if lower > upper:
        raise ValueError(f"low must be at most high; got low={lower!r}, high={upper!r}")
    return _uniform(lower, upper, real)


@functools.lru_cache(maxsize=256)
def _uniform(lower: float, upper: float, real: dtypes.Real) -> Plan:
    if lower == upper:
        return _constant(lower, real)
    width = _finite("high - low", upper - lower, real)
    least, greatest = dtypes.at_least(lower, real), dtypes.below(upper, real)
    if least > greatest:
        raise ValueError(f"low and high must have a {real.name} in [low, high); got low={lower!r}, high={upper!r}")
    return _steps(lower, width, dtypes.below(upper, dtypes.REALS[real.compute]), least, greatest, real)


#: Number of steps that a uniform variable takes, less one, by the bytes of the computing type.
_LAST_STEP = {4: 2**24 - 1, 8: 2**53 - 1}


def _steps(lower: float, width: float, top: float, least: float, greatest: float, real: dtypes.Real) -> Plan:
    """The uniform row: all of the computing type from `lower` on, so that 16 bits round what 32 bits have.

    The step is the longest whose last value rounds to no more than `top`.
    """
    compute = dtypes.REALS[real.compute]
    start, last = dtypes.at_least(lower, compute), _LAST_STEP[real.compute.itemsize]
    step = dtypes.nearest(width, compute) / (last + 1)
    if step < np.finfo(real.compute).smallest_normal:  # it would not have all its digits
        return plan("uniform_within", least, greatest, start, width)
    longest = (dtypes.half_way_above(top, compute) - Fraction(start)) / last
    if step >= longest:
        step = dtypes.below(longest, compute)
    if real is compute:
        return plan("uniform", start, step)
    return plan("uniform_within", least, greatest, start, step * (last + 1))


def normal(loc: Any, scale: Any, real: dtypes.Real) -> Plan:
    centre = _finite("loc", number("loc", loc), real)
    deviation = _deviation(scale, real)
    return _normal(centre, deviation, real)


@functools.lru_cache(maxsize=256)
def _normal(centre: float, deviation: float, real: dtypes.Real) -> Plan:
    return plan("normal", centre, deviation) if deviation else _constant(centre, real)


def truncated_normal(a: Any, b: Any, loc: Any, scale: Any, units: Any, real: dtypes.Real) -> Plan:
    lower, upper = number("a", a), number("b", b)
    centre = _finite("loc", number("loc", loc), real)
    deviation = _deviation(scale, real)
    if not isinstance(units, str):
        raise TypeError(f"units must be 'std' or 'absolute'; got {units!r}")
    if units not in ("std", "absolute"):
        raise ValueError(f"units must be 'std' or 'absolute'; got {units!r}")
    if not lower < upper:
        raise ValueError(f"a must be less than b; got a={lower!r}, b={upper!r}")
    return _between(lower, upper, centre, deviation, units, real)


@functools.lru_cache(maxsize=256)
def _between(lower: float, upper: float, centre: float, deviation: float, units: str, real: dtypes.Real) -> Plan:
    absolute = units == "absolute"
    if deviation == 0:
        if absolute and not lower <= centre <= upper:
            raise ValueError(f"loc must lie in [a, b] where scale is 0; got loc={centre!r}, a={lower!r}, b={upper!r}")
        if not absolute:
            return _constant(centre, real)
    if absolute:
        bounds, standard = (lower, upper), (0.0, 0.0)
        if deviation:
            standard = (lower - centre) / deviation, (upper - centre) / deviation
    else:
        bounds, standard = (centre + deviation * lower, centre + deviation * upper), (lower, upper)
    least, greatest = dtypes.at_least(bounds[0], real), dtypes.at_most(bounds[1], real)
    if least > greatest or (math.isinf(least) and least > 0) or (math.isinf(greatest) and greatest < 0):
        raise ValueError(
            f"a and b must have a {real.name} between them; got a={lower!r}, b={upper!r} with loc={centre!r}, "
            f"scale={deviation!r}, units={units!r}"
        )
    if deviation == 0:
        return plan(None, min(max(dtypes.nearest(centre, real), least), greatest))
    if least == greatest or standard[0] == standard[1]:
        return plan(None, least)
    return _truncated(least, greatest, bounds, standard, centre, deviation, real)


def _truncated(
    least: float,
    greatest: float,
    bounds: tuple[float, float],
    standard: tuple[float, float],
    loc: float,
    scale: float,
    real: dtypes.Real,
) -> Plan:
    """Choose the proposal; bounds on the far side of 0 are mirrored first, so that |a| <= b."""
    a, b = standard
    near = bounds[0]
    if a + b < 0:
        a, b, near, scale = -b, -a, bounds[1], -scale
    if math.isinf(a) and math.isinf(b):
        # Bounds 1.8e308 deviations off matter only where loc itself, which all values are then, rounds past one.
        if abs(scale) < abs(loc) * 2.0**-60:
            return plan(None, min(max(dtypes.nearest(loc, real), least), greatest))
        return _normal(loc, scale, real)
    if proposals.is_flat(a, b):
        top = dtypes.at_most(bounds[1], dtypes.REALS[real.compute])
        return _steps(bounds[0], bounds[1] - bounds[0], top, least, greatest, real)
    if proposals.is_central(a, b):
        return plan("truncated_central", least, greatest, loc, scale, *proposals.central(a, b))
    if a < 0:
        near = loc
    return plan("truncated_tails", least, greatest, near, *proposals.tails(a, b, scale, 8 * real.compute.itemsize))
