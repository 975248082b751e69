"""Huge pages are asked for in fresh memory of large tensors, and only there; threads are as many as torch has."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from fastinit.kernels import cpus, threads
from fastinit.torch.filling import pages
from tests.torch.common import on_meta

MIB = 1 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="huge pages are asked for on Linux")


@pytest.fixture
def asked(monkeypatch):
    """The memory for which huge pages are asked for."""
    found = []
    monkeypatch.setattr(pages, "_advise", lambda: lambda *arguments: found.append(arguments))
    return found


FILLS = {
    "init": lambda tensor: ft.init.normal_(tensor, generator=0),
    "orthogonal": lambda tensor: ft.init.orthogonal_(tensor.view(4, -1), generator=0),
    "fast_init": lambda tensor: in_block(tensor),
}


def in_block(tensor):
    with ft.fast_init(rng=0):
        tensor.uniform_(-3, 3)


@pytest.mark.parametrize("name", FILLS)
def test_large_tensors_ask_for_whole_pages_inside(asked, name):
    tensor = torch.empty(9 * MIB // 4)
    FILLS[name](tensor)
    ((begin, size, advice),) = asked
    assert begin % (2 * MIB) == 0
    assert size % (2 * MIB) == 0
    assert advice == 14
    assert tensor.data_ptr() <= begin
    assert begin + size <= tensor.data_ptr() + tensor.nbytes
    assert size > tensor.nbytes - 4 * MIB


def test_materialize_asks(asked):
    ft.materialize(on_meta(lambda: nn.Linear(1024, 2304)))
    assert len(asked) == 1


def test_strided_tensors_ask_for_what_they_reach(asked):
    tensor = torch.empty(3000, 1000)
    ft.init.normal_(tensor.T, generator=0)
    ft.init.normal_(tensor[:, ::2], generator=0)
    assert len(asked) == 2
    for begin, size, _ in asked:
        assert tensor.data_ptr() <= begin < begin + size <= tensor.data_ptr() + tensor.nbytes


def test_nobody_asks_for_small_or_foreign_memory(asked, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(8 * MIB))
    tensors = {
        "small": torch.empty(4 * MIB // 4 - 1),
        "shared": torch.empty(2 * MIB).share_memory_(),
        "file": torch.from_file(str(path), shared=True, size=2 * MIB),
        "numpy": torch.from_numpy(np.empty(2 * MIB, np.float32)),
    }
    for name, tensor in tensors.items():
        ft.init.normal_(tensor, generator=0)
        assert asked == [], name


@linux
def test_the_environment_can_forbid_them(monkeypatch):
    for value, expected in (("0", False), ("1", True), (None, True)):
        pages._advise.cache_clear()
        if value is None:
            monkeypatch.delenv("NUMPY_MADVISE_HUGEPAGE", raising=False)
        else:
            monkeypatch.setenv("NUMPY_MADVISE_HUGEPAGE", value)
        assert (pages._advise() is not None) is expected
    pages._advise.cache_clear()


SCRIPT = """
import re, torch, fastinit.torch as ft
tensor = torch.empty(64 << 18)
ft.init.normal_(tensor, generator=0)
begin, huge, inside = tensor.data_ptr(), 0, False
for line in open("/proc/self/smaps"):
    if area := re.match("([0-9a-f]+)-([0-9a-f]+) ", line):
        inside = int(area[1], 16) < begin + tensor.nbytes and begin < int(area[2], 16)
    elif inside and line.startswith("AnonHugePages"):
        huge += int(line.split()[1])
print(huge)
"""


@linux
def test_linux_gives_huge_pages():
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists() or "[never]" in setting.read_text():
        pytest.skip("this system has no huge pages")
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120)
    assert int(done.stdout) >= 32 * 1024, done.stderr


@pytest.mark.parametrize("count", [1, 2])
def test_fills_use_torchs_number_of_threads(monkeypatch, count):
    monkeypatch.setattr(cpus, "usual", lambda: 8)
    most = []
    monkeypatch.setattr(threads, "helpers", lambda total: most.append(cpus.allowed()) or 0)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        ft.init.normal_(torch.empty(1 << 17), generator=0)
        ft.init.orthogonal_(torch.empty(1 << 10, 1 << 10), generator=0)
        in_block(torch.empty(1 << 17))
        ft.materialize(on_meta(lambda: nn.Linear(1 << 9, 1 << 9)))
        assert set(most) == {count}
        assert len(most) >= 4
        fi.default_rng(0).normal(size=1 << 17)
        assert most[-1] == 8, "arrays of NumPy have their own number"
    finally:
        torch.set_num_threads(before)
