"""The table of rows, what each is compiled to, and the cache that keeps it."""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numba
import numpy as np
from numba import njit, prange, types
from numba.core.caching import IndexDataCacheFile
from numba.core.registry import cpu_target

from fastinit.kernels import plain, rounding, truncated
from fastinit.kernels.fill import fill_span

u64 = np.uint64

Kernel = Callable[..., None]


class Method(NamedTuple):
    """A distribution's functions, whether it rejects, and whether Philox is most of its work."""

    block: Callable[..., Any]
    trial: Callable[..., Any]
    rejecting: bool
    light: bool


class Storage(NamedTuple):
    """How a dtype is made: the word it eats, the last stage, and the unsigned integer of its size."""

    word: type
    encode: Callable[..., Any]
    cell: type


METHODS = {
    "bits": Method(plain.bits, plain.bits_trial, False, True),
    "uniform": Method(plain.uniform, plain.uniform_trial, False, True),
    "uniform_within": Method(plain.uniform_within, plain.uniform_within_trial, False, True),
    "normal": Method(plain.normal, plain.normal_trial, False, False),
    "truncated_central": Method(truncated.central, truncated.central_trial, True, False),
    "truncated_tails": Method(truncated.tails, truncated.tails_trial, True, False),
}

STORAGE = {
    "float32": Storage(np.uint32, rounding.as_is, np.uint32),
    "float64": Storage(np.uint64, rounding.as_is, np.uint64),
    "float16": Storage(np.uint32, rounding.to_float16, np.uint16),
    "bfloat16": Storage(np.uint32, rounding.to_bfloat16, np.uint16),
    "float8_e4m3fn": Storage(np.uint32, rounding.to_float8_e4m3fn, np.uint8),
    "float8_e5m2": Storage(np.uint32, rounding.to_float8_e5m2, np.uint8),
    "uint32": Storage(np.uint32, rounding.as_is, np.uint32),
}


def _is_asked_for(method: str, dtype: str) -> bool:
    exact = STORAGE[dtype].encode is rounding.as_is  # what is stored as computed needs no bounds to keep a uniform in
    return (method == "bits") == (dtype == "uint32") and (method != "uniform" or exact)


#: Every pair that a Generator may ask for.
ROWS = tuple((method, dtype) for method in METHODS for dtype in STORAGE if _is_asked_for(method, dtype))

#: place (origin, address, count, step, stride), axes around it (address of their table, number), stream (call, key words),
#: parameters' address, begin, end, chunk. No arrays: Numba takes 0.3 microseconds to look at one.
SIGNATURE = types.void(
    types.UniTuple(types.int64, 5),
    types.UniTuple(types.int64, 2),
    types.UniTuple(types.int64, 3),
    types.int64,
    types.int64,
    types.int64,
    types.int64,
)


@functools.cache
def _target() -> tuple[str, tuple[str, ...]]:
    """The architecture and the features that Numba compiles for."""
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return triple.partition("-")[0], tuple(features.split(","))


def _converts_half() -> bool:
    """Whether the CPU converts float32 to float16 itself."""
    architecture, features = _target()
    return architecture in ("aarch64", "arm64") or "+f16c" in features


def _has_many_registers() -> bool:
    """Whether there are 32 registers of 512 bits: less than half of that would not hold four tiles' counters."""
    return "+avx512f" in _target()[1]


@functools.cache
def sources_digest() -> str:
    """Name the state of all kernel sources. Numba's own cache watches the file of a kernel, not of what it calls."""
    digest, here = hashlib.sha256(), Path(__file__).parent
    for path in (*sorted(here.glob("*.py")), here.parent / "proposals.py"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def target_digest() -> str:
    """Name what the machine code is for and what made it: the CPU that Numba compiles for, and Numba itself."""
    made_by = numba.__version__, llvmlite.__version__, numba.config.BOUNDSCHECK
    return hashlib.sha256(repr((cpu_target.target_context.codegen().magic_tuple(), made_by)).encode()).hexdigest()[:8]


def cache_name(method: str, dtype: str, parallel: bool) -> str:
    """The name, hence the cache files, of one kernel in one state of the sources for one target: no other may share it.

    Two processes that compile different kernels under one name can each store what the other's index describes.
    """
    return f"fill_{method}_{dtype}_{'parallel' if parallel else 'serial'}_{sources_digest()}_{target_digest()}"


class _CheckedFile(IndexDataCacheFile):  # type: ignore[misc]
    """Numba's cache files with a digest: a damaged one would otherwise run, and crash or give wrong values."""

    def _save_data(self, name: str, data: Any) -> None:
        plain = self._dump(data)
        super()._save_data(name, (hashlib.sha256(plain).digest(), plain))

    def _load_data(self, name: str) -> Any:
        digest, plain = super()._load_data(name)
        if hashlib.sha256(plain).digest() != digest:
            raise OSError(f"damaged: {name}")
        return pickle.loads(plain)


def _cached(body: Kernel, options: dict[str, Any]) -> Kernel:
    """Compile, or load from Numba's cache; what is damaged there is replaced."""
    compiled: Any = njit(**options)(body)
    compiled.enable_caching()
    compiled._cache._cache_file.__class__ = _CheckedFile
    try:
        compiled.compile(SIGNATURE)
    except Exception:  # unpickling garbage may raise anything
        compiled._cache.flush()
        compiled.compile(SIGNATURE)
    compiled.disable_compile()
    kernel: Kernel = compiled
    return kernel


def _compile(body: Kernel, name: str, parallel: bool) -> Kernel:
    """Compile for the one signature, and keep the result in Numba's cache if there is a place for it."""
    body.__qualname__ = body.__name__ = name
    options = {"parallel": parallel, "nogil": True, "error_model": "numpy"}
    try:
        return _cached(body, options)
    except Exception:  # no directory to keep a cache in, no room in it; a fault of the kernel's own is raised again
        compiled: Kernel = njit([SIGNATURE], **options)(body)
        return compiled


@functools.cache
def kernel(method: str, dtype: str, parallel: bool) -> Kernel:
    """The compiled loop for one row: `kernel(place, around, stream, parameters, begin, end, chunk)`."""
    block, trial, rejecting, light = METHODS[method]
    word, encode, cell = STORAGE[dtype]
    if encode is rounding.to_float16 and not _converts_half():
        encode = rounding.to_float16_by_integers
    # four tiles at once: 13 % less time for 16-bit uniforms, more for 32 bits, whose stores come too close together then
    wide = light and np.dtype(cell).itemsize < 4 and _has_many_registers()
    layout = (u64(8 // np.dtype(word).itemsize), u64(np.dtype(cell).itemsize))

    def serial(place, around, stream, p, begin, end, chunk):  # type: ignore[no-untyped-def]
        fill_span(block, trial, wide, rejecting, encode, word, layout, cell, place, around, stream, p, begin, end)

    def threads(place, around, stream, p, begin, end, chunk):  # type: ignore[no-untyped-def]
        for i in prange((end - begin + chunk - 1) // chunk):
            low = begin + i * chunk
            high = min(low + chunk, end)
            fill_span(block, trial, wide, rejecting, encode, word, layout, cell, place, around, stream, p, low, high)

    return _compile(threads if parallel else serial, cache_name(method, dtype, parallel), parallel)


def entry(compiled: Any) -> Kernel:
    """A kernel's only entry, past Numba's look at the arguments' types: 0.5 of a small kernel's 1.5 microseconds."""
    (made,) = compiled.overloads.values()
    function: Kernel = made.entry_point
    return function
