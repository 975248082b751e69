"""
A matrix of any size in Dask and Zarr
=====================================

Draw a matrix of any size on a cluster into a Zarr store, band by band: `python examples/dask_zarr.py`.

Without arguments the matrix is small and the cluster is two processes of this machine. On a real cluster:
`python examples/dask_zarr.py --scheduler tcp://head:8786 --store /shared/up.zarr --side 5242880 --chunk 8192 --band 16`
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator

import dask.array as da
import numpy as np
import zarr
from distributed import Client, LocalCluster

import fastinit as fi
import fastinit.dask as fd

NAME = "layers.0.mlp.up"


def draw(store: str, side: int, chunk: int, band: int) -> None:
    """Write a square matrix, `band` rows of chunks at a time, so that a graph holds only the tasks of one band."""
    weights = fd.truncated_normal((side, side), scale=0.02, rng=fi.default_rng(0).child(NAME), chunks=chunk)
    # Random bytes cannot be compressed, and trying would take most of the time.
    target = zarr.create_array(store, shape=weights.shape, chunks=weights.chunksize, dtype=weights.dtype, compressors=None)
    for first in range(0, side, band * chunk):
        rows = slice(first, min(first + band * chunk, side))
        da.store(weights[rows], target, regions=(rows, slice(None)), lock=False)  # no two tasks share a chunk of the store
    print(f"{weights.nbytes / 2**30:.3g} GiB in {weights.npartitions} chunks of {weights.chunksize}")


def check(store: str, side: int) -> bool:
    """Compare the last corner of the store with the same block of the NumPy call."""
    block = fi.default_rng(0).child(NAME).truncated_normal(scale=0.02, size=(side, side), index=np.s_[-3:, -4:])
    return np.array_equal(da.from_zarr(store)[-3:, -4:].compute(), block)


@contextlib.contextmanager
def cluster(scheduler: str | None) -> Iterator[None]:
    """Connect to a scheduler, or start a cluster on this machine."""
    if scheduler:
        with Client(scheduler):
            yield
        return
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local, Client(local):
        yield


def main() -> None:
    """Draw, then check the last corner."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scheduler", help="address; default: two processes here")
    parser.add_argument("--store", help="a directory that all workers see; default: a temporary one")
    parser.add_argument("--side", type=int, default=4000, help="rows and columns (default %(default)s)")
    parser.add_argument("--chunk", type=int, default=1000, help="rows and columns of a chunk (default %(default)s)")
    parser.add_argument("--band", type=int, default=2, help="rows of chunks at a time (default %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, cluster(args.scheduler):
        store = args.store or f"{folder}/weights.zarr"
        draw(store, args.side, args.chunk, args.band)
        same = check(store, args.side)
    print(f"last corner equals the block drawn alone: {same}")
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
