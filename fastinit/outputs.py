"""Whether an array may be written into."""

from __future__ import annotations

from typing import Any

import numpy as np


def _may_overlap(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Whether two elements may share memory: certain where axes nest in one another, else by listing all offsets."""
    axes = sorted((abs(stride), n) for stride, n in zip(strides, shape, strict=True) if n > 1)
    reach, nested = itemsize, True
    for stride, n in axes:
        nested = nested and stride >= reach
        reach += stride * (n - 1)
    if nested or not axes:
        return False
    if axes[0][0] < itemsize or np.prod([n for _, n in axes], dtype=float) > 1e6:
        return True
    offsets = np.zeros(1, np.int64)
    for stride, n in axes:
        offsets = (offsets[:, None] + stride * np.arange(n)).ravel()
    return bool(np.diff(np.sort(offsets)).min() < itemsize)


def array(out: Any) -> np.ndarray[Any, Any]:
    """`out` itself, if it is an array whose every element can be set."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be a numpy.ndarray; got {type(out).__name__}")
    found: np.ndarray[Any, Any] = out
    return found


def check(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """`out` itself, if the block can be written into it."""
    target = array(out)
    if target.dtype != dtype:
        raise TypeError(f"out must have dtype {dtype}, as asked for by dtype=; got {target.dtype}")
    if target.shape != shape:
        raise ValueError(f"out must have shape {shape}; got {target.shape}")
    if not target.flags.writeable:
        raise ValueError("out must be writable; got a read-only array")
    if not target.flags.c_contiguous and _may_overlap(target.shape, target.strides, target.itemsize):
        raise ValueError(f"out must not overlap itself; got shape {target.shape} with strides {target.strides}")
    return target
