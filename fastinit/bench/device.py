"""Fills of a CUDA device's memory, made ready for `fastinit bench --device cuda`. A call returns when the device is done."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import Any

from fastinit.bench.measure import Call, Job, drawing, numpy_dtype
from fastinit.gpu import memory
from fastinit.peers.libraries import TITLES, Missing

#: Keeps device memory, and its context current, until the worker ends.
_KEPT = contextlib.ExitStack()

#: The functions of each peer; torch's take tensors, torch.func's keys too, CuPy's are methods of its Generator.
FUNCTIONS = {
    "torch": {"uniform": "uniform_", "normal": "normal_", "truncated_normal": "trunc_normal_"},
    "torch_func": {"uniform": "uniform_", "normal": "normal_"},
    "cupy": {"uniform": "random", "normal": "standard_normal"},
}


def label(library: str, law: str) -> str:
    """Library and function, for tables; Missing says why there is none."""
    if library in ("store", "fastinit"):
        return "memset" if library == "store" else f"fastinit {law}"
    if law not in FUNCTIONS[library]:
        raise Missing(f"has no {law}")
    return f"{'CuPy' if library == 'cupy' else TITLES[library]} {FUNCTIONS[library][law]}"


def ready(library: str, job: Job) -> Call:
    """A library's call for a job; Missing says why there is none."""
    if library in ("store", "fastinit"):
        return _own(library, job)
    return {"torch": _torch, "torch_func": _torch_func, "cupy": _cupy}[library](FUNCTIONS[library][job.law], job)


def _own(library: str, job: Job) -> Call:
    dtype = numpy_dtype(job.dtype)
    block = _KEPT.enter_context(memory.allocated(job.values * dtype.itemsize))
    out, draw = block.view((job.values,), dtype), drawing(job.law)

    def call() -> None:
        if library == "store":
            block.set(1)
        else:
            draw(out=out, dtype=dtype)
        memory.synchronize()

    return call


def _torch(function: str, job: Job) -> Call:
    torch = import_module("torch")
    if not torch.cuda.is_available():
        raise Missing("has no CUDA device")
    out = torch.empty(job.values, dtype=getattr(torch, job.dtype), device="cuda")
    options: dict[str, Any] = {"a": -2.0, "b": 2.0} if job.law == "truncated_normal" else {}
    fill = getattr(torch.nn.init, function)

    def call() -> None:
        fill(out, **options)
        torch.cuda.synchronize()

    return call


def _torch_func(function: str, job: Job) -> Call:
    """The call of torch.func._random, whose key stays the same: no part of the time depends on it."""
    torch = import_module("torch")
    if not torch.cuda.is_available():
        raise Missing("has no CUDA device")
    random = import_module("torch.func._random")
    out = torch.empty(job.values, dtype=getattr(torch, job.dtype), device="cuda")
    key, fill = random.key(0, device="cuda"), getattr(random, function)

    def call() -> None:
        fill(key, out)
        torch.cuda.synchronize()

    return call


def _cupy(function: str, job: Job) -> Call:
    if job.dtype not in ("float32", "float64"):
        raise Missing("makes float32 and float64 only")
    cupy = import_module("cupy")
    draw, out = getattr(cupy.random.default_rng(0), function), cupy.empty(job.values, job.dtype)

    def call() -> None:
        draw(job.values, dtype=job.dtype, out=out)
        cupy.cuda.Device().synchronize()

    return call
