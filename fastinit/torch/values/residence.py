"""Whether memory was written before: the system gives a page only when it is touched for the first time."""

from __future__ import annotations

import ctypes
import functools
import mmap
import sys
from collections.abc import Callable


@functools.cache
def _mincore() -> Callable[[int, int, ctypes.Array[ctypes.c_char]], int] | None:
    """The system's `mincore`, or None outside Linux."""
    if sys.platform != "linux":
        return None
    function = ctypes.CDLL(None).mincore
    function.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_char_p)
    return function  # type: ignore[no-any-return]


def is_written(address: int, size: int) -> bool:
    """Whether the first, the middle and the last page of memory are there, which says enough for a choice of speed.

    The system clears a new page, which puts it into the caches: writes past them would have to wait for that.
    """
    mincore = _mincore()
    if mincore is None:
        return False
    found = ctypes.create_string_buffer(1)
    places = (address, address + size // 2, address + size - 1)
    return all(
        mincore(place // mmap.PAGESIZE * mmap.PAGESIZE, mmap.PAGESIZE, found) == 0 and found.raw[0] & 1 for place in places
    )
