"""Memory of special kinds."""

import ctypes
import mmap
import os

import numpy as np


def map_often(count, physical):
    """`count` bytes of consecutive addresses over `physical` bytes of memory, which come again and again.

    A fill of any size for little memory. The mapping stays for the life of the process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    protection, fixed, no_reserve = mmap.PROT_READ | mmap.PROT_WRITE, 0x10, 0x4000
    base = libc.mmap(None, count, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve, -1, 0)
    descriptor = os.memfd_create("often")
    os.ftruncate(descriptor, physical)
    for at in range(0, count, physical):
        got = libc.mmap(base + at, min(physical, count - at), protection, mmap.MAP_SHARED | fixed, descriptor, 0)
        assert got == base + at, os.strerror(ctypes.get_errno())
    os.close(descriptor)
    return np.frombuffer((ctypes.c_uint8 * count).from_address(base), np.uint8)


def guarded(count):
    """So many writable bytes, a multiple of the page's size, with a page before and one behind that nobody may touch."""
    page = mmap.PAGESIZE
    assert count % page == 0
    whole = mmap.mmap(-1, count + 2 * page)
    memory = np.frombuffer(whole, np.uint8)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for at in (0, page + count):
        assert protect(memory.ctypes.data + at, page, 0) == 0, os.strerror(ctypes.get_errno())
    return memory[page : page + count]
