"""The dtypes that can be filled, and the neighbours of a real number in each."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from fastinit.arguments.hints import shown


class Real(NamedTuple):
    """A storage dtype and the type that its values are computed in; for integers, the type of the random words."""

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
        Real("float8_e4m3fn", np.dtype(ml_dtypes.float8_e4m3fn), _F32),
        Real("float8_e5m2", np.dtype(ml_dtypes.float8_e5m2), _F32),
    )
}
_U32, _U64 = np.dtype(np.uint32), np.dtype(np.uint64)
_INTEGERS = [
    Real(name, np.dtype(name), _U64 if name.endswith("64") else _U32)
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
]
_ALL = {real.dtype: real for real in (*REALS.values(), *_INTEGERS)}
_BY_TYPE = {dtype.type: real for dtype, real in _ALL.items()}
_BY_NAME = {real.name: real for real in _ALL.values()}
FLOAT32 = REALS[_F32]
#: Names of the dtypes that hold reals.
REAL_NAMES = tuple(real.name for real in REALS.values())
ALL_NAMES = tuple(_BY_NAME)
NAMES = ", ".join(REAL_NAMES)


def by_name(name: str) -> np.dtype[Any] | None:
    """The dtype of this name, if it holds reals."""
    return _BY_NAME[name].dtype if name in REAL_NAMES else None


def resolve(dtype: Any, names: Sequence[str] = REAL_NAMES) -> Real:
    """The entry for anything that means one of these dtypes: a name, a scalar type, a dtype of NumPy or torch."""
    if isinstance(dtype, type) and dtype in _BY_TYPE and _BY_TYPE[dtype].name in names:
        return _BY_TYPE[dtype]
    name = str(dtype).removeprefix("torch.") if type(dtype).__module__ == "torch" else dtype
    if isinstance(name, str) and name in names:
        return _BY_NAME[name]
    if isinstance(dtype, np.dtype):
        wanted: Any = dtype
    else:
        try:
            wanted = np.dtype(dtype) if dtype is not None else None
        except (TypeError, ValueError, SyntaxError):  # NumPy parses strings
            wanted = None
    real = _ALL.get(wanted) if wanted is not None else None
    if real is None or real.name not in names or not wanted.isnative:
        raise TypeError(f"dtype must be one of {', '.join(names)}, in native byte order; got {shown(dtype)}")
    return real


def _nearest(x: float | Fraction, dtype: np.dtype[Any]) -> float:
    with np.errstate(all="ignore"):  # whatever the caller made NumPy raise
        value = float(np.asarray(x, np.float64).astype(dtype))
    return value if value == value else math.copysign(math.inf, x)  # float8_e4m3fn has NaN beyond its largest number


@functools.cache
def _end(dtype: np.dtype[Any]) -> float:
    return float(ml_dtypes.finfo(dtype).max)


def _step(value: float, towards: float, dtype: np.dtype[Any]) -> float:
    """The neighbour on the side of `towards`, which is infinite."""
    end = math.copysign(_end(dtype), towards)
    if value in (towards, end):
        return towards
    if math.isinf(value):
        return -end
    with np.errstate(all="ignore"):
        after = float(np.nextafter(dtype.type(value), dtype.type(end)))
    if after == value:  # only where the process flushes subnormal numbers to 0: there the first one beside 0 is a normal one
        return math.copysign(float(ml_dtypes.finfo(dtype).smallest_normal), towards)
    return after


def has_infinity(real: Real) -> bool:
    """Whether infinity is a value of the dtype; float8_e4m3fn has NaN in its place."""
    return real.name != "float8_e4m3fn"


def at_least(x: float | Fraction, real: Real) -> float:
    """The smallest value of the dtype that is not below x (infinity if there is none)."""
    if x == -math.inf and not has_infinity(real):
        return -_end(real.dtype)
    value = _nearest(x, real.dtype)
    while value < x:
        value = _step(value, math.inf, real.dtype)
    while (before := _step(value, -math.inf, real.dtype)) >= x and before != value:
        value = before
    return value


def at_most(x: float | Fraction, real: Real) -> float:
    """The largest value of the dtype that is not above x (minus infinity if there is none)."""
    return -at_least(-x, real)


def below(x: float | Fraction, real: Real) -> float:
    """The largest value of the dtype that is below x."""
    value = at_most(x, real)
    return _step(value, -math.inf, real.dtype) if value == x else value


def half_way_above(x: float, real: Real) -> Fraction:
    """The middle between a finite number of the dtype and the one after it, as if there were no largest."""
    after = _step(x, math.inf, real.dtype)
    if math.isinf(after):
        return (3 * Fraction(x) - Fraction(below(x, real))) / 2
    return (Fraction(x) + Fraction(after)) / 2


def nearest(x: float, real: Real) -> float:
    """Round x to the type the values are computed in, then to the dtype."""
    return _nearest(_nearest(x, real.compute), real.dtype)
