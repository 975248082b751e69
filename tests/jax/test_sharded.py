"""Arrays over eight devices and over two processes. They are scripts: XLA reads the number of devices when JAX is imported."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="needs JAX")

import fastinit
from tests.jax import eight_devices

ROOT = Path(fastinit.__file__).parents[1]
BLOCK = 16 << 20


def start(*arguments, devices=8):
    """Start a Python process with this many CPU devices; warnings are errors."""
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    """The output of a process that succeeded."""
    try:
        out, error = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, error
    return out


@pytest.fixture(scope="module")
def found():
    return json.loads(finish(start("-m", "tests.jax.eight_devices")))


@pytest.mark.parametrize("case", eight_devices.CASES)
def test_eight_devices(found, case):
    assert found[case] == ""


@pytest.mark.parametrize("partition", ["y", "-"])
def test_peak_memory_is_the_blocks(partition):
    """The devices' memory is host memory here: beside the array there is no copy of a block or of the whole."""
    grown, size = map(int, finish(start("-m", "tests.jax.peak_memory", partition)).split())
    assert size == 128 << 20
    assert grown < size + BLOCK


def test_two_processes():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    both = [start("-m", "tests.jax.two_processes", address, number, devices=4) for number in range(2)]
    assert [finish(process).strip() for process in both] == ["as one"] * 2


def test_example():
    out = finish(start(ROOT / "examples" / "jax_sharded.py", "512"))
    assert "same bytes as NumPy: True" in out
