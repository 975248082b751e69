"""The table of rows, what each is compiled to, and the cache that keeps it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange, types
from numba.core.registry import cpu_target

from fastinit.kernels import plain, rounding, truncated
from fastinit.kernels.fill import fill_span

u64 = np.uint64

Kernel = Callable[..., None]


class Method(NamedTuple):
    """A distribution's functions, and whether it rejects."""

    block: Callable[..., Any]
    trial: Callable[..., Any]
    rejecting: bool


class Storage(NamedTuple):
    """How a dtype is made: the word it eats, the last stage, and the unsigned integer of its size."""

    word: type
    encode: Callable[..., Any]
    cell: type


METHODS = {
    "bits": Method(plain.bits, plain.bits_trial, False),
    "uniform": Method(plain.uniform, plain.uniform_trial, False),
    "normal": Method(plain.normal, plain.normal_trial, False),
    "truncated_central": Method(truncated.central, truncated.central_trial, True),
    "truncated_tails": Method(truncated.tails, truncated.tails_trial, True),
}

STORAGE = {
    "float32": Storage(np.uint32, rounding.as_is, np.uint32),
    "float64": Storage(np.uint64, rounding.as_is, np.uint64),
    "float16": Storage(np.uint32, rounding.to_float16, np.uint16),
    "bfloat16": Storage(np.uint32, rounding.to_bfloat16, np.uint16),
    "uint32": Storage(np.uint32, rounding.as_is, np.uint32),
}

#: Every pair that a Generator may ask for.
ROWS = tuple((method, dtype) for method in METHODS for dtype in STORAGE if (method == "bits") == (dtype == "uint32"))

#: place (origin, address, count, step, stride), outer axes, stream (call, key words), parameters' address, begin, end, chunk.
SIGNATURE = types.void(
    types.UniTuple(types.int64, 5),
    types.Array(types.int64, 2, "C", readonly=True),
    types.UniTuple(types.int64, 3),
    types.int64,
    types.int64,
    types.int64,
    types.int64,
)


@functools.cache
def _converts_half() -> bool:
    """Whether the CPU that Numba compiles for converts float32 to float16 itself."""
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return triple.startswith(("aarch64", "arm64")) or "+f16c" in features.split(",")


@functools.cache
def sources_digest() -> str:
    """Name the state of all kernel sources. Numba's own cache watches the file of a kernel, not of what it calls."""
    digest, here = hashlib.sha256(), Path(__file__).parent
    for path in (*sorted(here.glob("*.py")), here.parent / "proposals.py"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_name(method: str, dtype: str, parallel: bool) -> str:
    """The name, hence the cache files, of one kernel in one state of the sources: no other may share it.

    Two processes that compile different kernels under one name can each store what the other's index describes.
    """
    return f"fill_{method}_{dtype}_{'parallel' if parallel else 'serial'}_{sources_digest()}"


def _compile(body: Kernel, name: str, parallel: bool) -> Kernel:
    """Compile for the one signature, and keep the result in Numba's cache if there is a place for it."""
    body.__qualname__ = body.__name__ = name
    options = {"parallel": parallel, "nogil": True, "error_model": "numpy"}
    try:
        compiled: Kernel = njit([SIGNATURE], cache=True, **options)(body)
    except (RuntimeError, OSError) as error:  # no directory to keep a cache in, or no room in it
        if isinstance(error, RuntimeError) and "cannot cache" not in str(error):
            raise
        compiled = njit([SIGNATURE], **options)(body)
    return compiled


@functools.cache
def kernel(method: str, dtype: str, parallel: bool) -> Kernel:
    """The compiled loop for one row: `kernel(place, outer, stream, parameters, begin, end, chunk)`."""
    block, trial, rejecting = METHODS[method]
    word, encode, cell = STORAGE[dtype]
    if encode is rounding.to_float16 and not _converts_half():
        encode = rounding.to_float16_by_integers
    layout = (u64(8 // np.dtype(word).itemsize), u64(np.dtype(cell).itemsize))

    def serial(place, outer, stream, p, begin, end, chunk):  # type: ignore[no-untyped-def]
        fill_span(block, trial, rejecting, encode, word, layout, cell, place, outer, stream, p, begin, end)

    def threads(place, outer, stream, p, begin, end, chunk):  # type: ignore[no-untyped-def]
        for i in prange((end - begin + chunk - 1) // chunk):
            low = begin + i * chunk
            high = min(low + chunk, end)
            fill_span(block, trial, rejecting, encode, word, layout, cell, place, outer, stream, p, low, high)

    return _compile(threads if parallel else serial, cache_name(method, dtype, parallel), parallel)
