"""Normal values with an exact share of zeros in each column."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastinit.arguments import checks
from fastinit.generator import Generator
from fastinit.initializers.keywords import PIECE, Options, Shape, above_zero, initializer, representable, task, without_zeros


def zeros_per_column(sparsity: Any, rows: int) -> int:
    """sparsity * rows rounded up, where sparsity is the decimal number that Python shows for it: 7 for 0.07 of 100."""
    share = checks.number("sparsity", sparsity)
    if not 0.0 <= share < 1.0:
        raise ValueError(f"sparsity must be in [0, 1); got {sparsity!r}")
    with decimal.localcontext(prec=60) as context:
        context.clear_traps()
        return int((decimal.Decimal(repr(share)) * rows).to_integral_value(decimal.ROUND_CEILING))


def _slice(places: range) -> slice:
    """The slice of an axis that holds these places."""
    return slice(places.start, places.stop if places.stop >= 0 else None, places.step)


def _chosen(child: Callable[[str], Generator], columns: range, whole: tuple[int, int], count: int) -> npt.NDArray[np.bool_]:
    """Which rows are zero in these columns, as an array of columns: those with the smallest random keys of the column.

    A key is 32 random bits over the row's number, so no two are equal and the choice does not depend on how they are sorted.
    """
    rows, all_columns = whole
    keys = child("zeros").bits((all_columns, rows), index=(_slice(columns), slice(None))).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(rows, dtype=np.uint64)
    last = np.partition(keys, count - 1, axis=1)[:, count - 1 : count]
    return np.asarray(keys <= last)


@initializer
def sparse(shape: Shape, sparsity: float, scale: float = 0.01, **options: Unpack[Options]) -> Any:
    """Draw a matrix of normal values with the same number of zeros in each column, at random places.

    Parameters
    ----------
    shape : sequence of int
        Two dimensions, fewer than 2^32 rows. The zeros are counted along the first, as in torch.
    sparsity : float
        Share of zeros in each column, in [0, 1). Their number is sparsity * rows rounded up, with sparsity taken as the decimal
        number that Python shows: a column of few rows may be all zeros.
    scale : float
        Standard deviation of the other values, finite, above 0.
    **options
        rng, dtype, out, index: as for `uniform`. A block costs, besides its values, the keys of all rows of its columns.

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape. The values that are not chosen are not 0: see `small_random`.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    Values and places come from one call of the Generator, and are the same on every machine, with any number of threads, whole
    or in blocks. After J. Martens, "Deep learning via Hessian-free optimization" (2010), section 5.

    Examples
    --------
    >>> from fastinit.initializers import sparse
    >>> w = sparse((10, 1000), 0.3, rng=0)
    >>> sorted(set((w == 0).sum(axis=0).tolist()))
    [3]
    """
    found = task(shape, options)
    if len(found.shape) != 2 or found.shape[0] >= 1 << 32:
        raise ValueError(f"shape must have 2 axes and fewer than 2^32 rows for a sparse matrix; got {found.shape}")
    rows, columns = found.shape
    count = zeros_per_column(sparsity, rows)
    deviation = representable("scale", above_zero("scale", scale), found.real)
    target = found.target()
    child = found.private()
    child("values").normal(0.0, deviation, found.shape, dtype=found.real.dtype, out=target, index=found.index)
    without_zeros(target)
    view, (held_rows, held_columns) = found.axes(target)
    step = max(PIECE // max(rows, 1), 1)
    for start in range(0, len(held_columns) if count and len(held_rows) else 0, step):
        part = held_columns[start : start + step]
        mask = _chosen(child, part, (rows, columns), count)
        view[:, start : start + step][mask[:, _slice(held_rows)].T] = 0
    return found.result(target)
