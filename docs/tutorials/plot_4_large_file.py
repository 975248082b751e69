"""
A file larger than memory
=========================

Three ways to write random weights to the disk that need a few MiB of memory, whatever the size of the file: a command, an array
of NumPy that is mapped to a file, and a model as safetensors. The files are small here; ``ROWS`` is the number to change.
"""

# %%
# The command
# -----------
# ``fastinit fill`` writes a ``.npy`` file under a temporary name, and renames it when it is complete. In a shell it is
# ``fastinit fill up.npy --shape 2Ki,4Ki --dist normal --scale 0.02 --seed 0 --name up``.

import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import fastinit as fi
from fastinit.safetensors import fill

ROWS, COLUMNS = 2**11, 2**12
folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "up.npy")
arguments = ["--shape", f"{ROWS},{COLUMNS}", "--dist", "normal", "--scale", "0.02", "--seed", "0", "--name", "up"]
subprocess.run([sys.executable, "-m", "fastinit", "fill", path, *arguments], check=True, capture_output=True)
print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")

# %%
# A mapped array
# --------------
# The file may be read in parts, and any part can be compared with the values that it must have.

stored = np.load(path, mmap_mode="r")
rows = np.s_[1500:1502]
expected = fi.default_rng(0).child("up").normal(0, 0.02, size=stored.shape, index=rows)
assert np.array_equal(stored[rows], expected)

# %%
# ``out=`` takes a mapped array too, so a program can write a file without the command, a part at a time if it likes:

mapped = np.lib.format.open_memmap(Path(folder.name, "down.npy"), "w+", np.float32, (ROWS, COLUMNS))
for first in range(0, ROWS, 512):
    part = np.s_[first : first + 512]
    fi.default_rng(0).child("down").normal(0, 0.02, size=mapped.shape, index=part, out=mapped[part])
mapped.flush()
assert np.array_equal(mapped[-1], fi.default_rng(0).child("down").normal(0, 0.02, size=mapped.shape, index=-1))

# %%
# A model as safetensors
# ----------------------
# A specification names the tensors; rules say how each is filled. ``like=`` takes names and shapes from a file that exists.
# With ``max_shard_size`` the model is split into several files, with an index.

spec = {
    "dtype": "bfloat16",
    "tensors": {f"layers.{k}.{name}": {"shape": [512, 1024]} for k in range(6) for name in ("up.weight", "down.weight")},
    "rules": {"*.down.weight": "residual_normal(n_layers=6)"},
    "default": "truncated_normal(scale=0.02)",
}
written = fill(Path(folder.name, "model.safetensors"), spec, seed=0, max_shard_size="4MiB")
for file in written.files:
    print(f"{file.name:<36}{file.stat().st_size:>10,} bytes")

# %%
# Memory
# ------
# ``tracemalloc`` counts what Python and NumPy allocate. A fill of a mapped file needs next to nothing, however large the file
# is. A new array needs its own size.


def peak(fill, rows):
    """The most memory that the fill allocates, in MiB."""
    tracemalloc.start()
    fill((rows, COLUMNS))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def to_file(shape):
    target = np.lib.format.open_memmap(Path(folder.name, "grows.npy"), "w+", np.float32, shape)
    fi.default_rng(0).normal(size=shape, out=target)


def to_memory(shape):
    fi.default_rng(0).normal(size=shape)


sizes = [256, 512, 1024, 2048]
megabytes = [rows * COLUMNS * 4 / 2**20 for rows in sizes]
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(megabytes, [peak(to_memory, rows) for rows in sizes], "s--", color="#d55e00", label="a new array")
axes.plot(megabytes, [peak(to_file, rows) for rows in sizes], "o-", color="#0072b2", label="a mapped file")
axes.set(xlabel="MiB written", ylabel="MiB allocated")
axes.legend()
plt.show()

folder.cleanup()
