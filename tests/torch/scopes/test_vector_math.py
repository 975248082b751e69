"""Before a block computes anything, one thread has called each of torch's vectorised functions."""

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch.utils._python_dispatch import TorchDispatchMode

import fastinit.torch as ft
from fastinit.torch.scopes import vector_math


class Calls(TorchDispatchMode):
    """The names, dtypes and sizes of all operations."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if args and isinstance(args[0], torch.Tensor):
            self.seen.append((func._schema.name.removeprefix("aten::"), args[0].dtype, args[0].numel()))
        return func(*args, **(kwargs or {}))


@pytest.fixture
def calls(monkeypatch):
    """All operations, also those beside modes, from a process that has called nothing yet."""
    calls = Calls()
    monkeypatch.setattr(vector_math, "_disable_current_modes", lambda: calls)
    vector_math.settle.cache_clear()
    return calls


@pytest.mark.parametrize("block", [lambda: ft.fast_init(0), lambda: ft.fast_init(values="torch"), lambda: ft.deferred(0)])
def test_the_first_block_calls_each_function_with_one_number(block, calls):
    with block():
        pass
    for function in vector_math.FUNCTIONS:
        for dtype in (torch.float32, torch.float64):
            assert (function.__name__, dtype, 1) in calls.seen
    assert {size for _, _, size in calls.seen} == {1}
    calls.seen.clear()
    with block():
        pass
    assert calls.seen == []


IN_MODES = """
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
import fastinit.torch as ft
from fastinit.torch.scopes import vector_math
types = []
vector_math.FUNCTIONS = (lambda number: types.append((type(number), number.device.type)),)
with FakeTensorMode(), torch.device("meta"), ft.fast_init(0):
    pass
assert types == [(torch.Tensor, "cpu")] * 2, types
"""


def test_modes_do_not_take_the_calls():
    """Fake tensors, and a default device: MKL would not be called."""
    done = subprocess.run([sys.executable, "-c", IN_MODES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
