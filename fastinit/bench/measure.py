"""How fills are timed: buffers, the yardstick, interleaved rounds, medians and ratios.

Absolute times drift on shared machines. So calls are timed in turns (a round times each call once), and the result is the
median of the rounds, or the median of the ratios within rounds.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.bench.stores import Array, store
from fastinit.laws import Distribution
from fastinit.peers.interface import ARGUMENTS, LAWS, MORE

Call = Callable[[], object]

#: Values of a large fill: 256 MiB of float32.
VALUES = 2**26
ROUNDS = 9
FEW_ROUNDS = 3  # of slow calls: more rounds of them would take most of the run

DTYPES = ("float32", "float64", "float16", "bfloat16")  # only fastinit fills 8-bit dtypes
BUFFERS = ("touched", "fresh")


class Job(NamedTuple):
    """A fill that is timed: a law, a count of values, their dtype, a "touched" or "fresh" buffer, a number of threads.

    The law is one of `fastinit.peers.samplers`, or the text of any. On the device "cuda" the buffer is always touched, and
    threads do not count. `place` is the cache that the values fit, "l2" or "l3", or "ram", or empty.
    """

    law: str
    values: int
    dtype: str
    buffer: str
    threads: int
    device: str = "cpu"
    place: str = ""


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of that name, bfloat16 included."""
    return dtypes.resolve(name, dtypes.ALL_NAMES).dtype


def empty(values: int, dtype: str) -> Array:
    """A new array. If it is large, the system has not found its pages yet."""
    return np.empty(values, numpy_dtype(dtype))


@functools.cache
def touched(values: int, dtype: str) -> Array:
    """An array whose pages are all there; the same array for each call with these arguments."""
    out = empty(values, dtype)
    out.view(np.uint8).fill(1)
    return out


def into(buffer: str, function: Callable[[Array], object], values: int, dtype: str) -> Call:
    """A call of `function` with a "touched" array, or with a "fresh" one that each call allocates.

    The system must find the pages of a fresh array from 32 MiB on. Smaller ones may be memory that was freed before.
    """
    if buffer == "fresh":
        return lambda: function(empty(values, dtype))
    out = touched(values, dtype)
    return lambda: function(out)


def store_call(values: int, dtype: str = "float32", buffer: str = "touched") -> Call:
    """A call of the yardstick for this many values."""
    return into(buffer, store, values, dtype)


def distribution(law: str) -> Distribution:
    """The law of a job."""
    return fi.laws.parse(f"{law}{ARGUMENTS.get(law, ())}" if law in (*LAWS, *MORE) else law)


def drawing(law: str, bounds: tuple[float, float] | None = None) -> Callable[..., Any]:
    """The Generator's method for a law, or `draw`; `bounds` are those of the truncated normal."""
    rng = fi.default_rng(0)
    if law in LAWS:
        return functools.partial(getattr(rng, law), *(bounds or ()))
    return functools.partial(rng.draw, distribution(law))


def fill_call(
    law: str, values: int, dtype: str = "float32", buffer: str = "touched", bounds: tuple[float, float] | None = None
) -> Call:
    """A call of fastinit's fill; `bounds` are those of the truncated normal."""
    draw = drawing(law, bounds)
    return into(buffer, lambda out: draw(out=out, dtype=out.dtype), values, dtype)


def seconds(call: Call) -> float:
    """The time of one call. Its result is freed after the clock has stopped."""
    start = time.perf_counter()
    result = call()
    elapsed = time.perf_counter() - start
    del result
    return elapsed


def timed_rounds(
    calls: Mapping[str, Call],
    count: int = ROUNDS,
    slow: Collection[str] = (),
    pause: float = 0.01,
    fresh: Collection[str] = (),
) -> dict[str, list[float]]:
    """Seconds of each call in each round, after one untimed round. Calls named in `slow` run in the first few rounds only.

    A library's threads may spin for a while after its call: a pause before each call lets them leave the cores. Calls named in
    `fresh` run untimed just before they are timed: else a virtual machine may have given the memory back to its host.
    """
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(count):
        for name, call in calls.items():
            if name not in slow or i < FEW_ROUNDS:
                time.sleep(pause)
                if name in fresh:
                    call()
                times[name].append(seconds(call))
    return times


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of the samples of each name."""
    return {name: statistics.median(samples) for name, samples in times.items()}


def median_ratio(times: Sequence[float], to: Sequence[float]) -> float:
    """The median of the ratios of two calls' times in the same round."""
    return statistics.median(a / b for a, b in zip(times, to, strict=False))


def ratio(times: Mapping[str, Sequence[float]], name: str, to: str) -> float:
    """`median_ratio` of two calls that `timed_rounds` has timed."""
    return median_ratio(times[name], times[to])


def ratio_of(call: Call, yardstick: Call) -> float:
    """The time of a call over that of `yardstick`."""
    return ratio(timed_rounds({"yardstick": yardstick, "call": call}), "call", "yardstick")
