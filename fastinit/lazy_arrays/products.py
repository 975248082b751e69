"""Matrix products of an array that is not stored, with the meaning that `numpy.matmul` gives to shapes and dtypes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from fastinit.arguments import outputs
from fastinit.lazy_arrays import tiles
from fastinit.lazy_arrays.source import Source

Array = npt.NDArray[Any]


def _for_blas(x: Array, dtype: np.dtype[Any]) -> Array:
    """Stacked matrices of this dtype that BLAS takes as they are: those that lie in one piece, transposed or not."""
    x = x.astype(dtype, copy=False)
    return x if x.flags.c_contiguous or np.swapaxes(x, -1, -2).flags.c_contiguous else np.ascontiguousarray(x)


def _stacked(source: Source, x: Array, out: Array) -> None:
    """Write source @ x for stacks of matrices on both sides; each matrix of the source is drawn once."""
    batch = out.shape[:-2]
    x = np.broadcast_to(x, (*batch, *x.shape[-2:]))
    stack = source.shape[:-2]
    for index in itertools.product(*(range(n) for n in stack)):
        where = (..., *(slice(None) if n == 1 else i for i, n in zip(index, stack, strict=True)), slice(None), slice(None))
        tiles.multiply(source.part((*index, ...)), x[where], out[where])


def _dtypes(source: Source, x: Array) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """The dtype that `numpy.matmul` gives, and the one that is computed in: float32 for float16."""
    try:
        result = np.matmul.resolve_dtypes((source.dtype, x.dtype, None))[-1]  # type: ignore[attr-defined]
    except TypeError:
        result = np.dtype(object)
    if result.kind not in "biufc":
        raise TypeError(f"x must hold numbers for a product with {source.dtype}; got dtype {x.dtype}")
    return result, np.dtype(np.float32) if result == np.float16 else result


def _shape(left: tuple[int, ...], right: tuple[int, ...], given: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of a product of stacked matrices; errors name the shapes that were given."""
    try:
        if left[-1] == right[-2]:
            return (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])
    except ValueError:
        pass
    raise ValueError(f"x must have a shape that @ takes beside {given[0]}, as in numpy.matmul; got {given[1]}")


def _memory(out: Array | None, x: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Where the sums are computed: in `out` if it has this dtype and shares nothing with x, else in a new array."""
    # BLAS may round differently in memory of another layout than that of a new array.
    if out is not None and out.dtype == dtype and out.flags.carray and not np.may_share_memory(out, x):
        return out.reshape(shape)
    return outputs.allocate("x", shape, dtype)


def product(source: Source, operand: Any, out: Any, swapped: bool) -> Any:
    """The source @ operand, or operand @ source if swapped, as `numpy.matmul` has it."""
    x = np.asarray(operand)
    if not source.shape or not x.ndim:
        raise ValueError(f"x and the lazy array must have axes for @; got shapes {x.shape} and {source.shape}")
    given = source.shape, x.shape
    result, compute = _dtypes(source, x)
    axes = tuple(axis for axis, ndim in ((-2, len(source.shape)), (-1, x.ndim)) if ndim == 1)
    if len(source.shape) == 1:
        source = source.as_row()
    elif swapped:  # (x @ W).T is W.T @ x.T
        source = source.swapped()
    if swapped and x.ndim > 1:
        x = np.swapaxes(x, -1, -2)
    if x.ndim == 1:
        x = x[:, None]
    shape = _shape(source.shape, x.shape, given)
    if swapped:
        shape, axes = (*shape[:-2], shape[-1], shape[-2]), tuple(-3 - axis for axis in axes)
    kept = tuple(n for axis, n in enumerate(shape, -len(shape)) if axis not in axes)
    target = None if out is None else outputs.check_on_host(out, kept, result)
    total = _memory(target, x, shape, compute)
    _stacked(source, _for_blas(x, compute), np.swapaxes(total, -1, -2) if swapped else total)
    if target is None:
        return np.squeeze(total, axes).astype(result, copy=False)[()]
    if not np.may_share_memory(total, target):
        target[...] = np.squeeze(total, axes)
    return outputs.result(out, target)
