"""
A model in PyTorch
==================

Three ways to start a model of PyTorch: run its constructor with fast fills, run it without memory and fill it later, or get the
values that torch itself would make.
"""

# %%
# The model
# ---------
# Any module serves. This one has 13 million parameters, and a rule of its own.

import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft


class Model(nn.Module):
    """An embedding and some layers of a transformer."""

    def __init__(self, width: int = 512, layers: int = 4) -> None:
        super().__init__()
        self.embed = nn.Embedding(1000, width)
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(width, 8, batch_first=True) for _ in range(layers))
        nn.init.trunc_normal_(self.embed.weight, std=0.02)


times = {}
start = time.perf_counter()
Model()
times["torch"] = time.perf_counter() - start

# %%
# The constructor, with fast fills
# --------------------------------
# In the block, random fills of tensors in memory come from fastinit, whichever code calls for them. The distributions are those
# that the constructor asks for. The n-th fill takes call n of the Generator, so the same constructor gives the same model.

with ft.fast_init(rng=1):
    Model(width=64)  # compiles, the first time on a machine

start = time.perf_counter()
with ft.fast_init(rng=0):
    model = Model()
times["fast_init"] = time.perf_counter() - start
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

# %%
# Without memory, then filled
# ---------------------------
# In a ``deferred`` block the tensors have no memory, so here the model may be sharded or converted. ``materialize`` then makes
# each value where it belongs. A value depends on the seed and on the name of its parameter.

start = time.perf_counter()
with ft.deferred(rng=0):
    model = Model()
print(model.embed.weight.device)
model, report = ft.materialize(model, report=True)
times["deferred and\nmaterialize"] = time.perf_counter() - start
print("embed.weight:", report["embed.weight"])

law = fi.laws.truncated_normal(-2, 2, scale=0.02, units="absolute")  # torch's bounds are values, -2 and 2
alone = fi.default_rng(0).child("embed.weight").draw(law, size=(1000, 512))
print("difference from the weight drawn alone:", np.abs(alone - model.embed.weight.detach().numpy()).max())

# %%
# torch's own values
# ------------------
# A golden loss or the seed of a paper may depend on the values of torch. ``values="torch"`` makes them, bit for bit, and leaves
# the state of torch's generator as torch would.

torch.manual_seed(0)
plain = Model()
torch.manual_seed(0)
start = time.perf_counter()
with ft.fast_init(values="torch"):
    model = Model()
times['values="torch"'] = time.perf_counter() - start
assert all(torch.equal(x, y) for x, y in zip(plain.parameters(), model.parameters(), strict=True))
print("every parameter has the bits that torch gives it")

# %%
# How long it took
# ----------------
# The model is small, so Python's own time counts too. Larger models gain more: `torch.md` has figures.

figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
bars = axes.barh(list(times), list(times.values()), color=["#b9c0c7", *["#0072b2"] * (len(times) - 1)])
axes.bar_label(bars, [f"{seconds:.2f} s" for seconds in times.values()], padding=4)
axes.invert_yaxis()
axes.set(xlabel="seconds", xlim=(0, 1.2 * max(times.values())))
plt.show()
