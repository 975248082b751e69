"""Real numbers as arguments: what counts as one, and the errors for what does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastinit.arguments import dtypes

#: Types of which equal values are equal arguments, so that a memo may have them for keys; True, which is refused, equals 1.
PLAIN = frozenset((float, int))


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


def finite(name: str, value: Any, real: dtypes.Real) -> float:
    """A real argument that the type in which values are computed can hold."""
    result = number(name, value)
    if not abs(result) <= real.largest:
        raise ValueError(f"{name} must be finite and at most {real.largest:.6g} in magnitude for {real.name}; got {result!r}")
    return result


def deviation(value: Any, real: dtypes.Real) -> float:
    """The argument `scale`: finite and at least 0."""
    result = finite("scale", value, real)
    if result < 0:
        raise ValueError(f"scale must be at least 0; got {result!r}")
    return result
