"""In a process that flushes subnormal numbers to 0, as torch can make it, bounds among them are taken for normal ones."""

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

PROGRAM = """
import numpy as np, torch
import fastinit as fi
torch.set_flush_denormal(True)
for dtype, low in (("float32", 1e-40), ("bfloat16", 1e-40), ("float64", 1e-310)):
    x = fi.default_rng(0).uniform(low, 1, size=1000, dtype=dtype).astype(np.float64)
    assert 0 <= x.min() and x.max() < 1 and abs(x.mean() - 0.5) < 0.05, (dtype, x.min(), x.max())
print("done")
"""


def test_bounds_among_subnormal_numbers():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.stdout == "done\n", done.stderr
