"""What can be filled, and its memory as a NumPy array."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from fastinit.arguments import dtypes
from fastinit.distributions import law

Array = np.ndarray[Any, Any]

#: The dtypes that every fill can have.
REALS = {dtype: dtypes.resolve(dtype) for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16)}
NAMES = ", ".join(map(str, REALS))
#: Those, and the ones that only laws of integers have.
DTYPES = REALS | {getattr(torch, name): dtypes.resolve(name, (name,)) for name in (*law.INTEGERS, "bool")}

#: The types of tensors that are no more than memory.
PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)


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
    if tensor.dtype not in DTYPES:
        require_real(tensor.dtype)
    return DTYPES[tensor.dtype]


def require_real(dtype: Any) -> None:
    """Refuse a dtype that not every fill can have."""
    if dtype not in REALS:
        raise TypeError(f"tensor must have one of the dtypes {NAMES}; got {dtype}")


def array_of(tensor: torch.Tensor) -> Array:
    """The memory of a dense CPU tensor, with its shape and strides.

    `Tensor.numpy` is no way to it: it refuses bfloat16, and afterwards FSDP could not resize the storage.
    """
    dtype, shape = real_of(tensor).dtype, tuple(tensor.shape)
    if tensor.numel() == 0:
        return np.empty(shape, dtype)
    address = _address(tensor)
    word = np.dtype(f"u{dtype.itemsize}")
    strides = tuple(step * dtype.itemsize for step in tensor.stride())
    interface = {"version": 3, "shape": shape, "typestr": word.str, "data": (address, False), "strides": strides}
    return np.asarray(SimpleNamespace(__array_interface__=interface)).view(dtype)


def plain_address(tensor: torch.Tensor) -> int:
    """The address of a plain contiguous CPU tensor with elements of a dtype that can be filled; 0 for any other tensor.

    Most fills are of such tensors, so this looks only at what is cheap.
    """
    is_plain = type(tensor) in PLAIN and tensor.is_cpu and tensor.layout is torch.strided and not tensor.is_nested
    if not is_plain or tensor.dtype not in REALS or tensor.numel() == 0 or not tensor.is_contiguous() or tensor.is_neg():
        return 0
    return _address(tensor)


def flat_array(tensor: torch.Tensor) -> Array | None:
    """The memory of such a tensor as one axis; None for any other."""
    address = plain_address(tensor)
    if not address:
        return None
    dtype = REALS[tensor.dtype].dtype
    return np.frombuffer((ctypes.c_char * (tensor.numel() * dtype.itemsize)).from_address(address), dtype)


def _address(tensor: torch.Tensor) -> int:
    try:
        address = int(tensor.data_ptr())
    except RuntimeError as error:  # wrapped by a function transform
        raise TypeError(f"tensor must have memory of its own; got {type(tensor).__name__}: {error}") from None
    if not address:
        raise TypeError(f"tensor must have memory of its own; got {type(tensor).__name__} without any")
    return address


def require_writable(tensor: torch.Tensor) -> None:
    """Refuse what torch refuses too: a write into an inference tensor outside inference mode."""
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        raise RuntimeError("tensor must not be an inference tensor outside torch.inference_mode(); clone it first")
