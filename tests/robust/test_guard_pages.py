"""Nothing is written, or read, outside `out` and the kernel's own scratch memory: the hardware and the C library watch.

Each script runs in a process of its own, which a touch of a guard page ends. `NUMBA_BOUNDSCHECK` sees little here: the kernels
reach `out` and their scratch memory by address, and index only the table of axes.
"""

import glob
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROWS
from tests.robust.common import environment, python, times

linux = pytest.mark.skipif(sys.platform != "linux", reason="guard pages are made in Linux's way")

GUARDED = """
import itertools, math, mmap, sys
import numpy as np
import fastinit as fi
from fastinit.kernels import threads
from tests.conftest import ROWS, draw
from tests.robust.common import guarded

if sys.argv[1] == "True":
    threads.PARALLEL_FROM, threads.CHUNK, threads.GRAIN = 1, 300, 1
most_random, every = int(sys.argv[2]), int(sys.argv[3])
memory = guarded(64 * mmap.PAGESIZE)
done = 0

def check(shape, strides, first, size=None, index=None):
    "A view that begins at byte `first`, filled and compared, and the bytes around it."
    global done
    memory.fill(0xA5)
    out = np.ndarray(shape, real, memory.data, first, strides)
    size = shape if size is None else size
    draw(fi.default_rng(3), name, dtype, size=size, index=index, out=out)
    expected = whole[: math.prod(size)].reshape(size)
    expected = expected if index is None else expected[index]
    assert out.tobytes() == expected.tobytes(), (shape, strides, first)
    owned = np.ones(memory.size, bool)
    np.ndarray((*shape, item), bool, owned.data, first, (*strides, 1))[...] = False
    assert (memory[owned] == 0xA5).all(), (shape, strides, first)
    done += 1

def check_row():
    for i, arguments in enumerate(fixed()):
        if i % every == 0:
            check(*arguments)
    for arguments in itertools.islice(strange(), most_random):
        check(*arguments)

SIZES = [1, 2, 3, 7, 8, 11, 12, 13, 31, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1025, 4095, 4096, 4097]
SIZES += [4351, 8191, 8193, 12289]

def fixed():
    end = memory.size
    for n in SIZES:                                       # side by side, ending or beginning at a guard page
        for slack in (0, 1, 2, 3, 5, item, 64 - item):
            if n * item + slack <= end:
                yield (n,), (item,), end - n * item - slack
                yield (n,), (item,), slack
                yield (n,), (-item,), end - item - slack
    for n in SIZES:                                       # a part from anywhere in the tiles
        for start in (1, 5, 63, 64, 100, 255):
            yield (n,), (item,), end - n * item, (start + n + 3,), np.s_[start : start + n]
            yield (n,), (item,), 0, (start + n + 3,), np.s_[start : start + n]
            yield (n,), (item,), 0, (2 * n + start,), np.s_[start :: 2]
    for rows, columns, gap in itertools.product([1, 2, 5, 33], [1, 3, 11, 12, 64, 65, 200], [0, 1, item, 33]):
        pitch = columns * item + gap                      # rows with gaps, columns first, both upside down
        reach = (rows - 1) * pitch + columns * item
        yield (rows, columns), (pitch, item), end - reach
        yield (columns, rows), (item, pitch), end - reach
        yield (rows, columns), (-pitch, -item), end - item
        yield (columns, rows), (item, -pitch), end - columns * item

def strange():
    random = np.random.default_rng(7)
    while True:
        shape = tuple(int(n) for n in random.integers(1, 14, random.integers(1, 5)))
        strides, reach = [0] * len(shape), item
        for axis in random.permutation(len(shape)):
            strides[axis] = reach + int(random.choice([0, 0, 1, item, 13]))
            reach += strides[axis] * (shape[axis] - 1)
        if reach > memory.size or math.prod(shape) > most:
            continue
        signs = [int(random.choice([1, 1, -1])) for _ in shape]
        first = memory.size - reach if random.random() < 0.5 else 0
        first += sum(stride * (n - 1) for stride, n, sign in zip(strides, shape, signs) if sign < 0)
        yield shape, tuple(sign * stride for sign, stride in zip(signs, strides)), first

for name, dtype in ROWS:
    print(name, dtype, flush=True)
    real = np.dtype(np.uint32) if name == "bits" else fi.dtypes.resolve(dtype).dtype
    item, before = real.itemsize, done
    most = memory.size // item
    whole = draw(fi.default_rng(3), name, dtype, size=most)
    check_row()
print(done)
"""


@linux
@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
def test_no_guard_page_is_touched(parallel):
    """An end of `out` lies at a page that kills: 1,500 shapes, sizes, offsets and strides for each kernel, and random ones.

    Each eighth of the former by day.
    """
    done = python(GUARDED, parallel, times(40, 20_000), times(8, 1), timeout=6000).split()[-1]
    assert int(done) > 150 * len(ROWS)


TRESPASS = """
import mmap, sys
from tests.robust.common import guarded
memory = guarded(4 * mmap.PAGESIZE)
memory[0] = memory[-1] = 1
import ctypes
print("inside", flush=True)
ctypes.memset(memory.ctypes.data + int(sys.argv[1]), 1, 1)
"""


@linux
@pytest.mark.parametrize("at", [-1, 4 * 4096])
def test_a_guard_page_kills(at):
    done = subprocess.run([sys.executable, "-c", TRESPASS, str(at)], env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, "inside\n")


SCRATCH = """
import sys
import numpy as np
from fastinit.kernels import fill
fill.SCRATCH = eval(sys.argv[1], {"SCRATCH": fill.SCRATCH})
import fastinit as fi
from tests.conftest import ROWS, draw
done = 0
wanted = sys.argv[2].split(",")
for row in [row for row in ROWS if " ".join(row) in wanted or not sys.argv[2]]:
    for n in (1, 100, 4096, 5000, 20_001):
        for options in ({}, {"index": np.s_[::2]}, {"index": np.s_[1::3]}, {"index": np.s_[::-1]}):
            draw(fi.default_rng(3), *row, size=n, **options)
            done += 1
print(done)
"""


def malloc_check(tmp_path):
    found = glob.glob("/lib/*/libc_malloc_debug.so.0") + glob.glob("/lib64/libc_malloc_debug.so.0")  # noqa: PTH207
    if not found:
        pytest.skip("this C library has no libc_malloc_debug.so.0")
    return environment(LD_PRELOAD=found[0], MALLOC_CHECK_="3", NUMBA_CACHE_DIR=str(tmp_path / "cache"), NUMBA_NUM_THREADS="1")


def test_the_c_library_sees_no_overrun_of_the_scratch_memory(tmp_path):
    """glibc's checking allocator, which ends the process when a freed block was written past its end."""
    rows = times("normal float32,central float32,tail float64", "")  # by day those that compile soon, else all
    assert int(python(SCRATCH, "SCRATCH", rows, env=malloc_check(tmp_path), timeout=3000)) >= 60


def test_it_would_see_one(tmp_path):
    command = [sys.executable, "-c", SCRATCH, "SCRATCH // 2", "normal float32"]
    done = subprocess.run(command, env=malloc_check(tmp_path), capture_output=True, text=True)
    assert done.returncode in (-signal.SIGABRT, -signal.SIGSEGV), done.stderr[-500:]
