"""The process of one sampler: told on stdin to make it ready and then to time it, it answers on stdout. Lines of JSON."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, TextIO

from fastinit.bench import peers
from fastinit.bench.measure import Call, Missing, seconds

#: Seconds of timed calls in a turn, as far as MOST_CALLS suffice for it: short calls are too uneven to be timed alone.
TURN = 0.02
MOST_CALLS = 1000
#: A call that takes less is made once untimed before each sample, so that threads are awake and caches are its own.
BRIEF = 0.25


def _sample(call: Call, calls: int, brief: bool) -> dict[str, Any]:
    """Seconds of a call, the mean of so many; and how many cores were busy in the meantime."""
    if brief:
        call()
    start, busy = time.perf_counter(), time.process_time()
    mean = sum(seconds(call) for _ in range(calls)) / calls
    wall = time.perf_counter() - start
    return {"seconds": mean, "cores": (time.process_time() - busy) / wall}


def _prepare(library: str, law: str, job: peers.Job) -> tuple[Callable[[], dict[str, Any]], dict[str, Any]]:
    call, values = peers.ready(peers.find(library, law, job.dtype), job)
    call()  # compiles, or finds pages
    once = seconds(call)
    calls = max(1, min(MOST_CALLS, round(TURN / once)))
    return lambda: _sample(call, calls, once < BRIEF), {"values": values, "calls": calls}


def _reason(error: Exception) -> str:
    message = " ".join(str(error).split())
    text = message if isinstance(error, Missing) else ": ".join(filter(None, (type(error).__name__, message)))
    return text if len(text) <= 200 else f"{text[:197]}..."


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer every line with one; an exception is an answer too."""
    sample: Callable[[], dict[str, Any]] | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if sample is None:
                sample, answer = _prepare(request["library"], request["law"], peers.Job(**request["job"]))
            else:
                answer = sample()
        except Exception as error:  # whatever the library does wrong
            answer = {"error": _reason(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serve until stdin ends. What a library prints goes to stderr: stdout is for the answers alone."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)
