"""Steps that make a truncated normal of a uniform fill: `uniform_`, `erfinv_`, `mul_`, `add_`, `clamp_`.

Many projects carry a copy of an older `trunc_normal_` of torch that is built so. Each step turns the law before it into another
one, so the tensor need be filled only once, with the last law.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import torch

from fastinit.torch.filling.fills import Fill, truncated_normal
from fastinit.torch.filling.tensors import DTYPES

aten = torch.ops.aten

#: The law between `erfinv_` and `clamp_`: a truncated normal with the parameters of one, but std * sqrt(2) in the place of std.
PENDING = "scaled_quantile"
STEPS = (aten.erfinv_.default, aten.mul_.Tensor, aten.add_.Tensor, aten.clamp_.default)

#: Probability that `clamp_` may move without a difference: torch's uniform float32 values have steps of 2^-24.
NEGLIGIBLE = 2.0**-32
_NORMAL = NormalDist()


def begins(fill: Fill) -> bool:
    """Whether a fill may be the first step."""
    if fill.law != "uniform":
        return False
    a, b = fill.parameters
    return bool(-1 <= a < b <= 1)


def _erfinv(x: float) -> float:
    if abs(x) == 1:
        return math.copysign(math.inf, x)
    return math.copysign(_NORMAL.inv_cdf((1 - abs(x)) / 2), x) / math.sqrt(2) if x else 0.0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def followed_by(fill: Fill, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Fill | None:
    """The law after an in-place operation with these arguments after the tensor, or None if fastinit has no such law."""
    if func is aten.erfinv_.default and begins(fill):
        a, b = fill.parameters
        return Fill(PENDING, (0.0, 1.0, _erfinv(a), _erfinv(b)))
    if fill.law != PENDING:
        return None
    mean, scale, a, b = fill.parameters
    if func is aten.clamp_.default:
        return _clamped(fill, *args, **kwargs)
    if len(args) != 1 or kwargs or not _is_number(args[0]):
        return None
    number = float(args[0])
    if func is aten.add_.Tensor:
        return Fill(PENDING, (mean + number, scale, a + number, b + number))
    if func is aten.mul_.Tensor and number > 0:
        return Fill(PENDING, (mean * number, scale * number, a * number, b * number))
    return None


def has_plan(fill: Fill, dtype: torch.dtype) -> bool:
    """Whether a law can be drawn in a dtype."""
    try:
        fill.plan(DTYPES[dtype])
    except (TypeError, ValueError):
        return False
    return True


def _mass(x: float, y: float) -> float:
    """The probability of a standard normal between x and y, x <= y, from the tail that is nearer."""
    return _NORMAL.cdf(-x) - _NORMAL.cdf(-y) if x > 0 else _NORMAL.cdf(y) - _NORMAL.cdf(x)


def _clamped(fill: Fill, low: Any = None, high: Any = None, **names: Any) -> Fill | None:
    """The truncated normal, if `clamp_` moves next to nothing. Otherwise its bounds would have a probability of their own."""
    mean, scale, a, b = fill.parameters
    std = scale / math.sqrt(2)
    low, high = names.get("min", low), names.get("max", high)
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    if not all(isinstance(bound, int | float) for bound in (low, high)) or math.isnan(low) or math.isnan(high):
        return None
    whole = _mass((a - mean) / std, (b - mean) / std)

    def is_negligible(x: float, y: float) -> bool:
        return _mass((min(x, y) - mean) / std, (max(x, y) - mean) / std) <= NEGLIGIBLE * whole

    if (low > a and not is_negligible(a, low)) or (high < b and not is_negligible(b, high)):
        return None
    return truncated_normal(mean, std, low if is_negligible(a, low) else a, high if is_negligible(b, high) else b)
