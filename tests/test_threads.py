"""Parallel fills beside forks, other threads and other layers: right values, and nobody killed."""

import os
import subprocess
import sys

import pytest

from fastinit.kernels import threads

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
    env = {**os.environ, "NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "4"}
    done = subprocess.run([sys.executable, "-c", SCRIPT, mode], env=env, capture_output=True, text=True, timeout=300)
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip(f"this Numba has no {layer} layer")
    assert done.returncode == 0, done.stderr
    used, digest = done.stdout.split()
    assert used == layer
    return digest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_fork_before_and_after_use(layer):
    run("fork", layer)


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_eight_threads_fill_at_once(layer):
    assert run("threads", layer) == run("threads", "workqueue")


def test_small_fills_and_forked_children_are_serial(monkeypatch):
    assert threads.enter_parallel(threads.PARALLEL_FROM - 1) is None
    monkeypatch.setattr(threads, "_forked", True)
    assert threads.enter_parallel(1 << 30) is None


@pytest.mark.parametrize("layer", ["workqueue", None])
def test_one_at_a_time_where_two_would_abort(monkeypatch, layer):
    monkeypatch.setattr(threads, "_layer", lambda: layer)
    first = threads.enter_parallel(1 << 30)
    assert first is not None
    assert threads.enter_parallel(1 << 30) is None
    first()
    again = threads.enter_parallel(1 << 30)
    assert again is not None
    again()


@pytest.mark.parametrize("count", [1, 1 << 13, (1 << 13) + 1, 1 << 20, 1 << 40])
def test_chunks_are_whole_grains(count):
    chunk = threads.chunk_size(count)
    assert chunk % threads.GRAIN == 0
    assert threads.GRAIN <= chunk <= threads.CHUNK
