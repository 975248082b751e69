"""The functions of `torch.nn.init`, with their signatures and meanings, filled by fastinit.

`generator=` takes more than in torch: also a `fastinit.Generator` or a seed. With values="torch" they fill as torch does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.init import calculate_gain, constant_, ones_, zeros_

from fastinit.arguments import checks
from fastinit.arguments.docstrings import F, documented
from fastinit.initializers.fan import fans
from fastinit.torch.any_law import draw_
from fastinit.torch.filling import fills
from fastinit.torch.inplace import SECTIONS, fill_in_place, require_matrix, require_tensor
from fastinit.torch.matrices import dirac_, eye_, orthogonal_, sparse_
from fastinit.torch.values.scope import are_torchs, call

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "draw_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_VALUES = """\
Values depend on the generator, the logical index and the arguments. They do not depend on strides, device, shards or threads.
"""
_XAVIER = """\
tensor : torch.Tensor
    Shape (out, in, *kernel).
gain : float
    Finite, at least 0.
"""
_KAIMING = """\
tensor : torch.Tensor
    Shape (out, in, *kernel). One without elements stays as it is, with a warning, as in torch.
a : float
    Negative slope of the leaky ReLU.
mode : {"fan_in", "fan_out"}
    Which fan counts.
nonlinearity : str
    As `calculate_gain` takes it.
"""


def _documented_with(parameters: str) -> Callable[[F], F]:
    shared = {"Parameters": parameters + SECTIONS["Parameters"], "Notes": SECTIONS["Notes"] + _VALUES}
    return documented(**(SECTIONS | shared))


_documented = _documented_with("")


@_documented
def uniform_(
    tensor: torch.Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None, *, values: str | None = None
) -> torch.Tensor:
    """Fill with the uniform distribution on [a, b).

    Parameters
    ----------
    tensor : torch.Tensor
        Any shape.
    a, b : float
        Bounds, finite, a <= b. `b` never appears; a == b fills with `a`.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> w = ft.init.uniform_(torch.empty(2, 3), -1, 1, generator=0)
    >>> bool((w.T == ft.init.uniform_(torch.empty(3, 2).T, -1, 1, generator=0).T).all())
    True
    """
    if are_torchs(values, generator):
        return call("uniform_", tensor, a, b, generator=generator)
    return fill_in_place(tensor, fills.uniform(a, b), generator)


@_documented
def normal_(
    tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None, *, values: str | None = None
) -> torch.Tensor:
    """Fill with the normal distribution.

    Parameters
    ----------
    tensor : torch.Tensor
        Any shape.
    mean, std : float
        Mean and standard deviation, finite, std at least 0.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> w = ft.init.normal_(torch.empty(1000, dtype=torch.bfloat16), std=0.02, generator=0)
    >>> round(w.float().std().item(), 3)
    0.02
    """
    if are_torchs(values, generator):
        return call("normal_", tensor, mean, std, generator=generator)
    return fill_in_place(tensor, fills.normal(mean, std), generator)


@_documented
def trunc_normal_(
    tensor: torch.Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
    *,
    values: str | None = None,
) -> torch.Tensor:
    """Fill with the normal distribution, truncated to [a, b].

    Parameters
    ----------
    tensor : torch.Tensor
        Any shape.
    mean, std : float
        Mean and standard deviation before truncation, finite, std at least 0.
    a, b : float
        Bounds, a < b, infinite ones allowed. They are values, not deviations from the mean. No value is outside them.

    Notes
    -----
    Exact for every interval, so there is no warning about a mean far outside, as torch has.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> w = ft.init.trunc_normal_(torch.empty(1000), std=0.02, a=-0.04, b=0.04, generator=0)
    >>> w.abs().max().item() <= 0.04
    True
    """
    if are_torchs(values, generator):
        return call("trunc_normal_", tensor, mean, std, a, b, generator=generator)
    return fill_in_place(tensor, fills.truncated_normal(mean, std, a, b), generator)


@_documented_with(_XAVIER)
def xavier_uniform_(
    tensor: torch.Tensor, gain: float = 1.0, generator: Any = None, *, values: str | None = None
) -> torch.Tensor:
    """Fill with U(-x, x), x = gain * sqrt(6 / (fan_in + fan_out)).

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, equation 16.
    """
    if are_torchs(values, generator):
        return call("xavier_uniform_", tensor, gain, generator=generator)
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return fill_in_place(tensor, fills.uniform(-bound, bound), generator)


@_documented_with(_XAVIER)
def xavier_normal_(
    tensor: torch.Tensor, gain: float = 1.0, generator: Any = None, *, values: str | None = None
) -> torch.Tensor:
    """Fill with N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out)), not truncated.

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    if are_torchs(values, generator):
        return call("xavier_normal_", tensor, gain, generator=generator)
    return fill_in_place(tensor, fills.normal(0.0, _xavier_std(tensor, gain)), generator)


@_documented_with(_KAIMING)
def kaiming_uniform_(
    tensor: torch.Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
    *,
    values: str | None = None,
) -> torch.Tensor:
    """Fill with U(-x, x), x = gain * sqrt(3 / fan), gain = `calculate_gain(nonlinearity, a)`.

    References
    ----------
    K. He and others, "Delving deep into rectifiers", 2015, equation 10.
    """
    if are_torchs(values, generator):
        return call("kaiming_uniform_", tensor, a, mode, nonlinearity, generator=generator)
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return fill_in_place(tensor, fills.uniform(-bound, bound), generator)


@_documented_with(_KAIMING)
def kaiming_normal_(
    tensor: torch.Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
    *,
    values: str | None = None,
) -> torch.Tensor:
    """Fill with N(0, std^2), std = gain / sqrt(fan), gain = `calculate_gain(nonlinearity, a)`, not truncated.

    References
    ----------
    K. He and others, "Delving deep into rectifiers", 2015, equation 10.
    """
    if are_torchs(values, generator):
        return call("kaiming_normal_", tensor, a, mode, nonlinearity, generator=generator)
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else fill_in_place(tensor, fills.normal(0.0, std), generator)


def _xavier_std(tensor: Any, gain: Any) -> float:
    factor = checks.at_least_zero("gain", gain)
    return factor * math.sqrt(2.0 / max(sum(fans(require_matrix(tensor))), 1))


def _kaiming_std(tensor: Any, a: Any, mode: Any, nonlinearity: Any) -> float | None:
    """The standard deviation, or None for a tensor without elements, about which torch warns."""
    fan = checks.one_of("mode", mode.lower() if isinstance(mode, str) else mode, ("fan_in", "fan_out"))
    if 0 in require_tensor(tensor).shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    return float(calculate_gain(nonlinearity, a)) / math.sqrt(getattr(fans(require_matrix(tensor)), fan))
