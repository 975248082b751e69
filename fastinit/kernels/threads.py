"""Whether a fill may use Numba's threads, or must run its serial twin.

Facts behind the rules (Numba 0.68): a parallel region in a forked child of a process that used GNU OpenMP kills the child;
two threads in a parallel region at once under the `workqueue` layer abort the process; below some 2^15 values the start of
the threads costs more than it saves.
"""

from __future__ import annotations

import contextlib
import os
import threading

import numba

#: Values below which one thread is faster (a parallel start takes some 10 to 40 microseconds).
PARALLEL_FROM = 1 << 15
CHUNK = 1 << 19  # values: 2 MiB of float32, a huge page
GRAIN = 1 << 13  # chunks are multiples of this

_launch = threading.Lock()
_forked = False


def _after_fork() -> None:
    global _forked, _launch
    _forked = True
    _launch = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _layer() -> str | None:
    """The threading layer in use, or None before the first parallel region of the process."""
    try:
        return str(numba.threading_layer())
    except ValueError:
        return None


#: Where any number of threads may launch at once.
_FREE = contextlib.nullcontext()


def enter_parallel(count: int) -> contextlib.AbstractContextManager[object] | None:
    """Ask to fill `count` values in parallel: None means no, else each launch belongs into a `with` of what is returned.

    A lock is taken by that `with` alone, so that no signal can come between the taking and what gives it back.
    """
    if count < PARALLEL_FROM or _forked or numba.get_num_threads() == 1:
        return None
    if _layer() in ("omp", "tbb"):
        return _FREE
    # One at a time: the layer is `workqueue`, or not known before the first launch.
    return None if _launch.locked() else _launch


def chunk_size(count: int) -> int:
    """Values per chunk: at least four chunks a thread, as long as they are worth the start."""
    share = -(-count // (4 * int(numba.get_num_threads())))
    return min(max(-(-share // GRAIN) * GRAIN, GRAIN), CHUNK)
