"""Dask's threads and Numba's: a chunk in a worker's thread is filled by that thread alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask.array", reason="needs dask.array")

import dask
import dask.array as da
import numba

import fastinit as fi
from fastinit.dask import threads

ROOT = Path(fi.__file__).parents[1]

MANY = """
import sys, psutil, numba, dask, fastinit as fi, fastinit.dask as fd
from fastinit.kernels import threads
shape = (64, 1 << 16)
lazy = fd.normal(shape, rng=0, chunks=(4, 1 << 16))
with dask.config.set(scheduler="threads", num_workers=4):
    found = lazy.compute()
used = psutil.Process().num_threads()
assert numba.get_num_threads() == 8
assert found.tobytes() == fi.default_rng(0).normal(size=shape).tobytes()
print(used, numba.threading_layer())
"""


@pytest.mark.parametrize("layer", ["default", "workqueue", "omp"])
def test_tasks_do_not_start_threads_of_their_own(layer):
    """Four tasks at once, eight threads of Numba: teams of their own would be 28 more threads, workqueue's are a pool of 8."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "8", "NUMBA_THREADING_LAYER": layer}
    done = subprocess.run([sys.executable, "-c", MANY], env=env, capture_output=True, text=True)
    if "threading layer" in done.stderr and layer == "omp":
        pytest.skip("this Numba has no omp layer")
    assert done.returncode == 0, done.stderr
    bound = 8 + 4 + 4  # Numba's, Dask's, and what imports start
    assert int(done.stdout.split()[0]) < bound + 5


def test_a_worker_s_thread_fills_alone_and_the_main_thread_with_all():
    def inside():
        with threads.share():
            return numba.get_num_threads()

    everywhere = numba.get_num_threads()
    assert inside() == everywhere
    alone = da.map_blocks(lambda block: block + inside(), da.zeros(6, chunks=1, dtype=int))
    after = da.map_blocks(lambda block: block + numba.get_num_threads(), alone)
    with dask.config.set(scheduler="threads"):
        assert alone.compute().tolist() == [1] * 6
        assert (after.compute() - 1 == numba.config.NUMBA_NUM_THREADS).all()
    assert numba.get_num_threads() == everywhere
