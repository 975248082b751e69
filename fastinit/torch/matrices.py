"""The members of `torch.nn.init` that a structure decides: constants, identities, orthogonal and sparse matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from fastinit.arguments import checks
from fastinit.generator import Generator, default_rng
from fastinit.initializers.orthonormal import orthogonal
from fastinit.torch import fills as laws
from fastinit.torch import shards
from fastinit.torch.filling import fill_whole
from fastinit.torch.inplace import make_in_place, require_tensor
from fastinit.torch.tensors import array_of, dtype_of, written

#: Keys of a sparse matrix that are compared at once.
KEYS = 1 << 20


def constant_(tensor: torch.Tensor, val: float) -> torch.Tensor:
    """Fill with `val`; torch's own."""
    return torch.nn.init.constant_(tensor, val)


def ones_(tensor: torch.Tensor) -> torch.Tensor:
    """Fill with 1; torch's own."""
    return torch.nn.init.ones_(tensor)


def zeros_(tensor: torch.Tensor) -> torch.Tensor:
    """Fill with 0; torch's own."""
    return torch.nn.init.zeros_(tensor)


def eye_(tensor: torch.Tensor) -> torch.Tensor:
    """Fill a matrix with ones on the diagonal and zeros elsewhere; torch's own, and for DTensors too."""
    _require_dimensions(tensor, (2,))
    return _torch_own(tensor, torch.nn.init.eye_)


def dirac_(tensor: torch.Tensor, groups: int = 1) -> torch.Tensor:
    """Fill the kernel of a convolution so that it hands on its inputs; torch's own, and for DTensors too."""
    _require_dimensions(tensor, (3, 4, 5))
    return _torch_own(tensor, lambda whole: torch.nn.init.dirac_(whole, groups))


def _require_dimensions(tensor: Any, allowed: tuple[int, ...]) -> None:
    found = require_tensor(tensor).ndim
    if found not in allowed:
        raise ValueError(f"tensor must have {' or '.join(map(str, allowed))} dimensions; got {found}")


def _torch_own(tensor: torch.Tensor, function: Any) -> torch.Tensor:
    if shards.is_sharded(tensor) and not shards.local_part(tensor).is_meta:
        with torch.no_grad():
            fill_whole(tensor, function)
        written(tensor)
    else:
        function(tensor)
    return tensor


def orthogonal_(tensor: torch.Tensor, gain: float = 1, generator: Any = None) -> torch.Tensor:
    """Fill with `gain` times a matrix of orthonormal rows or columns, whichever are fewer; A. Saxe and others (2013).

    Parameters
    ----------
    tensor, generator
        As for `uniform_`; at least two dimensions, of which all but the first count as one. float16 and bfloat16 are computed
        in float32, which torch's own does not do.
    gain : float
        Finite.

    Returns
    -------
    torch.Tensor
        The tensor itself.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `uniform_`.

    Notes
    -----
    By `fastinit.initializers.orthogonal`: uniform over all such matrices; the last digits are those of NumPy's matrix product,
    which may differ with the machine and the number of threads. On a DTensor every rank computes the whole.
    """
    if require_tensor(tensor).ndim < 2:
        raise ValueError(f"tensor must have at least 2 dimensions; got shape {tuple(tensor.shape)}")
    factor = checks.number("gain", gain)
    if math.isinf(factor):
        raise ValueError(f"gain must be finite; got {gain!r}")
    return make_in_place(tensor, lambda whole, rng: _orthogonal(whole, factor, rng), generator)


def _orthogonal(whole: torch.Tensor, gain: float, rng: Generator) -> None:
    values = array_of(whole)
    orthogonal(values.shape, abs(gain), rng=rng, dtype=values.dtype, out=values)
    if gain < 0:
        whole.neg_()


def sparse_(tensor: torch.Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> torch.Tensor:
    """Fill a matrix with N(0, std^2), but ceil(sparsity * rows) random places of each column with 0; J. Martens (2010).

    Parameters
    ----------
    tensor, generator
        As for `uniform_`; two dimensions. The generator chooses the zeros too, which with torch's own it does not.
    sparsity : float
        Share of zeros in each column, in [0, 1].
    std : float
        Finite, at least 0.

    Returns
    -------
    torch.Tensor
        The tensor itself.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `uniform_`.

    Notes
    -----
    On a DTensor every rank computes the whole.
    """
    _require_dimensions(tensor, (2,))
    share = checks.number("sparsity", sparsity)
    if not 0 <= share <= 1:
        raise ValueError(f"sparsity must be in [0, 1]; got {sparsity!r}")
    law = laws.normal(0.0, std)
    law.check(dtype_of(tensor))
    return make_in_place(tensor, lambda whole, rng: _sparse(whole, share, law, rng), generator)


def _sparse(whole: torch.Tensor, sparsity: float, law: laws.Law, rng: Generator) -> None:
    child = default_rng([int(word) for word in rng.bits(4)]).child
    values = array_of(whole)
    law.draw(child("values"), values.dtype, out=values)
    rows, columns = values.shape
    zeros = math.ceil(sparsity * rows)
    step = max(KEYS // rows, 1)
    for first in range(0, columns if zeros else 0, step):
        part = slice(first, min(first + step, columns))
        # Random bits above the row's number: no two keys of a column are equal, so which are smallest is never in doubt.
        keys = child("zeros").bits((columns, rows), index=(part, slice(None))).astype(np.uint64) << np.uint64(32)
        keys |= np.arange(rows, dtype=np.uint64)
        last = np.partition(keys, zeros - 1, axis=1)[:, zeros - 1 : zeros]
        values[:, part][(keys <= last).T] = 0
