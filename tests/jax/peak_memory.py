"""How much the peak of a process's memory grows by for one sharded array: run as a script by `test_sharded.py`.

Takes a partition over a mesh of 2 x 4 devices, as `x,y`, `x`, or `-` for none; prints bytes.
"""

import resource
import sys

import pytest

pytest.importorskip("jax", reason="needs JAX")

import jax
from jax.sharding import NamedSharding, PartitionSpec

import fastinit.jax as fj

SHAPE = (8192, 4096)


def peak():
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main():
    axes = [] if sys.argv[1] == "-" else sys.argv[1].split(",")
    sharding = NamedSharding(jax.make_mesh((2, 4), ("x", "y")), PartitionSpec(*axes))
    fj.normal((512, 4096), rng=0, sharding=sharding)  # compiles
    before = peak()
    array = jax.block_until_ready(fj.normal(SHAPE, rng=0, sharding=sharding))
    print(peak() - before, array.nbytes)


if __name__ == "__main__":
    main()
