"""
Sharded weights in JAX
======================

Weights sharded over all devices; each device's block is generated alone: `python examples/jax_sharded.py [width]`.

For eight devices without an accelerator: XLA_FLAGS=--xla_force_host_platform_device_count=8 python examples/jax_sharded.py
"""

import sys

import jax
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

import fastinit as fi
import fastinit.jax as fj


def main(width: int = 4096) -> None:
    mesh = jax.make_mesh((len(jax.devices()),), ("model",))
    columns, rows = NamedSharding(mesh, P(None, "model")), NamedSharding(mesh, P("model"))
    rng = fi.default_rng(0)

    up = fj.truncated_normal((width, 4 * width), scale=0.02, rng=rng.child("up"), sharding=columns, dtype="bfloat16")
    down = fj.residual_normal((4 * width, width), n_layers=24, rng=rng.child("down"), sharding=rows, dtype="bfloat16")
    for name, weight in (("up", up), ("down", down)):
        block = weight.addressable_shards[0].data
        print(f"{name:<5}{weight.shape} as {len(weight.addressable_shards)} blocks of {block.shape}")

    whole = fi.initializers.truncated_normal(up.shape, scale=0.02, rng=rng.child("up"), dtype="bfloat16")
    print("same bytes as NumPy:", bool((np.asarray(up) == whole).all()))

    init = fj.initializers.lecun_normal()  # JAX's arguments and distribution, for Flax
    print("lecun_normal deviation:", float(init(jax.random.key(0), (width, width)).std()), "of", width**-0.5)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
