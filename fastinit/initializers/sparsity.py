"""Matrices of normal values with the same share of zeros in each column."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastinit.arguments import checks
from fastinit.distributions.law import decimals
from fastinit.generator import Generator
from fastinit.initializers.keywords import TEMPORARY_PIECE, Options, Shape, initializer, read, without_zeros


def zeros_per_column(sparsity: Any, rows: int) -> int:
    """sparsity * rows rounded up, with sparsity as the decimal number that Python prints for the double: 7 for 0.07 of 100."""
    share = checks.number("sparsity", sparsity)
    if not 0.0 <= share < 1.0:
        raise ValueError(f"sparsity must be in [0, 1); got {sparsity!r}")
    with decimal.localcontext(decimals(60)):
        return int((decimal.Decimal(repr(share)) * rows).to_integral_value(decimal.ROUND_CEILING))


def _slice(indices: range) -> slice:
    """The slice of an axis that has these indices."""
    return slice(indices.start, indices.stop if indices.stop >= 0 else None, indices.step)


def smallest_keys(
    child: Callable[[str], Generator], columns: range, whole: tuple[int, int], count: int
) -> npt.NDArray[np.bool_]:
    """Which rows have the `count` smallest random keys of their column, one row of the result for each of these columns.

    A key is 32 random bits over the row's number, so no two are equal and the choice does not depend on how they are sorted.
    """
    rows, all_columns = whole
    keys = child("zeros").bits((all_columns, rows), index=(_slice(columns), slice(None))).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(rows, dtype=np.uint64)
    last = np.partition(keys, count - 1, axis=1)[:, count - 1 : count]
    return np.asarray(keys <= last)


@initializer(block="columns")
def sparse(shape: Shape, *, sparsity: float, scale: float = 0.01, **options: Unpack[Options]) -> Any:
    """Draw a matrix of normal values with the same number of zeros in each column, at random positions.

    Parameters
    ----------
    shape : sequence of int
        Two dimensions, fewer than 2^32 rows. The zeros are counted along the first, as in torch.
    sparsity : float
        Share of zeros in each column, in [0, 1). Their number is sparsity * rows rounded up. Sparsity counts as the decimal
        number that Python prints for it as a double, so 0.07 of 100 is 7. A column of few rows may be all zeros.
    scale : float
        Standard deviation of the other values, finite, above 0.

    Notes
    -----
    Values and positions come from one call of the Generator. The other values are never 0: see `small_random`.

    References
    ----------
    J. Martens, "Deep learning via Hessian-free optimization" (2010), section 5.

    Examples
    --------
    >>> from fastinit.initializers import sparse
    >>> w = sparse((10, 1000), sparsity=0.3, rng=0)
    >>> sorted(set((w == 0).sum(axis=0).tolist()))
    [3]
    """
    request = read(shape, options)
    if len(request.shape) != 2 or request.shape[0] >= 1 << 32:
        raise ValueError(f"shape must have 2 axes and fewer than 2^32 rows for a sparse matrix; got {request.shape}")
    rows, columns = request.shape
    count = zeros_per_column(sparsity, rows)
    deviation = checks.representable("scale", checks.above_zero("scale", scale), request.real)
    target = request.target()
    child = request.named_generators()
    child("values").normal(0.0, deviation, request.shape, dtype=request.real.dtype, out=target, index=request.index)
    without_zeros(target)
    view, (row_indices, column_indices) = request.with_all_axes(target)
    step = max(TEMPORARY_PIECE // max(rows, 1), 1)
    for start in range(0, len(column_indices) if count and len(row_indices) else 0, step):
        part = column_indices[start : start + step]
        mask = smallest_keys(child, part, (rows, columns), count)
        view[:, start : start + step][mask[:, _slice(row_indices)].T] = 0
    return request.result(target)
