"""The process of one sampler: it gets ready, then times one sample for each request until its parent hangs up."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from fastinit.bench.measure import Call, Job, seconds
from fastinit.bench.samplers import ready
from fastinit.peers.libraries import Missing

#: Seconds of timed calls in a sample, if MOST_CALLS are enough for that: a single short call is timed too unevenly.
SAMPLE = 0.02
MOST_CALLS = 1000
#: Before samples of shorter calls an untimed call wakes the threads and fills the caches.
BRIEF = 0.25


def _sample(call: Call, calls: int, brief: bool) -> dict[str, Any]:
    """The mean seconds of this many calls, and how many cores were busy."""
    if brief:
        call()
    start, busy = time.perf_counter(), time.process_time()
    mean = sum(seconds(call) for _ in range(calls)) / calls
    wall = time.perf_counter() - start
    return {"seconds": mean, "cores": (time.process_time() - busy) / wall}


def _prepare(library: str, job: Job) -> tuple[Callable[[], dict[str, Any]], dict[str, Any]]:
    """The function that times a sample, and the first answer."""
    call, values = ready(library, job)
    call()  # compiles, or finds pages
    once = seconds(call)
    calls = max(1, min(MOST_CALLS, round(SAMPLE / once)))
    return lambda: _sample(call, calls, once < BRIEF), {"values": values, "calls": calls}


def _reason(error: Exception) -> str:
    message = " ".join(str(error).split())
    text = message if isinstance(error, Missing) else ": ".join(filter(None, (type(error).__name__, message)))
    return text if len(text) <= 200 else f"{text[:197]}..."


def _answers(connection: Connection, library: str, job: Job) -> None:
    sample, answer = _prepare(library, job)
    while True:
        connection.send(answer)
        connection.recv()
        answer = sample()


def serve(connection: Connection, library: str, job: Job, output: str) -> None:
    """Serve until the parent hangs up; an exception is an answer too. All that is printed goes to the file `output`."""
    if hasattr(os, "setsid"):  # a Ctrl-C reaches the parent only, and the parent can kill all descendants together
        os.setsid()
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    warnings.simplefilter("ignore")
    try:
        _answers(connection, library, job)
    except EOFError:
        return
    except Exception as error:  # the library may do anything wrong
        connection.send({"error": _reason(error)})
