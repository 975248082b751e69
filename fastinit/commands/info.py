"""What `fastinit info` prints: everything that the speed, but no value, may depend on."""

from __future__ import annotations

import math
import platform
import textwrap
from typing import Any

import llvmlite
import llvmlite.binding
import ml_dtypes
import numba
import numpy as np

import fastinit
from fastinit.kernels import cache, cpus


def _features() -> list[str]:
    try:
        return sorted(name for name, present in llvmlite.binding.get_host_cpu_features().items() if present)
    except RuntimeError:  # LLVM does not know this machine
        return []


def collect() -> dict[str, Any]:
    """Collect the report.

    Returns
    -------
    dict
        Of strings, numbers, lists, None and dicts of these, for JSON.

    """
    quota, folder = cpus.quota(), cache.directory()
    modules = {"numpy": np, "numba": numba, "llvmlite": llvmlite, "ml_dtypes": ml_dtypes}
    return {
        "versions": {
            "fastinit": fastinit.__version__,
            "stream": fastinit.STREAM_VERSION,
            "python": platform.python_version(),
            **{name: module.__version__ for name, module in modules.items()},
        },
        "threads": {"in_use": cpus.allowed(), "affinity": cpus.affinity(), "quota": quota if math.isfinite(quota) else None},
        "cpu": {
            "name": llvmlite.binding.get_host_cpu_name(),
            "features": _features(),
            "NUMBA_CPU_NAME": numba.config.CPU_NAME,
            "NUMBA_CPU_FEATURES": numba.config.CPU_FEATURES,
        },
        "cache_directory": None if folder is None else str(folder),
    }


def text(report: dict[str, Any]) -> str:
    """Lay out the report of `collect` for reading.

    Parameters
    ----------
    report : dict
        As `collect` returns it.

    Returns
    -------
    str
        A line for each entry, the CPU's features wrapped.
    """
    versions, threads, cpu = (report[key] for key in ("versions", "threads", "cpu"))
    quota = "" if threads["quota"] is None else f", quota {threads['quota']:g}"
    lines = {
        **{("stream version" if name == "stream" else name): version for name, version in versions.items()},
        "threads": f"{threads['in_use']} ({threads['affinity']} CPUs{quota})",
        "CPU": cpu["name"],
        "CPU features": " ".join(cpu["features"]) or "unknown",
        **{name: cpu[name] for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES") if cpu[name]},
        "cache directory": report["cache_directory"] or "none",
    }
    blanks = " " * 20
    return "\n".join(
        textwrap.fill(str(value), 120, initial_indent=f"{name:<20}", subsequent_indent=blanks, break_on_hyphens=False)
        if name == "CPU features"
        else f"{name:<20}{value}"
        for name, value in lines.items()
    )
