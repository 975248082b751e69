"""What can be filled, and its memory as a NumPy array."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from fastinit.arguments import dtypes

Array = np.ndarray[Any, Any]

#: The dtypes that can be filled.
REALS = {dtype: dtypes.resolve(dtype) for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16)}
NAMES = ", ".join(map(str, REALS))


def is_dense(tensor: Any) -> bool:
    """Whether a tensor's elements lie in memory of its own: no wrapper, no fake, no sparse layout, no pending sign."""
    return (
        isinstance(tensor, torch.Tensor)
        and type(tensor).__torch_dispatch__ is torch.Tensor.__torch_dispatch__
        and tensor.layout is torch.strided
        and not tensor.is_nested
        and not tensor.is_neg()
    )


def real_of(tensor: torch.Tensor) -> dtypes.Real:
    """The entry of fastinit's table of dtypes for the tensor's dtype."""
    if tensor.dtype not in REALS:
        raise TypeError(f"tensor must have one of the dtypes {NAMES}; got {tensor.dtype}")
    return REALS[tensor.dtype]


def array_of(tensor: torch.Tensor) -> Array:
    """The memory of a dense CPU tensor, with its shape and strides.

    `Tensor.numpy` is no way to it: it refuses bfloat16, and afterwards FSDP could not resize the storage.
    """
    dtype, shape = real_of(tensor).dtype, tuple(tensor.shape)
    if tensor.numel() == 0:
        return np.empty(shape, dtype)
    try:
        address = tensor.data_ptr()
    except RuntimeError as error:  # wrapped by a function transform
        raise TypeError(f"tensor must have memory of its own; got {type(tensor).__name__}: {error}") from None
    if not address:
        raise TypeError(f"tensor must have memory of its own; got {type(tensor).__name__} without any")
    word = np.dtype(f"u{dtype.itemsize}")
    strides = tuple(step * dtype.itemsize for step in tensor.stride())
    interface = {"version": 3, "shape": shape, "typestr": word.str, "data": (address, False), "strides": strides}
    return np.asarray(SimpleNamespace(__array_interface__=interface)).view(dtype)


def require_writable(tensor: torch.Tensor) -> None:
    """Refuse what torch refuses too: a write into an inference tensor outside inference mode."""
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        raise RuntimeError("tensor must not be an inference tensor outside torch.inference_mode(); clone it first")
