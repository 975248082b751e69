"""The machine and the versions that a measurement depends on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import llvmlite.binding

import fastinit
from fastinit.bench import caches, clock
from fastinit.kernels import cpus
from fastinit.peers.libraries import PARTS, version


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


def gpu_name() -> str:
    """The name of the CUDA device that `--device cuda` fills."""
    from fastinit.gpu import driver  # LLVM's writer, imported only where a GPU is filled

    return driver.device(0).name


def describe(modules: Iterable[str] = (), device: str = "cpu") -> dict[str, Any]:
    """Describe the machine and the versions of fastinit, Python, NumPy, Numba and of these modules.

    Parameters
    ----------
    modules : iterable of str
        Further modules, or names of libraries that are a part of one; those that are not installed are left out.
    device : str
        "cuda" if a CUDA device is filled, else "cpu".

    Returns
    -------
    dict
        "cpu" (its name, and LLVM's in brackets), "gpu" (the name of the device that is filled, or None), "virtual" (whether a
        hypervisor runs it; None where the system does not say), "logical_cpus", "threads" (of a fill), "memory" (bytes or
        None), "caches" (those for data), "nominal_hertz" (or None), "system" and "versions" (by module).
    """
    cpu = _entry("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    flags = _entry("/proc/cpuinfo", "flags")  # only x86 has them
    versions = {module: version(module) for module in ("numpy", "numba", *(PARTS.get(name, (name,))[0] for name in modules))}
    return {
        "cpu": f"{cpu} ({llvmlite.binding.get_host_cpu_name()})",
        "gpu": gpu_name() if device == "cuda" else None,
        "virtual": None if flags is None else "hypervisor" in flags.split(),
        "logical_cpus": os.cpu_count(),
        "threads": cpus.usual(),
        "memory": _bytes("MemTotal"),
        "caches": caches.summary(caches.found()),
        "nominal_hertz": clock.nominal(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "fastinit": fastinit.__version__,
            "python": platform.python_version(),
            **{module: number for module, number in versions.items() if number},
        },
    }


def processors(machine: dict[str, Any]) -> str:
    """The CUDA device, if one was filled, and the CPUs."""
    gpu = f"{machine['gpu']}; " if machine.get("gpu") else ""
    return f"{gpu}{machine['cpu']}, {machine['logical_cpus']} logical CPUs"


def sentence(machine: dict[str, Any]) -> str:
    """The description in one line."""
    memory = f", {machine['memory'] / 2**30:.0f} GiB" if machine["memory"] else ""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return f"{processors(machine)}{memory}, {machine['system']}; {versions}"


def _size(nbytes: int) -> str:
    """Bytes as KiB or MiB."""
    return f"{nbytes / 2**20:g} MiB" if nbytes >= 2**20 else f"{nbytes / 2**10:g} KiB"


def memory_sentence(machine: dict[str, Any]) -> str:
    """The caches and the clock that the system names; empty if it names none."""
    parts = [
        f"{cache['count']} x {_size(cache['bytes'])} L{cache['level']}"
        + (f" for {cache['cpus']} CPUs" if cache["cpus"] > 1 else "")
        for cache in machine["caches"]
    ]
    if machine["nominal_hertz"]:
        parts.append(f"{machine['nominal_hertz'] / 1e9:.2f} GHz")
    virtual = " (of the host: this is a virtual machine, and others may share them)" if machine["virtual"] else ""
    return f"The system names {', '.join(parts)}{virtual}." if parts else ""
