"""Nothing is written, or read, outside `out` and a thread's own scratch memory: the hardware watches.

Each script runs in a process of its own, which a touch of a guard page ends. `NUMBA_BOUNDSCHECK` would see nothing here: the
loop reaches all memory by address.
"""

import signal
import subprocess
import sys

import pytest

from fastinit.kernels import layout
from tests.conftest import ROWS
from tests.processes.scripts import environment, python
from tests.repeats import times

pytestmark = pytest.mark.nightly

linux = pytest.mark.skipif(sys.platform != "linux", reason="guard pages are made in Linux's way")

GUARDED = """
import itertools, math, mmap, sys
import numpy as np
import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.kernels import threads
from tests.conftest import ROWS, draw
from tests.nightly.memory import guarded

parallel = sys.argv[1] == "True"
if not parallel:
    threads.PARALLEL_FROM = 1 << 62
else:
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
    real = np.dtype(np.uint32) if name == "bits" else dtypes.resolve(dtype, dtypes.ALL_NAMES).dtype
    item, before = real.itemsize, done
    most = memory.size // item
    whole = draw(fi.default_rng(3), name, dtype, size=most)
    check_row()
assert len(threads._all) == parallel
print(done)
"""


@linux
@pytest.mark.parametrize("parallel", [False, True], ids=["alone", "parallel"])
def test_no_guard_page_is_touched(parallel):
    """An end of `out` lies at a page that kills: 1,500 shapes, sizes, offsets and strides for each row, and random ones.

    Each eighth of the former by day.
    """
    env = environment(NUMBA_NUM_THREADS="2")
    done = python(GUARDED, parallel, times(40, 20_000), times(8, 1), env=env, timeout=6000).split()[-1]
    assert int(done) > 150 * len(ROWS)


TRESPASS = """
import mmap, sys
from tests.nightly.memory import guarded
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
import math, mmap, sys, threading
import numpy as np
import fastinit as fi
from fastinit.kernels import cpus, layout, threads
from tests.conftest import ROWS, draw
from tests.nightly.memory import guarded

room, at_end, own = int(sys.argv[1]), sys.argv[2] == "end", threading.local()

def scratch():
    "This thread's scratch memory, of which one end lies at a page that kills."
    if not hasattr(own, "memory"):
        own.memory = guarded(-(-room // mmap.PAGESIZE) * mmap.PAGESIZE)
    return threads.address_of(own.memory) + (own.memory.size - room if at_end else 0)

cpus.usual.cache_clear()
threads.scratch, threads.PARALLEL_FROM = scratch, 10_000
INDICES = (None, np.s_[::2], np.s_[1::3], np.s_[::-1], np.s_[5:-3])
done = 0
for row in ROWS:
    print(*row, flush=True)
    for n in (1, 100, 4096, 5000, 20_001):
        whole = draw(fi.default_rng(3), *row, size=n)
        for index in INDICES[1:]:
            assert draw(fi.default_rng(3), *row, size=n, index=index).tobytes() == whole[index].tobytes()
            done += 1
assert len(threads._all) == 1 and hasattr(own, "memory")
print(done)
"""


@linux
@pytest.mark.parametrize("end", ["start", "end"])
def test_nothing_beside_the_scratch_memory_is_touched(end):
    """Neither written nor read, by the caller or by a helper."""
    done = python(SCRATCH, layout.SCRATCH, end, env=environment(NUMBA_NUM_THREADS="2")).split()[-1]
    assert int(done) == 4 * 5 * len(ROWS)


@linux
def test_a_scratch_memory_that_is_too_small_would_show():
    command = [sys.executable, "-c", SCRATCH, str(layout.SCRATCH - 4096), "end"]
    done = subprocess.run(command, env=environment(NUMBA_NUM_THREADS="2"), capture_output=True, text=True)
    assert done.returncode == -signal.SIGSEGV, done.stderr[-500:]
