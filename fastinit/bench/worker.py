"""The process of one sampler: it gets ready, then times one sample for each request until its parent hangs up."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fastinit.bench.clock import hertz
from fastinit.bench.measure import Call, Job, seconds
from fastinit.bench.samplers import STORES, ready
from fastinit.peers.libraries import Missing

#: Seconds of timed calls in a sample, if MOST_CALLS are enough for that: a single short call is timed too unevenly.
SAMPLE = 0.02
MOST_CALLS = 1000
#: Before samples of shorter calls an untimed call wakes the threads and fills the caches.
BRIEF = 0.25
#: Seconds of the calls for one value whose mean is taken, and how many means.
SHORTEST, MEANS = 0.002, 5
#: Seconds in which the system's clock of a process must move, so that it tells the cores of a sample.
STEP = 0.001


def _moves() -> bool:
    start, end = time.process_time(), time.perf_counter() + STEP
    while time.perf_counter() < end:
        pass
    return time.process_time() > start


def _tells_cores() -> bool:
    """Whether the system's clock of a process is fine enough: that of Windows moves every 15.6 ms, whatever Python says."""
    return all(_moves() for _ in range(3))


def _sample(call: Call, calls: int, warm: bool, tells_cores: bool) -> dict[str, Any]:
    """The mean seconds of this many calls, how many cores were busy (or 0), and the clock of the core right after them."""
    if warm:
        call()
    start, busy = time.perf_counter(), time.process_time()
    mean = sum(seconds(call) for _ in range(calls)) / calls
    wall = time.perf_counter() - start
    cores = (time.process_time() - busy) / wall
    return {"seconds": mean, "cores": cores if tells_cores else 0.0, "hertz": hertz()}


def _repetitions(call: Call, wanted: float) -> tuple[int, float]:
    """How many calls take so many seconds, at most MOST_CALLS, and the seconds of one."""
    call()  # compiles, or finds pages
    once = seconds(call)
    if once < BRIEF:
        once = min(once, seconds(call), seconds(call))
    return max(1, min(MOST_CALLS, round(wanted / once))), once


def _overhead(library: str, job: Job) -> float:
    """The seconds of a call for one value: the least of some means, since others can only make a call longer."""
    call, _ = ready(library, job._replace(values=1))
    calls, _ = _repetitions(call, SHORTEST)
    return min(sum(seconds(call) for _ in range(calls)) / calls for _ in range(MEANS))


def _reason(error: Exception) -> str:
    message = " ".join(str(error).split())
    text = message if isinstance(error, Missing) else ": ".join(filter(None, (type(error).__name__, message)))
    return text if len(text) <= 200 else f"{text[:197]}..."


def _answers(library: str, job: Job) -> Iterator[dict[str, Any]]:
    """What is answered when the sampler is ready, and then sample after sample."""
    call, values = ready(library, job)
    calls, once = _repetitions(call, SAMPLE)
    yield {"values": values, "calls": calls}
    # memory that was touched and freed just before: else a virtual machine may have given it back to its host
    warm, tells_cores = once < BRIEF or job.buffer == "fresh", _tells_cores()
    first = _sample(call, calls, warm, tells_cores)
    # not before, when all samplers get ready at the same time
    yield first | {"overhead_seconds": _overhead(library, job) if calls > 1 and library not in STORES else None}
    while True:
        yield _sample(call, calls, warm, tells_cores)


def serve(connection: Connection, library: str, job: Job, output: str) -> None:
    """Serve until the parent hangs up; an exception is an answer too. All that is printed goes to the file `output`."""
    if hasattr(os, "setsid"):  # a Ctrl-C reaches the parent only, and the parent can kill all descendants together
        os.setsid()
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    warnings.simplefilter("ignore")
    answers, answer = _answers(library, job), {}
    while "error" not in answer:
        try:
            answer = next(answers)
        except Exception as error:  # the library may do anything wrong
            answer = {"error": _reason(error)}
        try:
            connection.send(answer)
            connection.recv()
        except (EOFError, OSError):
            Path(output).unlink(missing_ok=True)  # a parent that was killed could not do it
            return
