"""Huge pages for memory that nobody has touched: NumPy asks Linux for them, torch does not.

Each page that is touched for the first time costs a fault of some 0.1 to 0.3 microseconds per 4 KiB, twice the time of the fill
itself. One fault serves 2 MiB if the memory may have huge pages.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable

import torch

#: Bytes of a tensor from which on they are asked for, as in NumPy.
LEAST = 4 << 20
PAGE = 2 << 20
MADV_HUGEPAGE = 14


@functools.cache
def _advise() -> Callable[[int, int, int], int] | None:
    """The system's `madvise`, or None outside Linux and where NUMPY_MADVISE_HUGEPAGE=0 forbids huge pages."""
    if sys.platform != "linux" or os.environ.get("NUMPY_MADVISE_HUGEPAGE", "1").strip() == "0":
        return None
    function = ctypes.CDLL(None).madvise
    function.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
    return function  # type: ignore[no-any-return]


def _whole_pages(tensor: torch.Tensor) -> tuple[int, int]:
    """The address and the bytes of the huge pages that lie inside a tensor's memory."""
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    first = tensor.data_ptr()
    begin, end = -(-first // PAGE) * PAGE, (first + reach * tensor.itemsize) // PAGE * PAGE
    return begin, end - begin


def prefer_huge_pages(tensor: torch.Tensor) -> None:
    """Ask for huge pages in a CPU tensor's memory before it is filled. It is only a wish, and costs a microsecond.

    Memory that torch did not allocate for this process alone is left as it is: files, shared memory, NumPy's arrays.
    """
    if tensor.numel() * tensor.itemsize < LEAST or (advise := _advise()) is None:
        return
    storage = tensor.untyped_storage()
    if storage.resizable() and not storage.is_shared():
        begin, size = _whole_pages(tensor)
        if size > 0:
            advise(begin, size, MADV_HUGEPAGE)
