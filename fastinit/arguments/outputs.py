"""The argument `out`: memory to write into, whoever owns it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fastinit.arguments import devices, dtypes
from fastinit.arguments.devices import DeviceArray


def _may_overlap(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Whether the axes fail to nest in one another, as those of all slices and transposes do."""
    reach = itemsize
    for stride, n in sorted((abs(stride), n) for stride, n in zip(strides, shape, strict=True) if n > 1):
        if stride < reach:
            return True
        reach += stride * (n - 1)
    return False


#: Values that an assignment may set without a look at pending signals.
PIECE = 1 << 18


def parts(whole: np.ndarray[Any, Any], most: int) -> Iterator[np.ndarray[Any, Any]]:
    """Views that make up the array, of at most so many elements each."""
    if whole.size <= most or not whole.ndim:
        yield whole
        return
    step = max(most // (whole.size // whole.shape[0]), 1)
    for start in range(0, whole.shape[0], step):
        part = whole[start : start + step]
        yield from parts(part[0, ...], most) if step == 1 else (part,)


def assign(out: np.ndarray[Any, Any], value: float) -> None:
    """Set all elements to one value, so that a signal stops it soon."""
    for part in parts(out, PIECE):
        part[...] = value


_ALLOWED = "a numpy.ndarray, a torch tensor on the CPU, or an object with the buffer protocol, __array_interface__ or DLPack"

#: DLPack's numbers for memory of the host: plain, and pinned for CUDA or ROCm.
_HOST = (1, 3, 11)


def _has(out: Any, name: str) -> bool:
    """Whether there is such an attribute. One that raises counts: a tensor's may, if it requires a gradient."""
    try:
        getattr(out, name)
    except AttributeError:
        return False
    except Exception:
        return True
    return True


def _refuse_device(out: Any) -> None:
    """Raise for memory that the CPU cannot write, before NumPy copies it."""
    where = "__cuda_array_interface__" if _has(out, "__cuda_array_interface__") else None
    if where is None and _has(out, "__dlpack_device__"):
        try:
            device = int(out.__dlpack_device__()[0])
        except Exception as error:
            raise TypeError(f"out must be in the memory of the host; got {_kind(out)}: {error}") from None
        where = None if device in _HOST else f"DLPack device {device}"
    if where is not None:
        hint = "" if devices.is_enabled() else "; FASTINIT_GPU=1 lets kernels fill CUDA arrays"
        raise TypeError(f"out must be in the memory of the host; got {_kind(out)}, which is on a device ({where}){hint}")


def _kind(out: Any) -> str:
    kind = type(out)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _read_only(out: Any) -> ValueError:
    return ValueError(f"out must be writable; got a read-only {'array' if isinstance(out, np.ndarray) else _kind(out)}")


def _bytes(view: memoryview, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Raw bytes as values of this dtype."""
    if not view.c_contiguous:
        raise ValueError(f"out must be contiguous where it holds bytes; got strides {view.strides}")
    count, rest = divmod(view.nbytes, dtype.itemsize)
    if rest:
        raise ValueError(f"out must hold whole values of {dtype}, {dtype.itemsize} bytes each; got {view.nbytes} bytes")
    # np.frombuffer, unlike ndarray(buffer=), keeps the owner from moving or freeing the memory.
    return np.frombuffer(view, dtype, count)


def _from_buffer(out: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any] | None:
    """The array of the buffer protocol, or None if `out` has none."""
    try:
        view = memoryview(out)
    except TypeError:
        return None
    except Exception as error:  # released, closed, or locked by its owner
        raise ValueError(f"out must give access to its memory; got {_kind(out)}: {error}") from None
    if view.readonly:
        raise _read_only(out)
    if view.ndim == 1 and view.format.lstrip("@=<>!") in ("B", "b", "c"):
        return _bytes(view, dtype)
    try:
        return np.asarray(view)
    except (TypeError, ValueError) as error:
        raise TypeError(f"out must have dtype {dtype}; got {_kind(out)} of format {view.format!r}: {error}") from None


def as_integers(out: Any) -> tuple[Any, np.dtype[Any] | None]:
    """A torch tensor of a dtype that NumPy lacks as a tensor of integers, and that dtype; anything else as it is."""
    if type(getattr(out, "dtype", None)).__module__ != "torch":
        return out, None
    dtype = dtypes.by_name(str(out.dtype).removeprefix("torch."))
    if dtype is None or dtype.isbuiltin == 1:
        return out, None
    if out.requires_grad:
        raise TypeError("it requires a gradient; use tensor.detach()")
    return out.view(getattr(sys.modules["torch"], f"int{8 * dtype.itemsize}")), dtype


def _from_interface(out: Any) -> np.ndarray[Any, Any]:
    """The array of `__array_interface__` or DLPack, never a copy."""
    has_interface = _has(out, "__array_interface__")
    if not has_interface and not _has(out, "__dlpack__"):
        raise TypeError(f"out must be {_ALLOWED}; got {_kind(out)}")
    try:
        owner, dtype = as_integers(out)
        memory: np.ndarray[Any, Any] = np.asarray(owner, copy=False) if has_interface else np.from_dlpack(owner)
    except Exception as error:  # whatever its owner raises
        raise TypeError(f"out must be {_ALLOWED}; got {_kind(out)}: {error}") from None
    if memory.size and not memory.__array_interface__["data"][0]:
        raise ValueError(f"out must have memory; got {_kind(out)} without any")
    return memory if dtype is None else memory.view(dtype)


def _resolve(out: Any, dtype: np.dtype[Any]) -> tuple[Any, bool]:
    """`out` as an array on the same memory, and whether it is a flat buffer that may take any shape."""
    if isinstance(out, np.ndarray) and not isinstance(out, np.ma.MaskedArray):
        return out, False
    if isinstance(out, np.ndarray | np.generic | type):
        raise TypeError(f"out must be {_ALLOWED}; got {type(out).__name__}")
    if devices.is_enabled() and (found := devices.device_array(out)) is not None:
        return found, False
    _refuse_device(out)
    buffer = _from_buffer(out, dtype)
    if buffer is not None:
        return buffer, buffer.ndim == 1 and buffer.flags.c_contiguous
    return _from_interface(out), False


def real(dtype: Any, out: Any) -> dtypes.Real:
    """The dtype to draw: the one asked for, or that of `out`, or float32 for bytes and where there is no `out`."""
    if dtype is None and (out is None or (type(out) is np.ndarray and out.dtype is dtypes.FLOAT32.dtype)):
        return dtypes.FLOAT32  # the usual cases
    return among(dtypes.REAL_NAMES, dtypes.FLOAT32.name, dtype, out)


def among(names: Sequence[str], default: str, dtype: Any, out: Any) -> dtypes.Real:
    """The dtype to draw as `real` has it, among those of these names, with another default."""
    if dtype is not None:
        return dtypes.resolve(dtype, names)
    usual = dtypes.resolve(default, names)
    if out is None:
        return usual
    wanted = array(out, usual.dtype).dtype
    try:
        return dtypes.resolve(wanted, names)
    except TypeError:
        raise TypeError(f"out must have one of the dtypes {', '.join(names)}; got {wanted}") from None


def array(out: Any, dtype: np.dtype[Any]) -> Any:
    """`out` itself if it is an array, else an array on its memory. Bytes count as values of the dtype."""
    return _resolve(out, dtype)[0]


def check(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """The array to write the block into: a plain array of this shape and dtype on the memory of `out`.

    For CUDA arrays it is a `DeviceArray`.
    """
    if type(out) is np.ndarray and out.shape == shape and out.dtype is dtype and out.flags.carray:
        return out  # the usual case, in a third of the time
    target, is_flat = _resolve(out, dtype)
    if is_flat and target.size == math.prod(shape) and target.dtype == dtype:
        target = target.reshape(shape)
    # A subclass of ndarray may say anything of itself, and its items may have another shape.
    plain = target if isinstance(target, DeviceArray) else np.asarray(target)
    if plain.dtype != dtype:
        raise TypeError(f"out must have dtype {dtype}; got {plain.dtype}")
    if plain.shape != shape:
        or_flat = (
            f" or be a flat buffer of {math.prod(shape)} values, {math.prod(shape) * dtype.itemsize} bytes" if is_flat else ""
        )
        raise ValueError(f"out must have shape {shape}{or_flat}; got {plain.shape}")
    if not (plain.writable if isinstance(plain, DeviceArray) else plain.flags.writeable):
        raise _read_only(out)
    if 0 not in shape and _may_overlap(shape, plain.strides, dtype.itemsize):
        raise ValueError(f"out must not overlap itself; got shape {plain.shape} with strides {plain.strides}")
    return plain


def check_on_host(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The array to write the block into, for code that writes with NumPy."""
    target = check(out, shape, dtype)
    if not isinstance(target, np.ndarray):
        raise TypeError("out must be in the memory of the host here; make the array there and copy it")
    return target


def allocate(
    name: str, shape: Sequence[int], dtype: np.dtype[Any], make: Callable[..., np.ndarray[Any, Any]] = np.empty
) -> np.ndarray[Any, Any]:
    """A new array. If NumPy has no arrays of this shape and dtype, the error blames the argument `name`."""
    try:
        return make(shape, dtype)
    except ValueError:
        least = "2^63 bytes, not counting axes of length 0"
        raise ValueError(f"{name} must give an array of less than {least}; got shape {tuple(shape)} of {dtype}") from None


def result(out: Any, target: Any) -> Any:
    """What a fill returns: `out` itself, or the array on its memory where `out` is a host buffer without shape and dtype."""
    is_array = isinstance(target, DeviceArray) or (hasattr(out, "shape") and hasattr(out, "dtype"))
    return out if is_array else target
