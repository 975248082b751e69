"""Dask's threads and fastinit's: a worker's thread fills its chunk alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask.array", reason="needs dask.array")

import dask
import dask.array as da

import fastinit as fi
from fastinit.dask import threads
from fastinit.kernels import cpus

ROOT = Path(fi.__file__).parents[1]

MANY = """
import threading, dask, fastinit as fi, fastinit.dask as fd
from fastinit.kernels import cpus
shape = (64, 1 << 16)
lazy = fd.normal(shape, rng=0, chunks=(4, 1 << 16))
with dask.config.set(scheduler="threads", num_workers=4):
    found = lazy.compute()
assert not [thread for thread in threading.enumerate() if thread.name == "fastinit"]
assert cpus.allowed() == 8
assert found.tobytes() == fi.default_rng(0).normal(size=shape).tobytes()
print("done")
"""


def test_tasks_start_no_threads_of_their_own():
    """With four tasks at once and eight threads allowed, no helper thread starts."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "8"}
    done = subprocess.run([sys.executable, "-c", MANY], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_worker_s_thread_fills_alone_and_the_main_thread_with_all(monkeypatch):
    monkeypatch.setattr(cpus, "usual", lambda: 6)
    everywhere = cpus.allowed()

    def inside():
        with threads.share():
            return cpus.allowed()

    assert inside() == everywhere
    alone = da.map_blocks(lambda block: block + inside(), da.zeros(6, chunks=1, dtype=int))
    after = da.map_blocks(lambda block: block + cpus.allowed(), alone)
    with dask.config.set(scheduler="threads"):
        assert alone.compute().tolist() == [1] * 6
        assert (after.compute() - 1 == everywhere).all()
    assert cpus.allowed() == everywhere
