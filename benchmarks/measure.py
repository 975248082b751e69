"""How everything here is measured: buffers, the yardstick, interleaved rounds, medians and ratios.

Absolute times drift on shared machines, so what is compared is timed in turns (one round: each once) and what is reported is
the median of the rounds, or the median of the ratios within rounds.
"""

import functools
import os
import statistics
import time

import ml_dtypes
import numpy as np
from numba import njit, prange

import fastinit as fi

#: Values of a large fill. Set small, every benchmark runs in an instant: times mean nothing then, but nothing rots.
VALUES = int(os.environ.get("FASTINIT_BENCH_VALUES", 2**26))
ROUNDS = 9
FEW_ROUNDS = 3

LAWS = ("uniform", "normal", "truncated_normal")
DTYPES = ("float32", "float64", "float16", "bfloat16")


class Missing(NotImplementedError):
    """A peer or facility that is not there: asv skips a benchmark whose setup raises NotImplementedError."""


def numpy_dtype(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def empty(values, dtype):
    return np.empty(values, numpy_dtype(dtype))


@functools.cache
def touched(values, dtype):
    """A buffer whose pages are all there, the same one for everybody who asks."""
    out = empty(values, dtype)
    out.view(np.uint8).fill(1)
    return out


@njit(parallel=True, cache=True)
def _store(out, constant):
    for i in prange(out.size):
        out[i] = constant


def store(out):
    """The yardstick: all threads store one constant, which is as fast as memory takes it."""
    cells = out.view(f"u{out.itemsize}")
    _store(cells, cells.dtype.type(1))  # no byte pattern repeats in a 1, so this cannot become a call of memset
    return out


def into(buffer, function, values, dtype):
    """`function` of a "touched" array, or of a "fresh" one allocated for each call, whose pages the system has yet to find.

    It has from 32 MiB on: below, the C library may hand out again what was freed before.
    """
    if buffer == "fresh":
        return lambda: function(empty(values, dtype))
    out = touched(values, dtype)
    return lambda: function(out)


def store_call(values, dtype="float32", buffer="touched"):
    return into(buffer, store, values, dtype)


def fill_call(law, values, dtype="float32", buffer="touched", bounds=()):
    """fastinit's fill; `bounds` are the truncated normal's."""
    draw = getattr(fi.default_rng(0), law)
    return into(buffer, lambda out: draw(*bounds, out=out, dtype=out.dtype), values, dtype)


def seconds(call):
    """Time one call; what it returns is freed after the clock has stopped."""
    start = time.perf_counter()
    result = call()
    elapsed = time.perf_counter() - start
    del result
    return elapsed


def rounds(calls, count=ROUNDS, slow=(), pause=0.0):
    """Seconds of every call in every round, after one untimed round; those named in `slow` take part in the first few only.

    A pause before each call lets another library's threads, which may spin for a while after theirs, leave the cores.
    """
    for call in calls.values():
        call()
    times = {name: [] for name in calls}
    for i in range(count):
        for name, call in calls.items():
            if name not in slow or i < FEW_ROUNDS:
                time.sleep(pause)
                times[name].append(seconds(call))
    return times


def medians(times):
    return {name: statistics.median(samples) for name, samples in times.items()}


def ratio(times, name, to):
    """Median over the rounds of one call's time over another's in the same round."""
    return statistics.median(a / b for a, b in zip(times[name], times[to], strict=False))


def ratio_of(call, yardstick):
    """How many times `yardstick` the call takes."""
    return ratio(rounds({"yardstick": yardstick, "call": call}), "call", "yardstick")
