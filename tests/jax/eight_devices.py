"""What `test_sharded.py` has checked on eight devices: run as a script, with XLA_FLAGS set before JAX is imported.

Prints a JSON object: for each case an empty string, or what went wrong.
"""

import json
import sys
import traceback

import pytest

pytest.importorskip("jax", reason="needs JAX")

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, SingleDeviceSharding
from jax.sharding import PartitionSpec as P

import fastinit as fi
import fastinit.jax as fj
from fastinit import initializers
from fastinit.arguments import dtypes
from fastinit.jax import arrays
from tests.initializers.table import CALLS, RANDOM

SHAPE = (24, 16)
LINE, GRID = (8,), (2, 4)
#: Mesh, partition, number of different blocks.
LAYOUTS = [
    (LINE, P("x"), 8),
    (LINE, P(None, "x"), 8),
    (LINE, P(), 1),
    (GRID, P("x", "y"), 8),
    (GRID, P("y", "x"), 8),
    (GRID, P(("x", "y")), 8),
    (GRID, P(None, ("y", "x")), 8),
    (GRID, P("x"), 2),
    (GRID, P(None, "y"), 4),
    (GRID, P(), 1),
    ((2, 2, 2), P("z", "x"), 4),
]


def sharding(mesh, partition, **more):
    names = ("x", "y", "z")[: len(mesh)]
    return NamedSharding(jax.make_mesh(mesh, names, axis_types=(AxisType.Auto,) * len(names)), partition, **more)


def same(array, expected, where):
    """Check an array's sharding, and that each shard has the bytes of its block."""
    assert array.sharding == where
    assert array.shape == expected.shape
    assert array.dtype == expected.dtype
    assert len(array.addressable_shards) == 8
    for shard in array.addressable_shards:
        assert np.asarray(shard.data).tobytes() == expected[shard.index].tobytes(), (where, shard.index)


def with_watched_memory(call):
    """The result of the call, and the shapes of the blocks that it allocated."""
    taken, usual = [], arrays._memory
    arrays._memory = lambda shape, dtype: taken.append(shape) or usual(shape, dtype)
    try:
        return call(), taken
    finally:
        arrays._memory = usual


def samplers():
    calls = {
        "uniform": {"low": -1.5, "high": 2.5},
        "normal": {"loc": 0.5, "scale": 2.0},
        "truncated_normal": {"loc": 0.5, "scale": 2.0, "a": -1.0, "b": 3.0},
    }
    for mesh, partition, _ in LAYOUTS:
        where = sharding(mesh, partition)
        for name, arguments in calls.items():
            same(
                getattr(fj, name)(SHAPE, **arguments, rng=3, sharding=where),
                getattr(initializers, name)(SHAPE, **arguments, rng=3),
                where,
            )
        same(fj.bits(SHAPE, rng=3, sharding=where), fi.default_rng(3).bits(SHAPE), where)


def dtypes_():
    where = sharding(GRID, P("y", "x"))
    for real in dtypes.REALS.values():
        with jax.enable_x64(real.name == "float64"):
            same(
                fj.normal(SHAPE, rng=3, dtype=real.dtype, sharding=where),
                fi.default_rng(3).normal(size=SHAPE, dtype=real.dtype),
                where,
            )


def initialisers():
    for name, (shape, keywords) in CALLS.items():
        for mesh, partition in ((GRID, P("y", "x")), (LINE, P()), (GRID, P("y"))):
            where = sharding(mesh, partition)
            rng, own = fi.default_rng(5), fi.default_rng(5)
            array = getattr(fj, name)(shape, **keywords, rng=rng, sharding=where)
            same(array, getattr(initializers, name)(shape, **keywords, rng=own), where)
            assert rng.state == own.state, name
            assert rng.state["calls"] == int(name in RANDOM), name


def keys():
    where = sharding(GRID, P("x"))
    key = jax.random.key(9)
    expected = fj.generator_from_key(key).normal(size=SHAPE)
    same(fj.normal(SHAPE, rng=key, sharding=where), expected, where)
    same(fj.initializers.normal(1.0)(key, SHAPE, out_sharding=where), expected, where)


def blocks():
    """Only blocks are allocated, each once, however many devices hold it."""
    for mesh, partition, number in LAYOUTS:
        where = sharding(mesh, partition)
        _, taken = with_watched_memory(lambda where=where: fj.normal(SHAPE, rng=0, sharding=where))
        assert taken == [where.shard_shape(SHAPE)] * number, (mesh, partition, taken)
    _, taken = with_watched_memory(lambda: fj.orthogonal(SHAPE, rng=0, sharding=sharding(LINE, P("x"))))
    assert taken == [(3, 16)] * 8


def odd_shapes():
    for shape, partition in (((0, 8), P("x")), ((8, 0), P("x")), ((), P()), ((8,), P("x")), ((1, 1, 8, 1), P(None, None, "x"))):
        where = sharding(LINE, partition)
        same(fj.normal(shape, rng=0, sharding=where), np.asarray(fi.default_rng(0).normal(size=shape)), where)


def memory_kinds():
    for kind in {memory.kind for memory in jax.devices()[0].addressable_memories()}:
        for partition in (P("x"), P()):
            where = sharding(LINE, partition, memory_kind=kind)
            array = fj.normal(SHAPE, rng=0, sharding=where)
            same(array, fi.default_rng(0).normal(size=SHAPE), where)
            assert {shard.data.sharding.memory_kind for shard in array.addressable_shards} == {kind}


def other_shardings():
    device = jax.devices()[5]
    array = fj.normal(SHAPE, rng=0, sharding=SingleDeviceSharding(device))
    assert array.devices() == {device}
    assert np.array_equal(array, fi.default_rng(0).normal(size=SHAPE))
    some = jax.sharding.Mesh(np.array(jax.devices()[2:5]), ("x",))
    array = fj.normal(SHAPE, rng=0, sharding=NamedSharding(some, P("x")))
    assert array.devices() == set(jax.devices()[2:5])
    assert np.array_equal(array, fi.default_rng(0).normal(size=SHAPE))


def default_device():
    array = fj.normal(SHAPE, rng=0)
    assert (array.devices(), array.committed) == ({jax.devices()[0]}, False)
    with jax.default_device(jax.devices()[3]):
        assert fj.normal(SHAPE, rng=0).devices() == {jax.devices()[3]}


def mesh_in_force():
    for kind in (AxisType.Auto, AxisType.Explicit):
        mesh = jax.make_mesh(GRID, ("x", "y"), axis_types=(kind,) * 2)
        where = NamedSharding(mesh, P("y"))
        with jax.set_mesh(mesh):
            same(fj.normal(SHAPE, rng=0, sharding=P("y")), fi.default_rng(0).normal(size=SHAPE), where)
            init = fj.initializers.he_normal()
            assert init(jax.random.key(0), SHAPE, out_sharding=P("y")).sharding == where
            assert jax.eval_shape(lambda: init(jax.random.key(0), SHAPE, out_sharding=P("y"))).shape == SHAPE  # noqa: B023


def donation():
    """Devices of one host may share a block's memory, so a program must not write into a donated block."""
    where = sharding(LINE, P())
    first, second = (fj.normal(SHAPE, rng=0, sharding=where) for _ in range(2))
    expected = np.array(first)
    parts = [shard.data for shard in first.addressable_shards]
    doubled = jax.jit(lambda x: 2 * x, donate_argnums=0)(parts[0])
    assert np.array_equal(doubled, 2 * expected)
    assert all(np.array_equal(part, expected) for part in parts[1:])
    doubled = jax.jit(lambda x: 2 * x, donate_argnums=0)(second)
    assert all(np.array_equal(shard.data, 2 * expected) for shard in doubled.addressable_shards)


def refusals():
    where = sharding(LINE, P("x"))
    calls = [
        (ValueError, "cut each evenly", {"shape": (9, 8), "sharding": where}),
        (ValueError, "no more axes than shape", {"shape": (), "sharding": where}),
        (ValueError, "jax.set_mesh has set no mesh", {"shape": SHAPE, "sharding": P("x")}),
        (ValueError, "mesh of devices", {"shape": SHAPE, "sharding": NamedSharding(where.mesh.abstract_mesh, P("x"))}),
        (TypeError, "sharding must be a jax.sharding.Sharding", {"shape": SHAPE, "sharding": "x"}),
        (TypeError, "sharding must be a jax.sharding.Sharding", {"shape": SHAPE, "sharding": where.mesh}),
        (ValueError, "scale must be at least 0", {"shape": SHAPE, "scale": -1, "sharding": where}),
    ]
    for kind, words, keywords in calls:
        rng = fi.default_rng(0)
        with pytest.raises(kind, match=words):
            fj.normal(**keywords, rng=rng)
        assert rng.state["calls"] == 0, keywords


_ARRAYS = (samplers, dtypes_, initialisers, keys, odd_shapes)
_DEVICES = (blocks, memory_kinds, other_shardings, default_device, mesh_in_force, donation, refusals)
CASES = {case.__name__: case for case in (*_ARRAYS, *_DEVICES)}


def main():
    assert len(jax.devices()) == 8
    found = {}
    for name, case in CASES.items():
        try:
            case()
            found[name] = ""
        except Exception:
            found[name] = traceback.format_exc()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
