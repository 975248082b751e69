"""Huge pages for memory that nobody has touched yet: NumPy asks for them for its own arrays, torch does not."""

from __future__ import annotations

import ctypes
import mmap

from fastinit.torch.tensors import Array

#: Bytes from which it is worth a system call, as NumPy has it too.
LARGE = 1 << 22
#: What the system is told; None where it has no such advice (it is Linux's).
_HUGE = getattr(mmap, "MADV_HUGEPAGE", None)


def advise(array: Array) -> None:
    """Let the system give huge pages as they are touched, some 500 times fewer of them; its refusal changes nothing."""
    if _HUGE is None or array.nbytes < LARGE or not array.flags.forc:
        return
    address: int = array.__array_interface__["data"][0]
    first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE  # whole pages of this array alone
    last = (address + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), ctypes.c_int(_HUGE))
