"""The memory to write into: whose it may be, and whether it may be written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

#: Differences of places that may be looked at before an array counts as overlapping itself.
MOST_PLACES = 1 << 20


def _meet(axes: list[tuple[int, int]], itemsize: int) -> bool:
    """Whether two elements are nearer than `itemsize`: axes by rising stride, none below it; certain up to MOST_PLACES."""
    # Far places that axes from the outermost on reach, of which the first step counts upward, and inner ones may lead back.
    away = np.zeros(0, np.int64)
    for i in range(len(axes) - 1, 0, -1):
        stride, n = axes[i]
        near = sum(s * (m - 1) for s, m in axes[:i]) + itemsize - 1
        steps = np.arange(1, min(n - 1, near // stride) + 1, dtype=np.int64) * stride
        low = np.maximum(-((near + away) // stride), 1 - n)
        counts = np.maximum(np.minimum((near - away) // stride, n - 1) - low + 1, 0)
        if int(counts.sum()) + len(steps) > MOST_PLACES:
            return True
        first = np.repeat(np.cumsum(counts) - counts, counts)
        moved = np.repeat(away + low * stride, counts) + (np.arange(len(first)) - first) * stride
        away = np.unique(np.concatenate([steps, moved]))
        if len(away) and np.abs(away).min() < itemsize:
            return True
    stride, n = axes[0]
    nearest = np.clip(-(away // stride), 1 - n, n - 1)
    left = np.minimum(np.abs(away + nearest * stride), np.abs(away + np.clip(nearest - 1, 1 - n, n - 1) * stride))
    return bool((left < itemsize).any())


def _may_overlap(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Whether two elements may share memory: at once where axes nest in one another, else by what lies near another."""
    axes = sorted((abs(stride), n) for stride, n in zip(strides, shape, strict=True) if n > 1)
    reach, nested = itemsize, True
    for stride, n in axes:
        nested = nested and stride >= reach
        reach += stride * (n - 1)
    if nested or not axes:
        return False
    return axes[0][0] < itemsize or _meet(axes, itemsize)


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


_ALLOWED = "a numpy.ndarray, or an object with the buffer protocol, __array_interface__ or DLPack"

#: DLPack's numbers for memory of the host: plain, and pinned for CUDA or ROCm.
_HOST = (1, 3, 11)


def _has(out: Any, name: str) -> bool:
    """Whether there is such an attribute, be it one that refuses for now, as a tensor's that requires a gradient."""
    try:
        getattr(out, name)
    except AttributeError:
        return False
    except Exception:
        return True
    return True


def _refuse_device(out: Any) -> None:
    """Raise for memory that the CPU cannot write, before anybody copies it."""
    where = "__cuda_array_interface__" if _has(out, "__cuda_array_interface__") else None
    if where is None and _has(out, "__dlpack_device__"):
        try:
            device = int(out.__dlpack_device__()[0])
        except Exception as error:
            raise TypeError(f"out must be in the memory of the host; got {_kind(out)}: {error}") from None
        where = None if device in _HOST else f"DLPack device {device}"
    if where is not None:
        raise TypeError(f"out must be in the memory of the host; got {_kind(out)}, which is on a device ({where})")


def _kind(out: Any) -> str:
    kind = type(out)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _read_only(out: Any) -> ValueError:
    return ValueError(f"out must be writable; got a read-only {'array' if isinstance(out, np.ndarray) else _kind(out)}")


def _bytes(view: memoryview, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Raw memory as values of this dtype: bytes have none of their own."""
    if not view.c_contiguous:
        raise ValueError(f"out must be contiguous where it holds bytes; got strides {view.strides}")
    count, rest = divmod(view.nbytes, dtype.itemsize)
    if rest:
        raise ValueError(f"out must hold whole values of {dtype}, {dtype.itemsize} bytes each; got {view.nbytes} bytes")
    # Unlike an ndarray made with buffer=, this one keeps the owner from moving or freeing the memory.
    return np.frombuffer(view, dtype, count)


def _from_buffer(out: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any] | None:
    """What the buffer protocol gives, if `out` has it."""
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


def _from_interface(out: Any) -> np.ndarray[Any, Any]:
    """What `__array_interface__` or DLPack give, never as a copy."""
    by_interface = _has(out, "__array_interface__")
    if not by_interface and not _has(out, "__dlpack__"):
        raise TypeError(f"out must be {_ALLOWED}; got {_kind(out)}")
    try:
        found: np.ndarray[Any, Any] = np.asarray(out, copy=False) if by_interface else np.from_dlpack(out)
    except Exception as error:  # whatever its owner raises
        raise TypeError(f"out must be {_ALLOWED}; got {_kind(out)}: {error}") from None
    if found.size and not found.__array_interface__["data"][0]:
        raise ValueError(f"out must have memory; got {_kind(out)} without any")
    return found


def _resolve(out: Any, dtype: np.dtype[Any]) -> tuple[np.ndarray[Any, Any], bool]:
    """`out` as an array on the same memory, and whether it is a plain run of values that may take any shape."""
    if isinstance(out, np.ndarray) and not isinstance(out, np.ma.MaskedArray):
        return out, False
    if isinstance(out, np.ndarray | np.generic | type):
        raise TypeError(f"out must be {_ALLOWED}; got {type(out).__name__}")
    _refuse_device(out)
    found = _from_buffer(out, dtype)
    if found is not None:
        return found, found.ndim == 1 and found.flags.c_contiguous
    return _from_interface(out), False


def array(out: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """`out` itself if it is an array, else an array on its memory; bytes are taken for values of the dtype."""
    return _resolve(out, dtype)[0]


def check(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The array to write the block into: `out` itself if it is one, else one of this shape and dtype on its memory."""
    if type(out) is np.ndarray and out.shape == shape and out.dtype is dtype and out.flags.carray:
        return out  # nothing to complain of, in a third of the time
    target, run = _resolve(out, dtype)
    if run and target.size == math.prod(shape) and target.dtype == dtype:
        target = target.reshape(shape)
    plain = np.asarray(target)  # a subclass may say anything of itself
    if plain.dtype != dtype:
        raise TypeError(f"out must have dtype {dtype}, as asked for by dtype=; got {plain.dtype}")
    if plain.shape != shape:
        meant = f" or be a run of {math.prod(shape)} values, {math.prod(shape) * dtype.itemsize} bytes" if run else ""
        raise ValueError(f"out must have shape {shape}{meant}; got {plain.shape}")
    if not plain.flags.writeable:
        raise _read_only(out)
    if not plain.flags.c_contiguous and _may_overlap(plain.shape, plain.strides, plain.itemsize):
        raise ValueError(f"out must not overlap itself; got shape {plain.shape} with strides {plain.strides}")
    return target
