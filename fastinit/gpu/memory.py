"""Device memory of our own, for checks and benchmarks: fills never allocate any."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastinit.gpu import driver


class CudaArray:
    """Device memory with the interface of a CUDA array. The interface has no name for some dtypes, so it holds the dtype."""

    def __init__(self, address: int, shape: tuple[int, ...], dtype: np.dtype[Any], strides: tuple[int, ...] | None) -> None:
        self.shape, self.dtype = shape, dtype
        place = {"data": (address, False), "strides": strides}
        self.__cuda_array_interface__ = {"version": 3, "shape": shape, "typestr": dtype, "stream": None, **place}


class Memory:
    """Bytes on a device, whose context must be current."""

    def __init__(self, count: int) -> None:
        address = ctypes.c_uint64()
        driver.check(driver.library().cuMemAlloc_v2(ctypes.byref(address), max(count, 1)), f"allocate {count:,} bytes")
        self.address, self.count = address.value, count

    def free(self) -> None:
        """Give the memory back."""
        driver.check(driver.library().cuMemFree_v2(self.address), "free memory")

    def view(self, shape: tuple[int, ...], dtype: Any, offset: int = 0, strides: tuple[int, ...] | None = None) -> CudaArray:
        """An array in this memory."""
        return CudaArray(self.address + offset, shape, np.dtype(dtype), strides)

    def bytes(self, count: int) -> np.ndarray[Any, Any]:
        """The first bytes, copied to the host when all fills are done."""
        host = np.empty(count, np.uint8)
        driver.check(driver.library().cuMemcpyDtoH_v2(host.ctypes.data, self.address, count), "copy memory to the host")
        return host

    def set(self, value: int) -> None:
        """Start to set all bytes to a value."""
        driver.check(driver.library().cuMemsetD8Async(self.address, value, self.count, None), "set memory")


def synchronize() -> None:
    """Wait until the current device has done everything."""
    driver.check(driver.library().cuCtxSynchronize(), "wait for the device")


@contextlib.contextmanager
def allocated(count: int, ordinal: int = 0) -> Iterator[Memory]:
    """Memory on a device, which is current meanwhile."""
    with driver.current(driver.device(ordinal)):
        memory = Memory(count)
        try:
            yield memory
        finally:
            memory.free()
