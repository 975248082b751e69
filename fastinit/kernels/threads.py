"""Threads that help with large fills. Nobody waits for one that has not begun.

The helpers are Python threads that sleep on a queue; compiled code holds no lock of Python's. A fill puts itself on the queue
and begins at once: its own thread and each helper that wakes up take chunk after chunk, until none is left. So a CPU that is
busy with another process costs nothing but its help. OpenMP's threads, which Numba's `prange` uses, meet at the end of each
region; while one waits for a CPU, the others wait for it (8 to 16 ms for a fill of 15 microseconds, measured).
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.kernels import cpus
from fastinit.kernels.layout import ARGUMENTS, SCRATCH
from fastinit.kernels.rows import Loop

#: Values below which one thread is faster: to wake a helper takes some 10 to 50 microseconds.
PARALLEL_FROM = 1 << 17
CHUNK = 1 << 19  # values: 2 MiB of float32, a huge page
GRAIN = 1 << 13  # chunks are multiples of this
CLOSED = 1 << 40  # more chunks than there are


class Job(NamedTuple):
    """A call of the loop that several threads make."""

    loop: Loop
    arguments: bytes
    #: The next chunk, and how many threads are at work.
    shared: npt.NDArray[np.int64]
    #: The output, until the fill has returned.
    kept: list[Any]


_jobs: SimpleQueue[Job] = SimpleQueue()
_helpers = 0
_starting = threading.Lock()
_own = threading.local()


def _forget() -> None:
    """In a forked child: no helper has come along."""
    global _jobs, _helpers, _starting
    _jobs, _helpers, _starting = SimpleQueue(), 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def address_of(array: npt.NDArray[Any]) -> int:
    """Where its first element lies."""
    address: int = array.__array_interface__["data"][0]
    return address


def scratch() -> int:
    """The address of this thread's scratch memory."""
    try:
        return _own.address  # type: ignore[no-any-return]
    except AttributeError:
        _own.memory = np.empty(SCRATCH // 8 + 1, np.int64)
        _own.address = address_of(_own.memory)
        return _own.address


def _help(jobs: SimpleQueue[Job]) -> None:
    memory = scratch()
    while True:
        job = jobs.get()
        job.loop(job.arguments, memory, False)
        del job


def _start(wanted: int) -> None:
    """Have so many helpers, or as many as the system gives."""
    global _helpers
    with _starting:
        while _helpers < wanted:
            try:
                threading.Thread(target=_help, args=(_jobs,), name=f"fastinit-{_helpers}", daemon=True).start()
            except RuntimeError:  # no more threads, or the interpreter is going down
                return
            _helpers += 1


def helpers(count: int) -> int:
    """How many threads may help to fill so many values."""
    return cpus.allowed() - 1 if count >= PARALLEL_FROM else 0


def chunk_size(count: int, threads: int) -> int:
    """Values per chunk: at least four chunks a thread, as long as they are worth the taking."""
    share = -(-count // (4 * threads))
    return min(max(-(-share // GRAIN) * GRAIN, GRAIN), CHUNK)


def fill_together(loop: Loop, head: tuple[int, ...], begin: int, end: int, wanted: int, kept: Any) -> None:
    """Call the loop for `begin` to `end` with this thread and up to `wanted` helpers."""
    if _helpers < wanted:
        _start(wanted)
    shared, memory = np.zeros(2, np.int64), scratch()
    arguments = ARGUMENTS.pack(*head, begin, end, chunk_size(end - begin, wanted + 1), address_of(shared))
    job = Job(loop, arguments, shared, [kept])
    try:
        for _ in range(wanted):
            if _jobs.qsize() >= _helpers:  # all are busy, or still on their way to earlier fills
                break
            _jobs.put(job)
        loop(arguments, memory, True)
    except BaseException:  # a signal's, between two steps of Python: the others must be out of the memory before it is freed
        shared[0] = CLOSED
        loop(arguments, memory, True)
        raise
    finally:
        job.kept.clear()
