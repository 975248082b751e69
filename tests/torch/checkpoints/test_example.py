"""The example writes the same checkpoint alone and by two processes of torchrun."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch

from tests.torch.checkpoints.common import blank, read, require_same

ROOT = Path(__file__).parents[3]
EXAMPLE = "examples/seed_checkpoint.py"


def written(folder, *launcher):
    command = [sys.executable, *launcher, str(ROOT / EXAMPLE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stderr
    size, files = re.fullmatch(r"(\S+) MB in (\d+) files of .*", done.stdout.strip()).groups()
    assert float(size) > 6
    return int(files)


def test_alone_and_by_two_processes(tmp_path):
    if not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")
    assert written(tmp_path / "alone") == 2
    assert written(tmp_path / "both", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2") == 3
    layer = torch.nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
    state = torch.nn.TransformerEncoder(layer, 4).to(torch.bfloat16).state_dict()
    require_same(*(read(blank(state), tmp_path / name) for name in ("alone", "both")))
