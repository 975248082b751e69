"""`docs/scripts/gpu_check.py` against the stand-in: it passes, and it sees a wrong byte."""

import ctypes
import json
import time
from ctypes import POINTER, c_float, c_int, c_uint, c_void_p

import pytest

from docs.scripts import gpu_check
from fastinit.arguments import dtypes
from fastinit.kernels.rows import ROWS
from tests.gpu import stand_in

#: As cuda.h has them.
PROTOTYPES = {
    "cuEventCreate": [POINTER(c_void_p), c_uint],
    "cuEventRecord": [c_void_p, c_void_p],
    "cuEventSynchronize": [c_void_p],
    "cuEventElapsedTime": [POINTER(c_float), c_void_p, c_void_p],
}


class Machine(stand_in.Cuda):
    """A stand-in with memory and events."""

    def __init__(self, folder):
        super().__init__(folder)
        self.events = [None]
        for name, prototype in PROTOTYPES.items():
            function = ctypes.CFUNCTYPE(c_int, *prototype)(self._guarded(name))
            setattr(self, name, function)

    def _cuEventCreate(self, event, flags):
        self.events.append(0.0)
        event[0] = len(self.events) - 1

    def _cuEventRecord(self, event, stream):
        self.events[event] = time.perf_counter()

    def _cuEventSynchronize(self, event):
        return 0

    def _cuEventElapsedTime(self, milliseconds, first, last):
        milliseconds[0] = max((self.events[last] - self.events[first]) * 1e3, 1e-6)


@pytest.fixture
def machine(folder, monkeypatch):
    monkeypatch.setattr(gpu_check, "DTYPES", ("float32", "bfloat16", "uint32", "bool"))
    with stand_in.installed(Machine(folder), monkeypatch) as cuda:
        yield cuda


def test_every_row_of_the_table_is_compared():
    """Each law of the package, with each dtype that holds it."""
    drawn = set()
    for law in gpu_check.LAWS:
        for dtype in gpu_check.dtypes_of(law):
            drawn.add((row_of(law, dtype), dtype))
    assert drawn - {(None, dtype) for dtype in dtypes.REAL_NAMES} == set(ROWS)


def row_of(law, dtype):
    """The name of the law that a kernel is made of; None for a constant."""
    wanted, real = gpu_check.LAWS[law], dtypes.resolve(dtype, dtypes.ALL_NAMES)
    return "bits" if wanted is None else getattr(wanted.plan(real).law, "name", None)


@pytest.mark.nightly
def test_it_passes(machine, tmp_path, capsys):
    assert gpu_check.main(["--quick", "--json", str(tmp_path / "results.json")]) == 0
    printed = capsys.readouterr().out
    laws, held = len(gpu_check.LAWS), sum(len(gpu_check.dtypes_of(law)) for law in gpu_check.LAWS)
    cases = held + 2 * (laws - 2)  # sums of all laws but integers and bits
    assert printed.startswith("Stand-in 0, code for sm_90")
    assert f"{cases} of {cases} laws and dtypes have the CPU's bytes" in printed
    assert "| memset |" in printed
    results = json.loads((tmp_path / "results.json").read_text())
    assert len(results["same"]) == cases
    assert all(results["same"].values())
    assert not machine.memory


@pytest.mark.nightly
def test_it_sees_a_wrong_byte(machine, capsys):
    machine.spoiled = True
    assert gpu_check.main(["--quick"]) == 1
    assert "0 of " in capsys.readouterr().out
