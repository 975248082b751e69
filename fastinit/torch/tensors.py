"""A tensor's memory as a NumPy array, and what torch has to be told about a write that it does not see."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import torch

Array = np.ndarray[Any, Any]

#: The dtypes that can be filled, and NumPy's type for each.
DTYPES: dict[torch.dtype, np.dtype[Any]] = {
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
    torch.float16: np.dtype(np.float16),
    torch.bfloat16: np.dtype(ml_dtypes.bfloat16),
}
NAMES = ", ".join(str(dtype) for dtype in DTYPES)


class _Memory:
    """What NumPy reads to make an array of memory that is not its own."""

    def __init__(self, interface: dict[str, Any]) -> None:
        self.__array_interface__ = interface


def is_dense(tensor: Any) -> bool:
    """Whether a tensor's elements lie in memory of its own: no wrapper, no fake, no sparse layout, no pending sign."""
    return (
        isinstance(tensor, torch.Tensor)
        and type(tensor).__torch_dispatch__ is torch.Tensor.__torch_dispatch__
        and tensor.layout is torch.strided
        and not tensor.is_nested
        and not tensor.is_neg()
    )


def dtype_of(tensor: torch.Tensor) -> np.dtype[Any]:
    """NumPy's type for the tensor's dtype."""
    try:
        return DTYPES[tensor.dtype]
    except KeyError:
        raise TypeError(f"tensor must have one of the dtypes {NAMES}; got {tensor.dtype}") from None


def array_of(tensor: torch.Tensor) -> Array:
    """The memory of a dense CPU tensor, with its shape and strides.

    `Tensor.numpy` would mark the storage as one that can never be resized again, which FSDP does, and knows no bfloat16.
    """
    dtype = dtype_of(tensor)
    shape = tuple(tensor.shape)
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
    memory = _Memory({"version": 3, "shape": shape, "typestr": word.str, "data": (address, False), "strides": strides})
    return np.asarray(memory).view(dtype)


def require_writable(tensor: torch.Tensor) -> None:
    """Refuse what torch refuses too: a write into an inference tensor outside inference mode."""
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        raise RuntimeError("tensor must not be an inference tensor outside torch.inference_mode(); clone it first")


def written(tensor: torch.Tensor) -> None:
    """Tell autograd that the tensor has changed, so that a backward pass that saved the old values raises."""
    torch.autograd.graph.increment_version(tensor)
