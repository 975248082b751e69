"""Parallel fills beside forks, other threads and other layers: right values, and nobody killed."""

import pytest

from fastinit.kernels import threads
from tests.robust.common import LAYERS, digest, environment, forks, python

SCRIPT = """
import hashlib, os, sys, threading
import numba
import fastinit

def digest():
    return hashlib.sha256(fastinit.default_rng(1).normal(size=1 << 17).tobytes()).hexdigest()

def in_child(when):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, digest().encode())
        os._exit(0)
    os.close(write)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, (when, status)
    return os.read(read, 64).decode()

if sys.argv[1] == "fork":
    before = in_child("before the first use")
    here = digest()
    after = in_child("after use")
    assert before == here == after
    print(numba.threading_layer(), here)
else:
    digest()
    results = []
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(20):
            results.append(digest())

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert len(set(results)) == 1 and len(results) == 160
    print(numba.threading_layer(), results[0])
"""


def run(mode, layer):
    """The digest that a script finds in a layer, which the environment of `tests/robust/common.py` chooses."""
    used, digest = python(SCRIPT, mode, env=environment(layer)).split()
    assert used == layer
    return digest


@forks
@pytest.mark.parametrize("layer", LAYERS)
def test_fork_before_and_after_use(layer):
    run("fork", layer)


@pytest.mark.parametrize("layer", LAYERS)
def test_eight_threads_fill_at_once(layer):
    assert run("threads", layer) == digest()


def test_small_fills_and_forked_children_are_serial(monkeypatch):
    assert threads.enter_parallel(threads.PARALLEL_FROM - 1) is None
    monkeypatch.setattr(threads, "_forked", True)
    assert threads.enter_parallel(1 << 30) is None


@pytest.mark.parametrize("layer", ["workqueue", None])
def test_one_at_a_time_where_two_would_abort(monkeypatch, layer):
    monkeypatch.setattr(threads, "_layer", lambda: layer)
    guard = threads.enter_parallel(1 << 30)
    assert guard is not None
    with guard:
        assert threads.enter_parallel(1 << 30) is None
    assert threads.enter_parallel(1 << 30) is not None


@pytest.mark.parametrize("layer", ["omp", "tbb"])
def test_many_at_a_time_where_they_may(monkeypatch, layer):
    monkeypatch.setattr(threads, "_layer", lambda: layer)
    with threads.enter_parallel(1 << 30), threads.enter_parallel(1 << 30):
        assert threads.enter_parallel(1 << 30) is not None


@pytest.mark.parametrize("layer", ["no such layer", "tbb"])
def test_a_layer_that_is_not_there(layer):
    """Numba's own error; the call does not count, nothing is written, and small fills go on."""
    script = """
import numpy as np
import fastinit as fi
rng, out = fi.default_rng(1), np.full(1 << 16, 7, np.float32)
small = rng.normal(size=10)
try:
    rng.normal(out=out)
except ValueError as error:
    assert (out == 7).all() and rng.state["calls"] == 1
    assert rng.normal(size=10).tobytes() != small.tobytes()
    print("refused", error)
else:
    print("there")
"""
    printed = python(script, env={**environment(), "NUMBA_THREADING_LAYER": layer})
    if layer == "tbb" and printed == "there\n":
        pytest.skip("tbb is there")
    assert printed.startswith("refused")
    assert "threading layer" in printed


@pytest.mark.parametrize("count", [1, 1 << 13, (1 << 13) + 1, 1 << 20, 1 << 40])
def test_chunks_are_whole_grains(count):
    chunk = threads.chunk_size(count)
    assert chunk % threads.GRAIN == 0
    assert threads.GRAIN <= chunk <= threads.CHUNK
