"""The names of `torch.nn.init`, with their signatures and meaning, filled by fastinit.

Wherever torch takes `generator=`, so do these, and they take more: a `fastinit.Generator` (its next call decides the values),
a seed (call 0 of `default_rng(seed)`), a `torch.Generator` (128 bits drawn from it decide, and it has moved on), or None: the
innermost `fast_init` or `materialize` block of this thread, else torch's default generator, so `torch.manual_seed` governs.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch
from torch.nn.init import calculate_gain

from fastinit.arguments import checks
from fastinit.torch import fills as laws
from fastinit.torch.inplace import fill_in_place, require_tensor
from fastinit.torch.matrices import constant_, dirac_, eye_, ones_, orthogonal_, sparse_, zeros_

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
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


def _fans(tensor: Any) -> tuple[int, int]:
    """Inputs and outputs of a weight of shape (out, in, *kernel)."""
    size = require_tensor(tensor).shape
    if len(size) < 2:
        raise ValueError(f"tensor must have at least 2 dimensions, to have a fan in and a fan out; got shape {tuple(size)}")
    kernel = math.prod(size[2:])
    return size[1] * kernel, size[0] * kernel


def uniform_(tensor: torch.Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> torch.Tensor:
    """Fill with the uniform distribution on [a, b).

    Parameters
    ----------
    tensor : torch.Tensor
        float32, float64, float16 or bfloat16, on the CPU or an accelerator, with any strides; or a DTensor of such. One on the
        meta device stays as it is.
    a, b : float
        Bounds, finite, a <= b. `b` never appears; a == b fills with `a`.
    generator : fastinit.Generator, int, sequence of int, torch.Generator or None
        See the module. A DTensor needs one, the same on every rank.

    Returns
    -------
    torch.Tensor
        The tensor itself.

    Raises
    ------
    TypeError, ValueError
        For an argument that is not as above; nothing is written then, and no generator advances.
    RuntimeError
        For an inference tensor outside inference mode, as in torch.

    Notes
    -----
    Not recorded by autograd, whose version counter the tensor moves on. Values depend on the generator, the logical index and
    the arguments, not on strides, device, shards or threads.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> w = ft.init.uniform_(torch.empty(2, 3), -1, 1, generator=0)
    >>> bool((w.T == ft.init.uniform_(torch.empty(3, 2).T, -1, 1, generator=0).T).all())
    True
    """
    return fill_in_place(tensor, laws.uniform(a, b), generator)


def normal_(tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> torch.Tensor:
    """Fill with the normal distribution.

    Parameters
    ----------
    tensor, generator
        As for `uniform_`.
    mean, std : float
        Finite, std at least 0.

    Returns
    -------
    torch.Tensor
        The tensor itself.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `uniform_`.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> w = ft.init.normal_(torch.empty(1000, dtype=torch.bfloat16), std=0.02, generator=0)
    >>> round(w.float().std().item(), 3)
    0.02
    """
    return fill_in_place(tensor, laws.normal(mean, std), generator)


def trunc_normal_(
    tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> torch.Tensor:
    """Fill with the normal distribution of deviation `std` before truncation to [a, b].

    Parameters
    ----------
    tensor, generator
        As for `uniform_`.
    mean, std : float
        Finite, std at least 0; of the distribution before truncation.
    a, b : float
        Bounds as values, not in deviations; a < b, infinite ones allowed.

    Returns
    -------
    torch.Tensor
        The tensor itself, all values in [a, b].

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `uniform_`.

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
    return fill_in_place(tensor, laws.truncated_normal(mean, std, a, b), generator)


def xavier_uniform_(tensor: torch.Tensor, gain: float = 1.0, generator: Any = None) -> torch.Tensor:
    """Fill with U(-x, x), x = gain * sqrt(6 / (fan_in + fan_out)); X. Glorot, Y. Bengio (2010), equation 16.

    The tensor has the shape (out, in, *kernel). `gain` is finite and at least 0; the rest is as for `uniform_`.
    """
    bound = math.sqrt(3.0) * _deviation(tensor, gain)
    return fill_in_place(tensor, laws.uniform(-bound, bound), generator)


def xavier_normal_(tensor: torch.Tensor, gain: float = 1.0, generator: Any = None) -> torch.Tensor:
    """Fill with N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out)), not truncated; X. Glorot, Y. Bengio (2010).

    The tensor has the shape (out, in, *kernel). `gain` is finite and at least 0; the rest is as for `uniform_`.
    """
    return fill_in_place(tensor, laws.normal(0.0, _deviation(tensor, gain)), generator)


def _deviation(tensor: Any, gain: Any) -> float:
    factor = checks.number("gain", gain)
    if not 0 <= factor < math.inf:
        raise ValueError(f"gain must be finite and at least 0; got {gain!r}")
    return factor * math.sqrt(2.0 / max(sum(_fans(tensor)), 1))


def _kaiming(tensor: Any, a: Any, mode: Any, nonlinearity: Any) -> float | None:
    """The deviation, or None for a tensor without elements, about which torch warns."""
    if not isinstance(mode, str):
        raise TypeError(f"mode must be 'fan_in' or 'fan_out'; got {mode!r}")
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out'; got {mode!r}")
    if 0 in require_tensor(tensor).shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    fan_in, fan_out = _fans(tensor)
    return float(calculate_gain(nonlinearity, a)) / math.sqrt(fan_in if mode.lower() == "fan_in" else fan_out)


def kaiming_uniform_(
    tensor: torch.Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> torch.Tensor:
    """Fill with U(-x, x), x = gain * sqrt(3 / fan); K. He and others (2015), equation 10.

    `gain` is `calculate_gain(nonlinearity, a)`, `mode` is "fan_in" or "fan_out", the tensor has the shape (out, in, *kernel);
    one without elements stays as it is, with a warning. The rest is as for `uniform_`.
    """
    std = _kaiming(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return fill_in_place(tensor, laws.uniform(-bound, bound), generator)


def kaiming_normal_(
    tensor: torch.Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> torch.Tensor:
    """Fill with N(0, std^2), std = gain / sqrt(fan), not truncated; K. He and others (2015), equation 10.

    Everything else is as for `kaiming_uniform_`.
    """
    std = _kaiming(tensor, a, mode, nonlinearity)
    return tensor if std is None else fill_in_place(tensor, laws.normal(0.0, std), generator)
