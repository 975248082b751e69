"""How many threads a chunk is filled with: Dask runs many tasks at once, so each of them is one thread."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Iterator

import numba


def _alone() -> bool:
    """Whether this process has no other task: its own main thread runs one, which is what the synchronous scheduler does."""
    return threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None


@contextlib.contextmanager
def share() -> Iterator[None]:
    """Fill with this thread alone where other tasks may run beside it, else with all of Numba's.

    Numba's number of threads is each thread's own, so nobody else's fills change.
    """
    if _alone():
        yield
        return
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
