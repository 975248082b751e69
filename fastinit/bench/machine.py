"""The machine and the versions that a measurement depends on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import llvmlite.binding

import fastinit
from fastinit.kernels import cpus
from fastinit.peers.libraries import version


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _entry(path: str, key: str) -> str | None:
    """The value of the first line `key : value`."""
    return next((line.split(":", 1)[1].strip() for line in _lines(path) if line.startswith(key) and ":" in line), None)


def _bytes(key: str) -> int | None:
    entry = _entry("/proc/meminfo", key)
    return int(entry.split()[0]) * 1024 if entry else None


def free_memory() -> int | None:
    """Bytes that can be allocated now; None if the system does not say."""
    return _bytes("MemAvailable")


def describe(modules: Iterable[str] = ()) -> dict[str, Any]:
    """Describe the machine and the versions of fastinit, Python, NumPy, Numba and of these modules.

    Parameters
    ----------
    modules : iterable of str
        Further modules; those that are not installed are left out.

    Returns
    -------
    dict
        "cpu" (its name, and LLVM's in brackets), "logical_cpus", "threads" (of a fill), "memory" (bytes or None), "system" and
        "versions" (by module).
    """
    cpu = _entry("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    versions = {module: version(module) for module in ("numpy", "numba", *modules)}
    return {
        "cpu": f"{cpu} ({llvmlite.binding.get_host_cpu_name()})",
        "logical_cpus": os.cpu_count(),
        "threads": cpus.usual(),
        "memory": _bytes("MemTotal"),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "fastinit": fastinit.__version__,
            "python": platform.python_version(),
            **{module: number for module, number in versions.items() if number},
        },
    }


def sentence(machine: dict[str, Any]) -> str:
    """The description in one line."""
    memory = f", {machine['memory'] / 2**30:.0f} GiB" if machine["memory"] else ""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return f"{machine['cpu']}, {machine['logical_cpus']} logical CPUs{memory}, {machine['system']}; {versions}"
