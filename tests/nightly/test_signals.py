"""Signals, Ctrl-C and the end of the interpreter during a fill."""

import random
import signal
import sys

import numpy as np
import pytest

from fastinit import dispatch
from tests.processes.scripts import environment, python
from tests.repeats import NIGHTLY, times

pytestmark = pytest.mark.nightly

unix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers on this system")
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is mapped many times over in Linux's way")

LEAVING = """
import sys, threading, time
import numpy as np
import fastinit as fi

method, size, wait = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
started = threading.Event()

def fill():
    rng, out = fi.default_rng(1), np.empty(size, np.float32)
    while True:
        getattr(rng, method)(out=out)
        started.set()

getattr(fi.default_rng(1), method)(size=size)
for _ in range(3):
    threading.Thread(target=fill, daemon=True).start()
started.wait()
time.sleep(wait)
"""


@pytest.mark.parametrize("size", [100, 1 << 20])
def test_interpreter_exit_beside_daemon_threads_that_fill(size):
    """Helpers are daemon threads too: some of these processes end while they fill, some while they look or sleep."""
    for i in range(times(4, 300)):
        method, wait = ("normal", "truncated_normal")[i % 2], random.Random(i).random() / 20
        python(LEAVING, method, size, wait, env=environment(NUMBA_NUM_THREADS="2"))


ANY_MOMENT = """
import random, signal, sys, time
import numpy as np
import fastinit as fi
from fastinit.kernels import threads

size, repeats = int(sys.argv[1]), int(sys.argv[2])
expected = [fi.default_rng([1, i]).normal(size=size) for i in range(2)]
class Stop(BaseException): pass
def stop(number, frame):
    if armed: raise Stop                                      # one that another thread got may be told of late
armed = False
signal.signal(signal.SIGALRM, stop)
out = np.empty(size, np.float32)
def seconds():
    began = time.perf_counter()
    fi.default_rng(1).normal(out=out)
    return time.perf_counter() - began
duration = min(seconds() for _ in range(50))
random.seed(1)
stopped = untouched = 0
for _ in range(repeats):
    rng = fi.default_rng([1, 0])
    out.fill(np.nan)
    finished = False
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, max(random.random() * 2 * duration, 1e-6))
        rng.normal(out=out)
        finished = True
        armed = False
    except Stop:
        armed = False
        stopped += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    calls, written = rng.state["calls"], ~np.isnan(out)
    untouched += not written.any()
    assert calls in (0, 1) and not (finished and calls == 0)
    assert calls == 1 or not written.any()                    # as if the call had not happened
    assert (out[written] == expected[0][written]).all()       # or had completed, but for what is still to be written
    assert not finished or written.all()
    assert len(threads._idle) == len(threads._all) == (size >= threads.PARALLEL_FROM)    # no helper is lost, none has arguments
    assert not any(helper.slot.any() or helper.kept is not None for helper in threads._idle)
    assert threads._starting.acquire(blocking=False)          # nothing is left locked
    threads._starting.release()
    rng.state = rng.state | {"calls": 0}
    assert rng.normal(out=out) is out and (out == expected[0]).all()
print(stopped, untouched)
"""


@unix
@pytest.mark.parametrize("size", [10, 1 << 15, 1 << 17, 1 << 19])
def test_a_signal_at_any_moment(size):
    stopped, untouched = python(ANY_MOMENT, size, times(300, 20_000), env=environment(NUMBA_NUM_THREADS="2")).split()
    assert int(stopped) > 20
    assert int(untouched) > 0


NESTED = """
import random, signal, sys
import fastinit as fi

rng, own, drawn, size = fi.default_rng(1), [], [], (1 << 17) + 1
def draw(number, frame):
    drawn.append(rng.normal(size=size).tobytes())
signal.signal(signal.SIGALRM, draw)
rng.normal(size=size)
rng.state = rng.state | {"calls": 0}
while len(drawn) < int(sys.argv[1]):
    signal.setitimer(signal.ITIMER_REAL, 1e-6 + random.random() / 2000)
    own.append(rng.normal(size=size).tobytes())
signal.setitimer(signal.ITIMER_REAL, 0)
calls, again = rng.state["calls"], fi.default_rng(1)
assert calls == len(drawn) + len(own)
whole = {again.normal(size=size).tobytes() for _ in range(calls)}
assert {*drawn, *own} == whole and len(whole) == calls
print(len(drawn))
"""


@unix
def test_a_handler_that_draws_from_the_generator_that_it_interrupts():
    """Its fill may come while the interrupted one has its helpers, or takes them, or gives them back."""
    assert int(python(NESTED, times(50, 1000), env=environment(NUMBA_NUM_THREADS="2"))) >= 50


CTRL_C = """
import os, signal, sys, threading, time
import numpy as np
import fastinit as fi
from fastinit.arguments import dtypes
from tests.nightly.memory import map_often

GIB = 1 << 30
call, layout, dtype, wait = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
memory = map_often(10 * GIB, GIB // 4)
real = dtypes.resolve(dtype).dtype
flat = memory.view(real)
count = flat.size
out = {"flat": flat, "every third": flat[::3], "columns": flat.reshape(-1, 1 << 13).T, "backwards": flat[::-1]}[layout]
rng = fi.default_rng(1)
draws = {
    "uniform": lambda out: rng.uniform(out=out, dtype=dtype),
    "normal": lambda out: rng.normal(out=out, dtype=dtype),
    "tail": lambda out: rng.truncated_normal(3, 9, out=out, dtype=dtype),
    "constant": lambda out: rng.normal(0, 0, out=out, dtype=dtype),
}
draws[call](out[:100_000] if out.ndim == 1 else out[:, :100])         # compiles, starts the threads
sent = []
def press():
    while rng.state["calls"] < 2:                                     # the call has begun
        time.sleep(1e-4)
    time.sleep(wait)
    sent.append((time.monotonic(), time.process_time()))
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
finished = False
thread = threading.Thread(target=press)
try:
    thread.start()
    draws[call](out)
    finished = True
    time.sleep(100)
except KeyboardInterrupt:
    now = time.monotonic(), time.process_time()
thread.join()
assert rng.state["calls"] == 2
out[..., -1:] = 1                                                     # the memory is as good as before
small = np.empty(1000, real)
assert draws[call](small) is small and rng.state["calls"] == 3
print(int(finished), now[0] - sent[0][0], now[1] - sent[0][1])
"""
CALLS = [
    ("normal", "flat", "float32"),
    ("tail", "flat", "float64"),
    ("uniform", "flat", "bfloat16"),
    ("normal", "every third", "float32"),
    ("tail", "columns", "float64"),
    ("uniform", "backwards", "float16"),
    ("constant", "flat", "bfloat16"),
    ("constant", "every third", "float32"),
]


@linux
@pytest.mark.parametrize(("call", "layout", "dtype"), CALLS if NIGHTLY else CALLS[1::4])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_ctrl_c_during_ten_gibibytes(call, layout, dtype, threads):
    """Before the fill ends; at night within a fifth of a second of the processor's time, which others' load leaves alone."""
    for wait in (0.05,) if not NIGHTLY else (0.02, 0.1, 0.3):
        environ = environment(NUMBA_NUM_THREADS=threads)
        finished, _, seconds = python(CTRL_C, call, layout, dtype, wait, env=environ).split()
        assert finished == "0"
        if NIGHTLY:
            assert float(seconds) / int(threads) < 0.2


def pieces(total, first, rate):
    """The pieces of a fill, and the seconds of each, at `rate(begin)` values a second."""
    now, found = [0.0], []

    def fill_part(begin, end):
        seconds = (end - begin) / rate(begin)
        found.append((begin, end, seconds))
        now[0] += seconds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch.time, "perf_counter", lambda: now[0])
        dispatch._in_pieces(fill_part, total, first)
    return found


@pytest.mark.parametrize("rate", [3e6, 3e7, 1e9, 3e10, 1e12])
@pytest.mark.parametrize("total", [1, 8192, 10**9, 2**34 + 5])
@pytest.mark.parametrize("slower", [1, 3])
def test_pieces_take_the_time_that_they_should(total, rate, slower):
    """Even where the second half goes more slowly, as memory does that was never touched."""
    found = pieces(total, 1 << 24, lambda begin: rate if begin < total // 2 else rate / slower)
    assert [begin for begin, _, _ in found] == [0, *(end for _, end, _ in found[:-1])]
    assert found[-1][1] == total
    least = 8192 / rate * slower
    assert max([seconds for _, _, seconds in found[1:]], default=0) <= max(slower * dispatch.PAUSE, least) * 1.01
    assert len(found) <= 6 + total / rate * slower / (dispatch.PAUSE / 2)


def test_constants_are_set_in_pieces(monkeypatch):
    from fastinit.arguments import outputs

    for shape in [(), (0,), (5,), (7, 11), (3, 5, 7), (1, 1, 100), (100, 1), (2, 0, 3)]:
        for most in (1, 4, 10, 1000):
            for out in (
                np.zeros(shape),
                np.zeros(shape[::-1]).T,
                np.zeros([2 * n for n in shape])[(..., *[slice(None, None, -2)] * len(shape))],
            ):
                found = list(outputs.parts(out, most))
                assert all(part.size <= most for part in found)
                for part in found:
                    part += 1
                assert (out == 1).all()
    monkeypatch.setattr(outputs, "PIECE", 3)
    out = np.zeros((4, 5))
    outputs.assign(out, 2.5)
    assert (out == 2.5).all()
