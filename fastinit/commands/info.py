"""`fastinit info`: all that the speed, but no value, may depend on."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import textwrap
from importlib import metadata
from typing import Any

from llvmlite import binding

import fastinit
from fastinit.arguments import devices
from fastinit.commands import parsers, terminal
from fastinit.kernels import cache, cpus, machine
from fastinit.peers.libraries import EXTRAS, need

REQUIRED = ("numpy", "numba", "llvmlite", "ml_dtypes")
#: Other frameworks that a back-end may work with.
OTHERS = ("tensorflow", "flax", "transformers", "safetensors")

#: The CPU's features that the kernels gain most from.
NOTED = ("avx512f", "avx2", "fma", "f16c", "neon", "sve")


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "info", "print versions, threads, CPU and cache folder")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.add_argument("--torch", action="store_true", help="import torch, and compare which of its own values are made here")
    return parser


def plan(args: argparse.Namespace) -> tuple[bool, bool]:
    """Whether to print JSON, and whether to compare torch's values."""
    if args.torch:
        need("torch", "--torch")
    return bool(args.json), bool(args.torch)


def run(plan: tuple[bool, bool]) -> None:
    """Print the report."""
    as_json, with_torch = plan
    report = collect() | ({"torch_values": _torch_values()} if with_torch else {})
    terminal.show(json.dumps(report, indent=2) if as_json else text(report))


def _torch_values() -> dict[str, list[str]]:
    """The dtypes of each kind of torch's own fills that are made here; torch makes the others."""
    from fastinit.torch.values import proof  # torch takes seconds to import

    return proof.report()


def _torch_values_text(kinds: dict[str, list[str]]) -> str:
    return "; ".join(f"{kind} ({', '.join(dtypes) or 'no dtype: torch makes it'})" for kind, dtypes in kinds.items())


def _features() -> list[str]:
    try:
        return sorted(name for name, present in binding.get_host_cpu_features().items() if present)
    except RuntimeError:  # LLVM does not know this machine
        return []


def _version(package: str) -> str | None:
    """The version of an installed package, which is not imported."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return None


def _cached() -> dict[str, int]:
    """How many pieces of machine code the cache has for the present sources and CPU, and their bytes."""
    sizes = [path.stat().st_size for folder in cache.folders() for path in folder.glob(cache.file_name("*"))]
    return {"kernels": len(sizes), "bytes": sum(sizes)}


def _gpus() -> dict[str, Any]:
    """Whether kernels fill the memory of GPUs, and of which, or why not."""
    if not devices.is_enabled():
        return {"enabled": False, "devices": [], "reason": "FASTINIT_GPU is not 1, so no kernel fills the memory of a GPU"}
    from fastinit.gpu import driver  # LLVM's writer, imported only where a GPU is filled

    try:
        reasons = [driver.reason_against(i) for i in range(driver.count())]
        found = [
            {"device": i, "name": None if reason else driver.device(i).name, "reason": reason}
            for i, reason in enumerate(reasons)
        ]
    except (driver.DriverError, MemoryError) as error:
        return {"enabled": True, "devices": [], "reason": str(error)}
    return {"enabled": True, "devices": found, "reason": None if found else "there is no device"}


def _gpu_text(gpus: dict[str, Any]) -> str:
    devices = [f"device {each['device']}: {each['reason'] or each['name'] + ', filled by kernels'}" for each in gpus["devices"]]
    return gpus["reason"] or "; ".join(devices)


def collect() -> dict[str, Any]:
    """Collect the report: strings, numbers, lists, None and dicts of these, for JSON."""
    quota, folder = cpus.quota(), cache.directory()
    return {
        "versions": {
            "fastinit": fastinit.__version__,
            "stream": fastinit.STREAM_VERSION,
            "python": platform.python_version(),
            **{name: _version(name) for name in REQUIRED},
        },
        "optional": {name: _version(name) for name in (*EXTRAS.values(), *OTHERS)},
        "threads": {"in_use": cpus.allowed(), "affinity": cpus.affinity(), "quota": quota if math.isfinite(quota) else None},
        "cpu": {
            "name": binding.get_host_cpu_name(),
            "features": _features(),
            **{name: os.environ.get(name) for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")},
        },
        "gpu": _gpus(),
        "cache_directory": None if folder is None else str(folder),
        "cached": _cached(),
    }


def text(report: dict[str, Any]) -> str:
    """Lay out the report of `collect` for reading, wrapped at 80 columns."""
    versions, threads, cpu, optional, cached = (report[key] for key in ("versions", "threads", "cpu", "optional", "cached"))
    used = machine.host().traits.features
    features = [name for name in NOTED if f"+{name}" in used]
    missing = [extra for extra, package in EXTRAS.items() if optional[package] is None]
    quota = "no quota" if threads["quota"] is None else f"a quota of {threads['quota']:g}"
    entries = {
        "fastinit": f"{versions['fastinit']} (stream version {versions['stream']})",
        **{name: version for name, version in versions.items() if name not in ("fastinit", "stream")},
        "optional": ", ".join(f"{name} {version}" for name, version in optional.items() if version) or "none",
        "missing extras": f"pip install 'fastinit-kernels[{','.join(missing)}]'" if missing else "none",
        "threads": f"{threads['in_use']} (affinity to {threads['affinity']} CPUs, {quota})",
        "CPU": f"{cpu['name']}: {' '.join(features) or 'no vector feature that counts'} (all {len(cpu['features'])}: --json)",
        **{name: cpu[name] for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES") if cpu[name]},
        "GPU": _gpu_text(report["gpu"]),
        **({"torch's values": _torch_values_text(report["torch_values"])} if "torch_values" in report else {}),
        "cache directory": report["cache_directory"] or "none",
        "cached kernels": f"{cached['kernels']} ({cached['bytes'] / 1e3:,.0f} kB)",
    }
    return "\n".join(
        textwrap.fill(
            str(value),
            parsers.WIDTH,
            initial_indent=f"{name:<18}",
            subsequent_indent=" " * 18,
            break_on_hyphens=False,
            break_long_words=False,
        )
        for name, value in entries.items()
    )
