"""The dtypes that can be filled, and the neighbours of a real number in each."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np


class Real(NamedTuple):
    """A storage dtype and the type that its values are computed in."""

    name: str
    dtype: np.dtype[Any]
    compute: np.dtype[Any]

    @property
    def largest(self) -> float:
        """The largest finite number of the type that values are computed in."""
        return _LARGEST[self.compute.itemsize]


_LARGEST = {4: float(np.finfo(np.float32).max), 8: float(np.finfo(np.float64).max)}
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)

REALS = {
    real.dtype: real
    for real in (
        Real("float32", _F32, _F32),
        Real("float64", _F64, _F64),
        Real("float16", np.dtype(np.float16), _F32),
        Real("bfloat16", np.dtype(ml_dtypes.bfloat16), _F32),
    )
}
_BY_TYPE = {real.dtype.type: real for real in REALS.values()}
NAMES = ", ".join(real.name for real in REALS.values())


def resolve(dtype: Any) -> Real:
    """The entry for anything that names one of the four dtypes: a name, a scalar type, a `numpy.dtype`."""
    if isinstance(dtype, type) and dtype in _BY_TYPE:
        return _BY_TYPE[dtype]
    if isinstance(dtype, np.dtype):
        wanted: Any = dtype
    elif isinstance(dtype, str) and dtype == "bfloat16":
        wanted = np.dtype(ml_dtypes.bfloat16)
    else:
        try:
            wanted = np.dtype(dtype) if dtype is not None else None
        except (TypeError, ValueError, SyntaxError):  # NumPy parses strings
            wanted = None
    real = REALS.get(wanted) if wanted is not None else None
    if real is None or not wanted.isnative:
        raise TypeError(f"dtype must be one of {NAMES}, in native byte order; got {dtype!r}")
    return real


def _nearest(x: float, dtype: np.dtype[Any]) -> Any:
    with np.errstate(all="ignore"):  # whatever the caller made NumPy raise
        return np.asarray(x, np.float64).astype(dtype)[()]


def _step(value: Any, towards: float, dtype: np.dtype[Any]) -> Any:
    with np.errstate(all="ignore"):
        return np.nextafter(value, _nearest(towards, dtype))


def at_least(x: float, real: Real) -> float:
    """The smallest value of the dtype that is not below x (infinity if there is none)."""
    value = _nearest(x, real.dtype)
    while float(value) < x:
        value = _step(value, math.inf, real.dtype)
    while float(below := _step(value, -math.inf, real.dtype)) >= x and below != value:
        value = below
    return float(value)


def at_most(x: float, real: Real) -> float:
    """The largest value of the dtype that is not above x (minus infinity if there is none)."""
    return -at_least(-x, real)


def below(x: float, real: Real) -> float:
    """The largest value of the dtype that is below x."""
    value = at_most(x, real)
    return float(_step(real.dtype.type(value), -math.inf, real.dtype)) if value == x else value


def nearest(x: float, real: Real) -> float:
    """Round x to the type the values are computed in, then to the dtype."""
    return float(_nearest(float(_nearest(x, real.compute)), real.dtype))
