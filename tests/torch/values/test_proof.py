"""Never other values: a kind of fill that differs from torch's is torch's for the rest of the process."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from fastinit.commands.main import main
from fastinit.torch.values import fills, laws, proof, sequence, state
from tests.torch.values.common import assert_as_torch
from tests.torch.values.conftest import serve

ALL = ["float32", "float64", "bfloat16", "float16"]


@pytest.fixture(autouse=True)
def unproven(monkeypatch):
    """No kind has been compared yet, and all fills are made here that can be."""
    serve(monkeypatch)
    proof.proven.cache_clear()
    yield
    proof.proven.cache_clear()


def calls(dtype):
    tensor = torch.empty(140_011, dtype=dtype)
    return [tensor.uniform_().clone(), tensor.normal_().clone(), nn.init.trunc_normal_(tensor)]


def one_bit(fill):
    """Change the last bit of one value."""

    def changed(law, place, out, *parameters):
        after = fill(law, place, out, *parameters)
        out.view(f"u{out.itemsize}")[out.size // 2] ^= 1
        return after

    return changed


def one_word(fill):
    """Use up one word too many."""

    def changed(law, place, out, *parameters):
        after = fill(law, place, out, *parameters)
        after.place = after.place + 1 if after.place < 624 else after.place - 1
        return after

    return changed


@pytest.mark.parametrize("fault", [one_bit, one_word])
@pytest.mark.parametrize("kind", proof.KINDS)
def test_a_kind_that_differs_falls_through(kind, fault, monkeypatch, capsys):
    monkeypatch.setitem(proof.KINDS, kind, proof.KINDS[kind]._replace(make=fault(proof.KINDS[kind].make)))
    for dtype in ALL:
        assert proof.proven(kind, dtype) is None
        assert_as_torch(lambda dtype=dtype: calls(getattr(torch, dtype)))
    assert proof.report()[kind] == []
    assert main(["info", "--torch"]) == 0
    assert f"{kind} (no dtype: torch makes it)" in " ".join(capsys.readouterr().out.split())


def test_a_difference_in_one_dtype_leaves_the_others(monkeypatch):
    fill = fills.normal
    monkeypatch.setitem(
        proof.KINDS,
        "normal",
        proof.KINDS["normal"]._replace(
            make=lambda law, *rest: (one_bit(fill) if law.dtype == "bfloat16" else fill)(law, *rest)
        ),
    )
    assert proof.report()["normal"] == ["float32", "float64", "float16"]
    for dtype in ALL:
        assert_as_torch(lambda dtype=dtype: calls(getattr(torch, dtype)))


def test_two_bytes_follow_float32(monkeypatch):
    """They hide most differences of float32, so a law that is not float32's is not theirs either."""
    fill = fills.uniform
    faulty = lambda law, *rest: (one_bit(fill) if law.dtype == "float32" else fill)(law, *rest)  # noqa: E731
    monkeypatch.setitem(proof.KINDS, "uniform", proof.KINDS["uniform"]._replace(make=faulty))
    assert proof.report()["uniform"] == ["float64"]


def test_a_generator_that_is_laid_out_otherwise_is_torchs(monkeypatch):
    monkeypatch.setattr(state, "SIZE", 5064)
    assert proof.report() == {kind: [] for kind in proof.KINDS}
    assert_as_torch(lambda: calls(torch.float32))


def test_the_comparison_is_torchs_in_any_block(monkeypatch):
    """Also if a block is the first to ask."""
    monkeypatch.setattr(sequence, "LEAST_DOUBLINGS", 0)
    for block in (ft.fast_init(values="torch"), ft.fast_init(rng=0)):
        proof.proven.cache_clear()
        before = torch.get_rng_state()
        with block:
            assert proof.proven("normal", "float32") == laws.normal("float32")
        assert torch.equal(torch.get_rng_state(), before)


CAPABILITY = """
import json, torch
import fastinit.torch as ft
from fastinit.torch.values import proof, scope
from tests.torch.values.test_proof import ALL, calls
from tests.torch.values.common import assert_as_torch
scope.LEAST_DOUBLES, scope.THREADS = 16, 1
for dtype in ALL:
    assert_as_torch(lambda: calls(getattr(torch, dtype)))
print(json.dumps([torch.backends.cpu.get_cpu_capability(), proof.report()]))
"""


@pytest.mark.nightly
@pytest.mark.parametrize("capability", ["default", "avx2", "avx512"])
def test_other_kernels_of_torch(capability):
    """Which kernels torch takes decides the last bits; whatever they are, the values are torch's."""
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    done = subprocess.run([sys.executable, "-c", CAPABILITY], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    used, report = json.loads(done.stdout)
    assert report["uniform"] == ALL
    if used == "DEFAULT":
        assert report["truncated_normal"] == []
    elif used in ("AVX2", "AVX512"):
        assert report["normal"] == ALL
        assert report["truncated_normal"] == ["float32", "bfloat16", "float16"]
