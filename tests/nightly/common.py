"""What these tests share: the nightly switch, scripts in processes of their own, Numba's layers, memory of special kinds.

`FASTINIT_NIGHTLY=1` makes every loop longer, every hypothesis run larger and not the same each time, and adds the tests that
take minutes.
"""

import ctypes
import hashlib
import mmap
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import fastinit as fi

NIGHTLY = os.environ.get("FASTINIT_NIGHTLY", "0") not in ("", "0")
ROOT = Path(fi.__file__).parents[1]
LAYERS = ("omp", "workqueue", "tbb")

nightly = pytest.mark.skipif(not NIGHTLY, reason="takes minutes: set FASTINIT_NIGHTLY=1")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


def times(usual, each_night):
    """How often to repeat something."""
    return each_night if NIGHTLY else usual


def cases(count, factor=10):
    """Hypothesis settings: the same cases each time, or at night `factor` times as many new ones, printed to be repeated."""
    return settings(max_examples=times(count, count * factor), derandomize=not NIGHTLY, print_blob=NIGHTLY)


def digest(seed=1, size=1 << 17):
    return hashlib.sha256(fi.default_rng(seed).normal(size=size).tobytes()).hexdigest()


def environment(layer=None, **more):
    """The environment of a script. A layer is for Numba's own parallel functions; `python` skips where there is none."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **more}
    if layer is None:
        return env
    env |= {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    if layer == "tbb":  # PyPI's wheel lays the library where the loader does not look
        folder = sysconfig.get_path("data") + "/lib"
        env["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [folder, env.get("LD_LIBRARY_PATH")]))
    return env


def python(script, *arguments, env=None, timeout=1200, prefix=(), allowed=None, **options):
    """What a script prints; that it ends well, and says nothing on stderr but lines that have `allowed` in them."""
    command = [*prefix, sys.executable, "-c", script] if isinstance(script, str) else [*prefix, sys.executable, str(script)]
    command += map(str, arguments)
    done = subprocess.run(command, env=env or environment(), capture_output=True, text=True, timeout=timeout, **options)
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip("this Numba has no such threading layer")
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    said = [line for line in done.stderr.splitlines() if allowed is None or allowed not in line]
    assert not said, "\n".join(said)[-4000:]
    return done.stdout


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
