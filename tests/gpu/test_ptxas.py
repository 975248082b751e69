"""NVIDIA's own assembler takes every kernel for every generation of chips, and no kernel spills registers."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastinit.gpu import ptx
from fastinit.kernels import rows
from tests.gpu.test_ptx import KERNELS

pytestmark = [pytest.mark.nightly, pytest.mark.usefixtures("nvptx")]


def assembler():
    """The program of the wheel `nvidia-cuda-nvcc`, or the one on the path."""
    spec = find_spec("nvidia")
    folders = spec.submodule_search_locations if spec is not None else ()
    wheel = (path for folder in folders for path in sorted(Path(folder).glob("*/bin/ptxas")))
    return next(map(str, wheel), None) or shutil.which("ptxas")


@pytest.fixture(scope="module")
def program():
    """The assembler, which is looked for before anything is compiled for it."""
    found = assembler()
    if found is None:
        pytest.skip("there is no ptxas: install the wheel nvidia-cuda-nvcc")
    return found


def assembled(program, text, sm, folder):
    """What the assembler says of a kernel's registers."""
    source = folder / "kernel.ptx"
    source.write_text(text)
    command = [program, f"-arch=sm_{sm}", "-v", str(source), "-o", str(folder / "kernel.cubin")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("sm", [75, 80, 90, 100, 120])
@pytest.mark.parametrize(("law", "dtype"), rows.ROWS)
@pytest.mark.parametrize("kernel", ["tiles", "elements0", "elements3-bytes"])
def test_it_assembles_without_spills(program, tmp_path, law, dtype, kernel, sm):
    said = assembled(program, ptx.compiled(KERNELS[kernel](rows.row(law, dtype)), sm), sm, tmp_path)
    assert re.findall(r"(\d+) bytes spill (?:stores|loads)", said) == ["0", "0"], said
    registers = int(re.search(r"Used (\d+) registers", said)[1])
    assert registers <= 255
    print(f"{law} {dtype} {kernel} sm_{sm}: {registers} registers")


def test_spills_are_seen(program, tmp_path):
    """With 24 registers, which are too few."""
    text = ptx.compiled(KERNELS["tiles"](rows.row("truncated_tails", "float64")), 90)
    few, count = re.subn(r"\.maxntid [\d, ]+", ".maxnreg 24", text)
    assert count == 1
    assert re.findall(r"(\d+) bytes spill (?:stores|loads)", assembled(program, few, 90, tmp_path)) != ["0", "0"]
