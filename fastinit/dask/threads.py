"""How many threads a chunk is filled with: Dask runs many tasks at once, so each of them is one thread."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Iterator

from fastinit.kernels import cpus


def _alone() -> bool:
    """Whether this process has no other task: its own main thread runs one, which is what the synchronous scheduler does."""
    return threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None


@contextlib.contextmanager
def share() -> Iterator[None]:
    """Fill with this thread alone where other tasks may run beside it, else with all that fastinit uses."""
    with contextlib.nullcontext() if _alone() else cpus.at_most(1):
        yield
