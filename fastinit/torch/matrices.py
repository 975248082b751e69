"""The functions of `torch.nn.init` for matrices and kernels with a structure: identities, orthogonal and sparse ones."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch

from fastinit.arguments import checks
from fastinit.arguments.docstrings import documented
from fastinit.generator import Generator, default_rng
from fastinit.initializers.orthonormal import orthogonal
from fastinit.initializers.sparsity import smallest_keys
from fastinit.torch.filling import fills, shards
from fastinit.torch.filling.tensors import array_of, real_of
from fastinit.torch.filling.writing import fill_whole
from fastinit.torch.inplace import SECTIONS, make_in_place, require_matrix, require_tensor, writing
from fastinit.torch.values.scope import are_torchs, call

#: Keys of a sparse matrix that are compared at once.
KEYS = 1 << 20


def eye_(tensor: torch.Tensor) -> torch.Tensor:
    """Fill a matrix with ones on the diagonal and zeros elsewhere: torch's function, for DTensors too."""
    _require_dimensions(tensor, 2)
    return _call_torch(tensor, torch.nn.init.eye_)


def dirac_(tensor: torch.Tensor, groups: int = 1) -> torch.Tensor:
    """Fill the kernel of a convolution so that it passes its inputs on: torch's function, for DTensors too."""
    _require_dimensions(tensor, 3, 4, 5)
    return _call_torch(tensor, functools.partial(torch.nn.init.dirac_, groups=groups))


def _require_dimensions(tensor: Any, *allowed: int) -> None:
    dimensions = require_tensor(tensor).ndim
    if dimensions not in allowed:
        raise ValueError(f"tensor must have {' or '.join(map(str, allowed))} dimensions; got {dimensions}")


def _call_torch(tensor: torch.Tensor, function: Callable[[torch.Tensor], object]) -> torch.Tensor:
    if shards.is_sharded(tensor) and not shards.local_part(tensor).is_meta:
        with writing(tensor):
            fill_whole(tensor, function)
    else:
        function(tensor)
    return tensor


@documented(**SECTIONS)
def orthogonal_(tensor: torch.Tensor, gain: float = 1, generator: Any = None, *, values: str | None = None) -> torch.Tensor:
    """Fill with `gain` times a matrix of orthonormal rows or columns, whichever are fewer.

    Parameters
    ----------
    tensor : torch.Tensor
        At least two dimensions, of which all but the first count as one.
    gain : float
        Factor on the matrix, finite.

    Notes
    -----
    By `fastinit.initializers.orthogonal`: uniform over all such matrices. float16 and bfloat16, which torch refuses, are
    computed in float32. The last digits are those of NumPy's matrix product, which may differ with the machine and the number
    of threads. On a DTensor every rank computes the whole matrix.

    References
    ----------
    A. Saxe and others, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> w = ft.init.orthogonal_(torch.empty(3, 5), generator=0)
    >>> torch.allclose(w @ w.T, torch.eye(3), atol=1e-6)
    True
    """
    if are_torchs(values, generator):
        return call("orthogonal_", tensor, gain, generator=generator)
    require_matrix(tensor)
    factor = checks.number("gain", gain)
    if math.isinf(factor):
        raise ValueError(f"gain must be finite; got {gain!r}")
    return make_in_place(tensor, lambda whole, rng: _orthogonal(whole, factor, rng), generator)


def _orthogonal(whole: torch.Tensor, gain: float, rng: Generator) -> None:
    values = array_of(whole)
    orthogonal(values.shape, gain=abs(gain), rng=rng, dtype=values.dtype, out=values)
    if gain < 0:
        whole.neg_()


@documented(**SECTIONS)
def sparse_(
    tensor: torch.Tensor, sparsity: float, std: float = 0.01, generator: Any = None, *, values: str | None = None
) -> torch.Tensor:
    """Fill a matrix with N(0, std^2), but ceil(sparsity * rows) random places of each column with 0.

    Parameters
    ----------
    tensor : torch.Tensor
        Two dimensions.
    sparsity : float
        Share of zeros in each column, in [0, 1].
    std : float
        Standard deviation of the other values, finite, at least 0.

    Notes
    -----
    The generator decides the places of the zeros too, unlike in torch. On a DTensor every rank computes the whole matrix.

    References
    ----------
    J. Martens, "Deep learning via Hessian-free optimization", 2010.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> w = ft.init.sparse_(torch.empty(10, 4), sparsity=0.3, generator=0)
    >>> (w == 0).sum(0)
    tensor([3, 3, 3, 3])
    """
    if are_torchs(values, generator):
        return call("sparse_", tensor, sparsity, std, generator=generator)
    _require_dimensions(tensor, 2)
    share = checks.number("sparsity", sparsity)
    if not 0 <= share <= 1:
        raise ValueError(f"sparsity must be in [0, 1]; got {sparsity!r}")
    fill = fills.normal(0.0, std)
    fill.plan(real_of(tensor))
    return make_in_place(tensor, lambda whole, rng: _sparse(whole, share, fill, rng), generator)


def _sparse(whole: torch.Tensor, sparsity: float, fill: fills.Fill, rng: Generator) -> None:
    child = default_rng([int(word) for word in rng.bits(4)]).child
    values = array_of(whole)
    fill.draw(child("values"), real_of(whole), out=values)
    rows, columns = values.shape
    zeros = math.ceil(sparsity * rows)
    step = max(KEYS // rows, 1)
    for first in range(0, columns if zeros else 0, step):
        part = range(first, min(first + step, columns))
        values[:, part.start : part.stop][smallest_keys(child, part, (rows, columns), zeros).T] = 0
