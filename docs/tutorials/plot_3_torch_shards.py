"""
Shards
======

A weight that is spread over several processes has the same bytes for any number of processes, because each draws its own part
of the whole. Nothing is sent, and no process holds more than its part.
"""

# %%
# Plain shards
# ------------
# Each of three ranks draws its rows. ``size`` is the shape of the whole, and ``index`` the part of this rank; the last one has
# fewer rows here. In a real job the loop is the ranks themselves.

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.tensor import Shard, empty

import fastinit as fi
import fastinit.torch as ft

SHAPE, NAME = (1000, 768), "decoder.up.weight"


def draw(index, **options):
    """A part of the weight."""
    return fi.default_rng(0).child(NAME).normal(0, 0.02, size=SHAPE, index=index, **options)


def bounds(length, world):
    """The first place of each rank, and the end."""
    step = -(-length // world)
    return [min(rank * step, length) for rank in range(world + 1)]


whole = draw(...)
rows = bounds(SHAPE[0], 3)
shards = [draw(np.s_[first:last]) for first, last in pairwise(rows)]
assert np.concatenate(shards).tobytes() == whole.tobytes()
print([shard.shape for shard in shards])

# %%
# Blocks of a mesh of processes, and rows that are dealt out like cards, are drawn the same way:

columns = bounds(SHAPE[1], 2)
blocks = [[draw(np.s_[a:b, c:d]) for c, d in pairwise(columns)] for a, b in pairwise(rows)]
assert np.block(blocks).tobytes() == whole.tobytes()
assert all(draw(np.s_[rank::5]).tobytes() == whole[rank::5].tobytes() for rank in range(5))

# %%
# 16-bit dtypes keep the promise too: a value is the float32 value, rounded, whoever makes it.

assert draw(np.s_[300:], dtype="bfloat16").tobytes() == draw(..., dtype="bfloat16")[300:].tobytes()

# %%
# DTensor
# -------
# ``fastinit.torch`` does the same with DTensors, also behind ``fully_shard`` and ``parallelize_module``: each rank fills its
# own part. This page has one process, so the mesh has one rank; with ``torchrun`` the code stays the same.

dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
mesh = dist.init_device_mesh("cpu", (1,))
tensor = empty(*SHAPE, device_mesh=mesh, placements=[Shard(0)])
ft.init.normal_(tensor, 0, 0.02, generator=fi.default_rng(0).child(NAME))
assert torch.equal(tensor.full_tensor(), torch.from_numpy(whole))
print(tensor.placements, "the bytes of the NumPy call")
dist.destroy_process_group()

# %%
# One picture of all parts
# ------------------------
# The frames are the six blocks, each drawn alone. No border can be seen in the values, because there is none.

figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
axes.imshow(np.block(blocks)[::12, ::12], cmap="cividis", extent=(0, SHAPE[1], SHAPE[0], 0), aspect="auto")
axes.hlines(rows[1:-1], 0, SHAPE[1], color="white", linewidth=2)
axes.vlines(columns[1:-1], 0, SHAPE[0], color="white", linewidth=2)
for rank in range(6):
    x, y = columns[rank % 2] + 30, rows[rank // 2] + 60
    axes.text(x, y, f"rank {rank}", color="black", backgroundcolor="white")
axes.set(xlabel="column", ylabel="row", title="a weight that six ranks drew")
plt.show()
