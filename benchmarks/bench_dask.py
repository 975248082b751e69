"""Dask over four processes beside the threads of one process: the same chunks, each read where it was drawn."""

import math
from importlib.util import find_spec

import numpy as np

import fastinit as fi
from benchmarks.measure import FEW_ROUNDS, VALUES, Missing, ratio, timed_rounds

WORKERS = 4 if VALUES > 2**20 else 2
TOTAL = 16 * VALUES  # 4 GiB of float32
CHUNK = max(VALUES // 2, 1)  # 128 MiB, what Dask cuts by itself


def cluster_of(workers):
    """A client of so many processes with one thread each, on this machine; `shut` ends it."""
    if find_spec("distributed") is None:
        raise Missing("dask.distributed is not installed")
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0)
    return Client(cluster)


def shut(client):
    """End the client and its processes."""
    cluster = client.cluster
    client.close()
    cluster.close()


def last(chunk):
    """All that is left of a chunk: one value, in memory of its own."""
    return np.array(chunk[-1:])


def dask_call(law, total=TOTAL, chunk=CHUNK, dtype="float32"):
    """Draw an array in the workers of the client that is current, and fetch each chunk's last value."""
    import fastinit.dask as fd

    lazy = getattr(fd, law)(total, rng=0, chunks=chunk, dtype=dtype)
    ends = lazy.map_blocks(last, chunks=((1,) * lazy.npartitions,), dtype=lazy.dtype)
    return ends.compute


def threads_call(law, total=TOTAL, chunk=CHUNK, dtype="float32"):
    """The same in this process: the chunks one after the other, each by all threads."""

    def draw():
        begins = range(0, total, chunk)
        draws = (getattr(fi.default_rng(0), law) for _ in begins)  # the first call for each chunk: one array
        return np.concatenate(
            [last(d(size=total, index=slice(at, at + chunk), dtype=dtype)) for d, at in zip(draws, begins, strict=True)]
        )

    return draw


class Dask:
    version = "1"
    timeout = 1200
    params = ("uniform", "normal")  # the fastest, where Dask's own time weighs most, and the usual one
    param_names = ("law",)
    unit = "times the threads of one process"

    def setup(self, law):
        self.client = cluster_of(WORKERS)
        self.calls = {"threads": threads_call(law), "dask": dask_call(law)}
        self.ends = {name: call() for name, call in self.calls.items()}
        assert len(self.ends["dask"]) == math.ceil(TOTAL / CHUNK)
        assert np.array_equal(self.ends["dask"], self.ends["threads"])

    def teardown(self, law):
        shut(self.client)

    def track_ratio_to_threads(self, law):
        return ratio(timed_rounds(self.calls, FEW_ROUNDS, pause=0.1), "dask", "threads")
