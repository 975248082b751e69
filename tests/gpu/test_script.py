"""`docs/scripts/gpu_check.py` against the stand-in: it passes, and it sees a wrong byte."""

import ctypes
import json
import time
from ctypes import POINTER, c_char_p, c_float, c_int, c_uint, c_void_p

import pytest

from docs.scripts import gpu_check
from tests.gpu import stand_in

#: As cuda.h has them.
PROTOTYPES = {
    "cuDeviceGetName": [c_char_p, c_int, c_int],
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

    def _cuDeviceGetName(self, name, count, device):
        # A char* of the caller's arrives as a copy in bytes; the script shows whatever it has.
        return 0

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
    monkeypatch.setattr(gpu_check, "DTYPES", ("float32", "bfloat16"))
    with stand_in.installed(Machine(folder), monkeypatch) as cuda:
        yield cuda


@pytest.mark.nightly
def test_it_passes(machine, tmp_path, capsys):
    assert gpu_check.main(["--quick", "--json", str(tmp_path / "results.json")]) == 0
    printed = capsys.readouterr().out
    laws = len(gpu_check.LAWS) * 2
    assert f"{laws} of {laws} laws and dtypes have the CPU's bytes" in printed
    assert "| memset |" in printed
    results = json.loads((tmp_path / "results.json").read_text())
    assert len(results["same"]) == laws
    assert all(results["same"].values())
    assert not machine.memory


@pytest.mark.nightly
def test_it_sees_a_wrong_byte(machine, capsys):
    machine.spoiled = True
    assert gpu_check.main(["--quick"]) == 1
    assert "0 of " in capsys.readouterr().out
