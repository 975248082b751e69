"""Memory of a CUDA device as an argument: what its owner tells of it, read without CUDA."""

from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments import dtypes

_NAMES = ", ".join(dtypes.ALL_NAMES)


class DeviceArray(NamedTuple):
    """An array in the memory of a CUDA device: strides in bytes, and the stream that its owner uses."""

    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    writable: bool
    stream: int


def is_enabled() -> bool:
    """Whether kernels run on GPUs: if FASTINIT_GPU is 1. They have not been run on a GPU yet."""
    return os.environ.get("FASTINIT_GPU") == "1"


def device_array(out: Any) -> DeviceArray | None:
    """The CUDA array that an object is; None for anything else. torch is never imported."""
    is_torch = type(getattr(out, "dtype", None)).__module__ == "torch"
    return _of_torch(out) if is_torch else _of_interface(out)


def _of_torch(out: Any) -> DeviceArray | None:
    torch = sys.modules["torch"]
    if out.device.type != "cuda" or torch.version.hip is not None:
        return None
    if out.layout is not torch.strided or out.is_neg() or out.is_conj():
        raise TypeError(f"out must be a dense tensor; got layout {out.layout}")
    if out.requires_grad:
        raise TypeError("out must not require a gradient; use tensor.detach()")
    try:
        dtype = dtypes.resolve(out.dtype, dtypes.ALL_NAMES).dtype
    except TypeError:
        raise TypeError(f"out must have one of the dtypes {_NAMES}; got {out.dtype}") from None
    strides = tuple(step * dtype.itemsize for step in out.stride())
    stream = torch.cuda.current_stream(out.device).cuda_stream
    return DeviceArray(out.data_ptr(), tuple(out.shape), strides, dtype, True, stream)


def _of_interface(out: Any) -> DeviceArray | None:
    try:
        interface = out.__cuda_array_interface__
    except AttributeError:
        return None
    except Exception as error:
        raise TypeError(f"out must give access to its memory; got {type(out).__name__}: {error}") from None
    if type(out).__module__.partition(".")[0] in ("jax", "jaxlib"):
        raise TypeError("out must not be a JAX array, which nobody may change; fastinit.jax makes new ones")
    if interface.get("mask") is not None:
        raise TypeError("out must not be masked")
    dtype, (address, read_only) = _dtype(out, interface["typestr"]), interface["data"]
    shape = tuple(map(int, interface["shape"]))
    strides = interface.get("strides") or _contiguous(shape, dtype.itemsize)
    return DeviceArray(
        int(address or 0), shape, tuple(map(int, strides)), dtype, not read_only, int(interface.get("stream") or 0)
    )


def _dtype(out: Any, typestr: str) -> np.dtype[Any]:
    """The dtype of an interface. For bfloat16 and 8-bit floats it names only a size, so the owner's `dtype` counts."""
    owner = getattr(out, "dtype", None)
    if isinstance(owner, np.dtype) and owner in dtypes.REALS:
        return owner
    try:
        return np.dtype(typestr)
    except TypeError:
        raise TypeError(f"out must have one of the dtypes {_NAMES}; got typestr {typestr!r}") from None


def _contiguous(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    strides, step = [], itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(strides[::-1])
