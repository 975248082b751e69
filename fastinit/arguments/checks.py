"""Numbers, words, switches and axes as arguments: what counts as one, and the errors for what does not."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from typing import Any

import numpy as np

from fastinit.arguments import dtypes
from fastinit.arguments.blocks import MOST_ELEMENTS
from fastinit.arguments.hints import shown

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
        hint = "; a shape is given as size=" if isinstance(given, tuple | list) and name in ("low", "loc") else ""
        raise TypeError(f"{name} must be a real number; got {shown(given)}{hint}")
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a real number; got {shown(given)}") from None
    except OverflowError:
        raise ValueError(f"{name} must fit a double (below 1.8e308 in magnitude); got {shown(given)}") from None
    if math.isnan(result):
        raise ValueError(f"{name} must not be NaN")
    return result + 0.0


def finite(name: str, value: Any, real: dtypes.Real) -> float:
    """A real argument that the type in which values are computed can hold."""
    result = number(name, value)
    if not abs(result) <= real.largest:
        raise ValueError(f"{name} must be finite and at most {real.largest:.6g} in magnitude for {real.name}; got {result!r}")
    return result


def deviation(value: Any, real: dtypes.Real, name: str = "scale") -> float:
    """A standard deviation: finite and at least 0."""
    result = finite(name, value, real)
    if result < 0:
        raise ValueError(f"{name} must be at least 0; got {result!r}")
    return result


def representable(name: str, value: float, real: dtypes.Real) -> float:
    """`value`, if the type in which values are computed can hold it."""
    if abs(value) > real.largest:
        raise ValueError(f"{name} must be at most {real.largest:.6g} in magnitude for {real.name}; got {value!r}")
    return value


def at_least_zero(name: str, value: Any) -> float:
    """A finite number that is not negative."""
    result = number(name, value)
    if not 0.0 <= result < math.inf:
        raise ValueError(f"{name} must be finite and at least 0; got {shown(value)}")
    return result


def above_zero(name: str, value: Any) -> float:
    """A finite positive number."""
    result = number(name, value)
    if not 0.0 < result < math.inf:
        raise ValueError(f"{name} must be finite and above 0; got {shown(value)}")
    return result


def positive_int(name: str, value: Any) -> int:
    """An int of at least 1 that fits 63 bits."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an int; got {shown(value)}")
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int; got {shown(value)}") from None
    if not 1 <= count <= MOST_ELEMENTS:
        raise ValueError(f"{name} must be at least 1 and below 2^63; got {shown(count)}")
    return count


def switch(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {shown(value)}")
    return bool(value)


def callback(name: str, value: Any) -> None:
    """A function to call, or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be callable or None; got {shown(value)}")


def one_of(name: str, value: Any, words: Collection[str]) -> str:
    """One of these words."""
    allowed = ", ".join(map(repr, words))
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {allowed}; got {shown(value)}")
    if value not in words:
        raise ValueError(f"{name} must be one of {allowed}; got {shown(value)}")
    return value


def axes(name: str, value: Any, rank: int) -> tuple[int, ...]:
    """One axis or a sequence of axes, counted from the front."""
    error = TypeError(f"{name} must be an int or a tuple of ints; got {shown(value)}")
    entries = value if isinstance(value, tuple | list) else (value,)
    if any(isinstance(entry, bool) for entry in entries):
        raise error
    try:
        result = tuple(map(operator.index, entries))
    except TypeError:
        raise error from None
    for axis in result:
        if not -rank <= axis < rank:
            raise ValueError(f"{name} must be in [{-rank}, {rank}) for a shape of {rank} axes; got {shown(axis)}")
    return tuple(axis % rank for axis in result)


def one_axis(name: str, value: Any, rank: int) -> int:
    """An axis, counted from the front."""
    if isinstance(value, tuple | list):
        raise TypeError(f"{name} must be an int; got {shown(value)}")
    return axes(name, value, rank)[0]
