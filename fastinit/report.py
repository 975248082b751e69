"""What `fastinit info` prints: everything that the speed, but no value, may depend on."""

from __future__ import annotations

import importlib
import platform
import textwrap
from typing import Any

import llvmlite
import llvmlite.binding
import ml_dtypes
import numba
import numpy as np

import fastinit
from fastinit.kernels.rows import kernel
from fastinit.kernels.threads import PARALLEL_FROM

#: Numba's threading layers and the modules that carry them.
LAYERS = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}


def cache_directory(compiled: Any) -> str | None:
    """Where a compiled kernel is kept, or None where no directory could be written to."""
    path = compiled.stats.cache_path
    return None if path is None else str(path)


def _available(layer: str) -> bool:
    try:
        importlib.import_module(f"numba.np.ufunc.{LAYERS[layer]}")
    except ImportError:
        return False
    return True


def _threads() -> tuple[int | None, str]:
    """How many threads, and by which layer; None where the layer that the environment asks for cannot be loaded."""
    try:
        fastinit.default_rng(0).uniform(size=PARALLEL_FROM)  # Numba chooses at the first parallel call
        return int(numba.get_num_threads()), str(numba.threading_layer())
    except ValueError as error:
        return None, f"none ({' '.join(str(error).split())})"


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

    Notes
    -----
    Runs one small parallel fill, because Numba chooses its threading layer at the first.
    """
    threads, layer = _threads()
    modules = {"numpy": np, "numba": numba, "llvmlite": llvmlite, "ml_dtypes": ml_dtypes}
    return {
        "versions": {
            "fastinit": fastinit.__version__,
            "stream": fastinit.STREAM_VERSION,
            "python": platform.python_version(),
            **{name: module.__version__ for name, module in modules.items()},
        },
        "threads": {"most": int(numba.config.NUMBA_NUM_THREADS), "in_use": threads},
        "threading_layer": {"in_use": layer, "available": [name for name in LAYERS if _available(name)]},
        "cpu": {
            "name": llvmlite.binding.get_host_cpu_name(),
            "features": _features(),
            "NUMBA_CPU_NAME": numba.config.CPU_NAME,
            "NUMBA_CPU_FEATURES": numba.config.CPU_FEATURES,
        },
        "cache_directory": cache_directory(kernel("uniform", "float32", False)),
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
    versions, threads, layer, cpu = (report[key] for key in ("versions", "threads", "threading_layer", "cpu"))
    lines = {
        **{("stream version" if name == "stream" else name): version for name, version in versions.items()},
        "threads": f"{threads['in_use'] or 'none'} of {threads['most']}",
        "threading layer": f"{layer['in_use']} (available: {', '.join(layer['available']) or 'none'})",
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
