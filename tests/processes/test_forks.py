"""Forks, and Numba's own threads beside the helpers."""

import hashlib

import pytest

import fastinit as fi
from fastinit.kernels import rows, threads
from tests.processes.scripts import LAYERS, digest, environment, forks, python

SCRIPT = """
import hashlib, os, signal, sys, threading
import fastinit as fi
from fastinit.kernels import threads

def digest():
    return hashlib.sha256(fi.default_rng(1).normal(size=1 << 17).tobytes()).hexdigest()

def helpers():
    return sum(thread.name == "fastinit" for thread in threading.enumerate())

def in_child(when):
    "A forked child has no helper, starts its own, and they serve it again and again."
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(100)
        before, found, after = helpers(), {digest() for _ in range(5)}, helpers()
        own = not before and not threads._idle == [] and after == len(threads._all) == len(threads._idle) == 1
        os.write(write, found.pop().encode() if own and len(found) == 1 else b"another")
        os._exit(0)
    os.close(write)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, (when, status)
    found = os.read(read, 64).decode()
    os.close(read)
    return found
"""
FORKS = f"""{SCRIPT}
before = in_child("before the first use")
here = digest()
assert helpers() == 1
after = in_child("after use")
again = digest()
assert before == here == after == again, (before, here, after)
print(here)
"""


@forks
def test_fork_before_and_after_use():
    assert python(FORKS, env=environment(NUMBA_NUM_THREADS="2")) == digest() + "\n"


MIXED = f"""{SCRIPT}
import contextlib
import numba
import numpy as np
from fastinit.kernels import cpus

@numba.njit(["float64(float64[:])"], parallel=True)
def total(x):
    found = 0.0
    for i in numba.prange(x.size):
        found += x[i]
    return found

ones = np.ones(1 << 16)
forks = hasattr(os, "fork")
seen = [in_child("before the first use")] if forks else []
assert total(ones) == ones.size
layer, results, barrier = numba.threading_layer(), [], threading.Barrier(8)
one_at_a_time = threading.Lock() if layer == "workqueue" else contextlib.nullcontext()     # two would abort the process

def work():
    barrier.wait()
    for _ in range(20):
        with one_at_a_time:
            assert total(ones) == ones.size
        results.append(digest())

workers = [threading.Thread(target=work) for _ in range(8)]
for worker in workers: worker.start()
for worker in workers: worker.join()
assert len(results) == 160
seen += [in_child("after use")] if forks else []
assert {{*results, *seen}} == {{digest()}}
assert cpus.allowed() == 2 and helpers() == len(threads._all) == 1
numba.set_num_threads(1)
called = []
threads.Helper.call = lambda *arguments: called.append(arguments)
assert cpus.allowed() == 1 and digest() == results[0] and not called
numba.set_num_threads(2)
threads._idle[0].away_until = 0.0              # whatever it had to do with the other threads
assert digest() == results[0] and called
print(layer, results[0])
"""


@pytest.mark.nightly
@pytest.mark.parametrize("layer", LAYERS)
def test_beside_a_program_s_own_prange(layer):
    """Eight threads that fill and call a parallel function of Numba's; forks before and after; Numba's number of threads."""
    assert python(MIXED, env=environment(layer)).split() == [layer, digest()]


WAITING = """
import os, signal, threading, time
import llvmlite.binding as llvm
from fastinit.gpu import ptx, trace
from fastinit.kernels import explain, machine, rows, tiles

row = rows.row("bits", "uint32")
text, on_gpu = tiles.trace(row, machine.host().traits), trace.tiles(row)
code = machine.object_code(text)
works = {
    "object_code": lambda: machine.object_code(text),
    "link": lambda: machine.link(code, "tiles"),
    "explain": lambda: explain.explain(row, assembly=True),
    "optimised": lambda: ptx.optimised(on_gpu, 80),
    "compiled": lambda: ptx.compiled(on_gpu, 80),
}
parse, begun, parsed = llvm.parse_assembly, threading.Event(), []

def slow(*arguments):
    begun.set()
    time.sleep(0.1)                                       # the fork comes meanwhile
    found = parse(*arguments)
    parsed.append(name)
    return found

for name, work in works.items():
    begun.clear()
    llvm.parse_assembly = slow
    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    pid = os.fork()
    if pid == 0:
        signal.alarm(100)
        llvm.parse_assembly = parse
        os._exit(0 if name in parsed and machine.object_code(text) == code else 3)
    assert os.waitpid(pid, 0)[1] == 0, name
    thread.join()
print(*parsed)
"""


@forks
def test_a_fork_waits_for_whatever_calls_the_compiler():
    assert python(WAITING).split() == ["object_code", "link", "explain", "optimised", "compiled"]


@pytest.mark.parametrize("layer", ["no such layer", "tbb"])
def test_a_layer_that_is_not_there_is_not_missed(layer):
    script = f"""{SCRIPT}
import numba
assert digest() == {digest()!r} and helpers() == 1
print("done")
"""
    assert python(script, env={**environment(NUMBA_NUM_THREADS="2"), "NUMBA_THREADING_LAYER": layer}) == "done\n"


def test_the_digest_is_of_what_one_thread_makes(monkeypatch):
    monkeypatch.setattr(threads, "PARALLEL_FROM", 1 << 62)
    values = fi.default_rng(1).normal(size=1 << 17)
    assert hashlib.sha256(values.tobytes()).hexdigest() == digest()


def test_the_row_that_is_watched_has_four_elements_a_counter():
    assert rows.row("normal", "float32").words == 2
