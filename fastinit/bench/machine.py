"""What a measurement depends on: the machine and the versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import llvmlite.binding

import fastinit
from fastinit.kernels import cpus


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _entry(path: str, key: str) -> str | None:
    """The value of the first line `key : value`."""
    return next((line.split(":", 1)[1].strip() for line in _lines(path) if line.startswith(key) and ":" in line), None)


def _bytes(key: str) -> int | None:
    found = _entry("/proc/meminfo", key)
    return int(found.split()[0]) * 1024 if found else None


def free_memory() -> int | None:
    """Bytes that could be allocated now, or None where the system does not tell."""
    return _bytes("MemAvailable")


def version(module: str) -> str | None:
    """The version of the installed package that a module belongs to; the module is not imported."""
    packages = metadata.packages_distributions().get(module)
    return metadata.version(packages[0]) if packages else None


def describe(modules: Iterable[str] = ()) -> dict[str, Any]:
    """Describe the machine, and name the versions of what is installed of these modules.

    Parameters
    ----------
    modules : iterable of str
        Modules whose versions are wanted besides those of fastinit, Python, NumPy and Numba.

    Returns
    -------
    dict
        "cpu" (its name, and LLVM's in brackets), "logical_cpus", "memory" (bytes or None), "system" and "versions".
    """
    cpu = _entry("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    found = {module: version(module) for module in ("numpy", "numba", *modules)}
    return {
        "cpu": f"{cpu} ({llvmlite.binding.get_host_cpu_name()})",
        "logical_cpus": os.cpu_count(),
        "threads": cpus.usual(),
        "memory": _bytes("MemTotal"),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "fastinit": fastinit.__version__,
            "python": platform.python_version(),
            **{module: found[module] for module in found if found[module]},
        },
    }


def sentence(machine: dict[str, Any]) -> str:
    """The description in one line."""
    memory = f", {machine['memory'] / 2**30:.0f} GiB" if machine["memory"] else ""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return f"{machine['cpu']}, {machine['logical_cpus']} logical CPUs{memory}, {machine['system']}; {versions}"
