"""How everything is measured: buffers, the yardstick, interleaved rounds, medians and ratios.

Absolute times drift on shared machines, so what is compared is timed in turns (one round: each once) and what is reported is
the median of the rounds, or the median of the ratios within rounds.
"""

from __future__ import annotations

import functools
import itertools
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.kernels import cpus

Array = npt.NDArray[Any]
Call = Callable[[], object]

#: Values of a large fill: 256 MiB of float32.
VALUES = 2**26
ROUNDS = 9
FEW_ROUNDS = 3  # for calls that take so long that more of them would be most of the run

LAWS = ("uniform", "normal", "truncated_normal")
DTYPES = ("float32", "float64", "float16", "bfloat16")  # those that peers fill; 8 bits are fastinit alone
BUFFERS = ("touched", "fresh")


class Missing(NotImplementedError):
    """A peer or facility that is not there: asv skips a benchmark whose setup raises NotImplementedError."""


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of that name, bfloat16 included."""
    return dtypes.resolve(name).dtype


def empty(values: int, dtype: str) -> Array:
    """A new array, whose pages the system has yet to find if it is large."""
    return np.empty(values, numpy_dtype(dtype))


@functools.cache
def touched(values: int, dtype: str) -> Array:
    """A buffer whose pages are all there, the same one for everybody who asks."""
    out = empty(values, dtype)
    out.view(np.uint8).fill(1)
    return out


def _store(out: Array, constant: Any) -> None:
    for i in range(out.size):
        out[i] = constant


@functools.cache
def _compiled_store() -> Any:
    try:
        return njit(nogil=True, cache=True)(_store)
    except RuntimeError:  # no directory to keep a cache in
        return njit(nogil=True)(_store)


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def store(out: Array) -> Array:
    """The yardstick: all threads store one constant, which is as fast as memory takes it.

    By a pool that sleeps between the calls: OpenMP's threads would still spin while the next call is timed.
    """
    cells, threads = out.view(f"u{out.itemsize}").reshape(-1), cpus.allowed()
    constant = cells.dtype.type(1)  # no byte pattern repeats in a 1, so this cannot become a call of memset
    list(_pool(threads).map(_compiled_store(), np.array_split(cells, threads), itertools.repeat(constant)))
    return out


def into(buffer: str, function: Callable[[Array], object], values: int, dtype: str) -> Call:
    """`function` of a "touched" array, or of a "fresh" one allocated for each call, whose pages the system has yet to find.

    It has from 32 MiB on: below, the C library may hand out again what was freed before.
    """
    if buffer == "fresh":
        return lambda: function(empty(values, dtype))
    out = touched(values, dtype)
    return lambda: function(out)


def store_call(values: int, dtype: str = "float32", buffer: str = "touched") -> Call:
    """The yardstick for so many values."""
    return into(buffer, store, values, dtype)


def fill_call(
    law: str, values: int, dtype: str = "float32", buffer: str = "touched", bounds: tuple[float, float] | None = None
) -> Call:
    """fastinit's fill; `bounds` are the truncated normal's."""
    draw = getattr(fi.default_rng(0), law)
    return into(buffer, lambda out: draw(*(bounds or ()), out=out, dtype=out.dtype), values, dtype)


def seconds(call: Call) -> float:
    """Time one call; what it returns is freed after the clock has stopped."""
    start = time.perf_counter()
    result = call()
    elapsed = time.perf_counter() - start
    del result
    return elapsed


def timed_rounds(
    calls: Mapping[str, Call], count: int = ROUNDS, slow: Collection[str] = (), pause: float = 0.0
) -> dict[str, list[float]]:
    """Seconds of every call in every round, after one untimed round; those named in `slow` take part in the first few only.

    A pause before each call lets another library's threads, which may spin for a while after theirs, leave the cores.
    """
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(count):
        for name, call in calls.items():
            if name not in slow or i < FEW_ROUNDS:
                time.sleep(pause)
                times[name].append(seconds(call))
    return times


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each name's samples."""
    return {name: statistics.median(samples) for name, samples in times.items()}


def median_ratio(times: Sequence[float], to: Sequence[float]) -> float:
    """Median over the rounds of one call's time over another's in the same round."""
    return statistics.median(a / b for a, b in zip(times, to, strict=False))


def ratio(times: Mapping[str, Sequence[float]], name: str, to: str) -> float:
    """`median_ratio` of two that `timed_rounds` has timed."""
    return median_ratio(times[name], times[to])


def ratio_of(call: Call, yardstick: Call) -> float:
    """How many times `yardstick` the call takes."""
    return ratio(timed_rounds({"yardstick": yardstick, "call": call}), "call", "yardstick")
