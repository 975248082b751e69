"""
Compare samplers
================

Is a sampler right, and how fast is it? ``assert_law`` answers the first question in a test of your own, ``fastinit check`` and
``fastinit bench`` answer both for all libraries that are installed. The samples are small here; ``COUNT`` is the number to
change.
"""

# %%
# A test of values
# ----------------
# ``assert_law`` takes an array, or a function that draws values, and the law that they should follow. It returns nothing if
# they do.

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

import fastinit as fi
from fastinit.check import assert_law

COUNT = 2**17

rng = np.random.default_rng(0)
assert_law(fi.default_rng(0).normal(0, 0.02, size=COUNT), fi.laws.normal(0, 0.02))
assert_law(lambda count: rng.gamma(2.5, size=count), stats.gamma(2.5), size=COUNT)

# %%
# A sampler that is wrong
# -----------------------
# Many programs truncate a normal law by clipping. Mean and shape look right, but values pile up at the bounds. The error says
# what failed, and shows where:


def clipped(count):
    """Normal values, clipped at two deviations."""
    return rng.standard_normal(count, np.float32).clip(-2, 2)


try:
    assert_law(clipped, fi.laws.truncated_normal(-2, 2), size=COUNT)
except AssertionError as error:
    print(error)

# %%
# The same tests for every library
# --------------------------------
# ``fastinit check`` runs these tests for fastinit or, with ``--sampler``, for other libraries. It ends with a verdict.

options = ["--dist", "normal", "--dtype", "float32", "--samples", str(COUNT)]
command = [sys.executable, "-m", "fastinit", "check", *options]
print(subprocess.run([*command, "--sampler", "numpy"], check=True, capture_output=True, text=True).stdout)

# %%
# Speed
# -----
# ``fastinit bench`` times the samplers in turns, in one process each, beside a store of a constant, which is
# about the fastest that memory allows. Few values and rounds serve a first look only.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "bench.json")
    options = ["--dist", "normal", "--peers", "numpy", "--size", "2**20", "--rounds", "3", "--json", str(path)]
    subprocess.run([sys.executable, "-m", "fastinit", "bench", *options], check=True, capture_output=True)
    table = json.loads(path.read_text())["tables"][0]

figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
rows = [row for row in table["rows"] if row.get("median_seconds")]
colours = ["#0072b2" if row["library"] == "fastinit" else "#b9c0c7" for row in rows]
times = [row["median_seconds"] / row["values"] * 1e9 for row in rows]
drawn = axes.barh([row["sampler"] for row in rows], times, color=colours)
axes.bar_label(drawn, fmt="%.2f", padding=4)
axes.invert_yaxis()
axes.set(xlabel="ns a value, normal law")
plt.show()
