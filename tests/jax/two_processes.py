"""One of two processes of a JAX cluster with four devices each: run as a script by `test_sharded.py`.

Takes the coordinator's address and the number of this process; prints "as one" if all is right.
"""

import sys

import pytest

pytest.importorskip("jax", reason="needs JAX")

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import fastinit as fi
import fastinit.jax as fj

SHAPE = (16, 8)


def main():
    address, number = sys.argv[1], int(sys.argv[2])
    jax.distributed.initialize(address, num_processes=2, process_id=number)
    devices = np.array(jax.devices())
    assert (len(devices), jax.process_count(), len(jax.local_devices())) == (8, 2, 4)
    rng, own = fi.default_rng(1), fi.default_rng(1)
    for mesh, partition in (((8,), P("x")), ((8,), P()), ((2, 4), P(None, "y")), ((4, 2), P("x", "y"))):
        where = NamedSharding(Mesh(devices.reshape(mesh), ("x", "y")[: len(mesh)]), partition)
        array, expected = fj.normal(SHAPE, rng=rng, sharding=where), own.normal(size=SHAPE)
        assert len(array.addressable_shards) == 4
        assert all(np.array_equal(shard.data, expected[shard.index]) for shard in array.addressable_shards)
        with pytest.raises(ValueError, match="the same in every process"):
            fj.normal(SHAPE, sharding=where)
    others = NamedSharding(Mesh(devices[:4], ("x",)), P("x"))  # of the first process alone
    array = fj.normal(SHAPE, rng=rng, sharding=others)
    assert len(array.addressable_shards) == (4 if number == 0 else 0)
    own.normal()
    assert rng.state == own.state, "a process without blocks takes the call too"
    with pytest.raises(ValueError, match="scale"):
        fj.normal(SHAPE, scale=-1, rng=rng, sharding=others)
    assert rng.state == own.state
    print("as one")


if __name__ == "__main__":
    main()
