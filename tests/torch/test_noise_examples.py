"""The examples that train without gradients: what they reach, the memory that a step needs, the same weights each time."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["mezo", "evolution"])
def test_the_network_learns_and_memory_stays(name):
    done = subprocess.run([sys.executable, str(EXAMPLES / f"{name}.py")], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    before, after = (float(found) for found in re.findall(r"(?:before|after) +([\d.]+)%", done.stdout))
    assert before < 20
    assert after > 90
    if Path("/proc/self/status").exists():
        more, weights = map(float, re.search(r"memory +\+([\d.]+) MiB .* of (\d+) MiB", done.stdout).groups())
        assert weights > 64
        assert more < 8, "no temporary as large as the weights"


@pytest.mark.parametrize(("name", "length"), [("mezo", "STEPS"), ("evolution", "GENERATIONS")])
def test_training_is_deterministic(monkeypatch, name, length):
    monkeypatch.syspath_prepend(EXAMPLES)
    for module in ("digits", name):
        monkeypatch.delitem(sys.modules, module, raising=False)
    example, digits = importlib.import_module(name), importlib.import_module("digits")
    monkeypatch.setattr(example, length, 3)
    models = [digits.network() for _ in range(3)]
    for model in models[:2]:
        example.train(model, digits.examples(1000, seed=1))
    assert torch.equal(models[0][0].weight, models[1][0].weight)
    assert not torch.equal(models[0][0].weight, models[2][0].weight)
