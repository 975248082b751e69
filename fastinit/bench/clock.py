"""The clock of a core: measured, since a system may name another one, and a virtual machine knows none."""

from __future__ import annotations

import time
from pathlib import Path

from fastinit.bench.loops import CYCLES_OF_A_STEP, STEPS, loaded

#: Iterations of a run of the chain (about 0.1 ms), and runs: the fastest was not interrupted.
ITERATIONS, RUNS = 5_000, 5
_ADDEND, _MASK = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9  # too large to be a part of an instruction


def hertz() -> float:
    """Cycles a second of the core at hand, by a chain of additions and XORs, each of which takes one cycle on any CPU."""
    chain, least = loaded().chain, float("inf")
    for run in range(RUNS):
        start = time.perf_counter()
        chain(run, _ADDEND, _MASK, ITERATIONS)
        least = min(least, time.perf_counter() - start)
    return ITERATIONS * STEPS * CYCLES_OF_A_STEP / least


def nominal(folder: Path = Path("/sys/devices/system/cpu/cpu0/cpufreq"), cpuinfo: Path = Path("/proc/cpuinfo")) -> float | None:
    """Cycles a second that Linux names for the first CPU; None if it names none."""
    try:
        return float((folder / "base_frequency").read_text()) * 1e3
    except (OSError, ValueError):
        pass
    try:
        line = next(line for line in cpuinfo.read_text().splitlines() if line.startswith("cpu MHz"))
        return float(line.partition(":")[2]) * 1e6
    except (OSError, ValueError, StopIteration):
        return None
