"""How many threads fill a chunk: one, since Dask runs many tasks at once, but all where only one task can run."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Iterator

from fastinit.kernels import cpus


def _alone() -> bool:
    """Whether this is the only task of the process: the synchronous scheduler runs its tasks in the main thread."""
    return threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None


@contextlib.contextmanager
def share() -> Iterator[None]:
    """Use this thread alone if other tasks may run at the same time, else all threads that fastinit may use."""
    with contextlib.nullcontext() if _alone() else cpus.at_most(1):
        yield
