"""The example runs, and prints what its model is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

ROOT = Path(__file__).parents[2]


def test_example():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/torch_model.py")], capture_output=True, text=True, cwd=ROOT, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert [line.split("  ")[0] for line in done.stdout.splitlines()] == [
        "torch",
        "fast_init",
        "deferred and materialize",
        "init.trunc_normal_, 1 weight",
        "layers.3.up.weight",
    ]
    found = re.search(r"deviation (\S+), first (\S+) on every machine", done.stdout)
    assert 0.01 < float(found[1]) < 0.1
    assert 0 < abs(float(found[2])) < 1
