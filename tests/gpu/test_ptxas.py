"""NVIDIA's own assembler takes the kernels of every row; none spills registers, or takes more than docs/gpu.md promises."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastinit.gpu import ptx, trace
from tests.gpu.test_ptx import ALL, text_of

#: Registers of a thread: a multiprocessor has 65,536, and 1,024 threads or more are to fit.
MOST = 64
#: The kernels of a row that differ most.
KERNELS = ("tiles", "elements0", "elements3-bytes")
#: Each row for one chip, and the rows with the most registers for all chips.
FOR_A_CHIP = [(*row, ptx.CHIPS[i % len(ptx.CHIPS)]) for i, row in enumerate(ALL)]
HEAVY = [("truncated_tails", "float32", False), ("truncated_tails", "float64", True), ("truncated_tails", "float16", False)]

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


def together(texts):
    """Kernels in one file: each has its number in its name and in its labels, and the header is that of the first."""
    numbered = [re.sub(r"\.entry \w+", rf"\g<0>{i}", text).replace("$L__BB", f"$L{i}__BB") for i, text in enumerate(texts)]
    return "".join([numbered[0], *(re.sub(r"(?m)^\.(version|target|address_size) .*", "", text) for text in numbered[1:])])


def assembled(program, text, sm, folder):
    """Of each kernel the bytes that it spills, stored and loaded, and its registers."""
    source = folder / "kernel.ptx"
    source.write_text(text)
    command = [program, f"-arch=sm_{sm}", "-v", str(source), "-o", str(folder / "kernel.cubin")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", said)
    return [(int(a), int(b)) for a, b in spills], [int(count) for count in re.findall(r"Used (\d+) registers", said)]


def compiled(law, dtype, adds, sm):
    return together([text_of(law, dtype, kernel, sm, adds) for kernel in KERNELS])


def fits(program, text, sm, folder):
    spills, registers = assembled(program, text, sm, folder)
    assert spills == [(0, 0)] * len(KERNELS)
    assert len(registers) == len(KERNELS)
    assert max(registers) <= MOST, registers


@pytest.mark.parametrize(("law", "dtype", "adds", "sm"), FOR_A_CHIP)
def test_it_assembles_without_spills(program, tmp_path, law, dtype, adds, sm):
    fits(program, compiled(law, dtype, adds, sm), sm, tmp_path)


@pytest.mark.parametrize("sm", ptx.CHIPS)
@pytest.mark.parametrize(("law", "dtype", "adds"), HEAVY)
def test_heavy_rows_fit_every_chip(program, tmp_path, law, dtype, adds, sm):
    fits(program, compiled(law, dtype, adds, sm), sm, tmp_path)


def test_spills_are_seen(program, tmp_path):
    """With 24 registers, which are too few."""
    few, count = re.subn(r"\.maxntid [\d, ]+", ".maxnreg 24", compiled("truncated_tails", "float64", False, 90))
    assert count == len(KERNELS)
    assert all(stores and loads for stores, loads in assembled(program, few, 90, tmp_path)[0])


def test_too_many_registers_are_seen(program, tmp_path, monkeypatch):
    """A thread that takes four counters at a time."""
    monkeypatch.setattr(trace, "TOGETHER", 4)
    _, registers = assembled(program, compiled("truncated_tails", "float32", False, 90), 90, tmp_path)
    assert max(registers) > MOST
