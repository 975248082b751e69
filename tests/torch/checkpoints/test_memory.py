"""A model larger than the memory that a process may have is written, in either format."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

ROOT = Path(__file__).parents[3]

#: A model of 640 MiB, one tensor of it 384 MiB, under a limit of 256 MiB more than there is before.
LIMITED = """
import re, resource, sys, torch, fastinit.torch as ft
from pathlib import Path
from torch import nn

class Model(nn.Module):
    def __init__(self, rows):
        super().__init__()
        self.chain = nn.Parameter(torch.empty(rows, 1024))
        self.chain.data.uniform_(-0.9, 0.9).erfinv_().mul_(0.3).clamp_(-0.1, 0.1).abs_()
        self.layer = nn.Linear(1024, rows // 3)
        self.more = nn.ModuleList(nn.Linear(1024, 2048) for _ in range(rows // 6144))

def model(rows):
    with ft.deferred():
        return Model(rows)

def used():
    return int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

path = sys.argv[1]
ft.save(model(3 * 2048), Path(path).with_name("small-" + Path(path).name))  # imports and starts all that there is to start
most = used() + (256 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
large = model(96 * 1024)
assert sum(parameter.nbytes for parameter in large.parameters()) > 600 << 20
print(sum(file.stat().st_size for file in ft.save(large, path)))
try:
    ft.materialize(large, progress=False)
except (RuntimeError, MemoryError) as error:
    print("too large")
"""


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="the limit of private memory is Linux's")
@pytest.mark.parametrize("name", ["model", "model.safetensors"])
def test_a_model_larger_than_the_memory_is_written(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / name)],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    size, limit = done.stdout.strip().split("\n")
    assert int(size) > 600 << 20
    assert limit == "too large"
