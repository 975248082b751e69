"""What needs a process of its own: peak memory, a mesh of devices that this machine does not have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

ROOT = Path(__file__).parents[3]

PEAK = """
import resource, torch, fastinit.torch as ft
from torch import nn

class Model(nn.Module):
    def __init__(self, rows):
        super().__init__()
        self.scaled = nn.Parameter(torch.randn(rows, 1024) * 0.02)
        self.chain = nn.Parameter(torch.empty(rows, 1024))
        self.chain.data.uniform_(-0.9, 0.9).erfinv_().mul_(0.3).clamp_(-0.1, 0.1).abs_()
        self.embed = nn.Embedding(rows, 1024, padding_idx=0)
        self.gain = nn.Parameter(torch.ones(rows, 1024) * 0.5)
        self.layer, self.copy = nn.Linear(1024, rows), nn.Linear(1024, rows)
        self.copy.load_state_dict(self.layer.state_dict())

def make(rows):
    with ft.deferred():
        model = Model(rows)
    return ft.materialize(model, progress=False)

make(64), make(1 << 13)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = make(1 << 16)
risen = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024  # KiB on Linux
print(risen - sum(parameter.nbytes for parameter in model.parameters()))
"""

MESH = """
import torch, torch.distributed as dist, fastinit.torch as ft
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Shard
from torch.testing._internal.distributed.fake_pg import FakeStore

dist.init_process_group("fake", store=FakeStore(), rank=1, world_size=2)
mesh = DeviceMesh("cuda", torch.arange(2), _init_backend=False)
with ft.deferred():
    model, alone = nn.Linear(6, 8), nn.Linear(6, 8)
for key, tensor in list(model._parameters.items()):
    local = torch.empty(4, *tensor.shape[1:], device="meta")
    whole = {"shape": tensor.shape, "stride": tensor.stride()}
    model._parameters[key] = nn.Parameter(DTensor.from_local(local, mesh, [Shard(0)], run_check=False, **whole))
ft.materialize(model, device="cpu")
ft.materialize(alone)
print(model.weight.to_local().device.type, torch.equal(model.weight.to_local(), alone.weight[4:]))
"""


def run(script):
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is Linux's")
def test_peak_memory_is_the_model_and_little_more():
    assert int(run(PEAK)[-1]) < 64 << 20


def test_the_device_asked_for_is_the_device_used():
    """FSDP2's CPU offload: parts in the CPU's memory on a mesh of GPUs."""
    assert run(MESH) == ["cpu", "True"]
