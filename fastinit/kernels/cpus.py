"""How many CPUs this process may use: its affinity, its cgroup's quota, and what the environment asks for."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_own = threading.local()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


def _folders(own: Path, root: Path) -> Iterator[Path]:
    """The cgroup's folders from this root on; a container may mount its own group as the root."""
    parts = PurePosixPath(_own_path(own, root)).parts[1:]
    return (root.joinpath(*parts[:n]) for n in range(len(parts), -1, -1))


def _own_path(own: Path, root: Path) -> str:
    """The process's own path below the root: v1 names its controllers, v2 none."""
    for line in _text(own).splitlines():
        _, controllers, path = [*line.split(":", 2), "?", "/"][:3]
        if ("cpu" in controllers.split(",")) if root.name == "cpu" else not controllers:
            return path
    return "/"


def quota(own: Path = Path("/proc/self/cgroup"), root: Path = _CGROUPS) -> float:
    """How many CPUs' time the process's cgroups allow (v1 or v2): infinity where there is no limit."""
    least = math.inf
    for folder in _folders(own, root):
        limit, *period = _text(folder / "cpu.max").split() or ["max"]
        if limit.isdecimal() and period and period[0].isdecimal() and int(period[0]):
            least = min(least, int(limit) / int(period[0]))
    for folder in _folders(own, root / "cpu"):
        limit, span = (_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
        if limit.isdecimal() and span.isdecimal() and int(span):  # -1: no limit
            least = min(least, int(limit) / int(span))
    return least


def affinity() -> int:
    """CPUs that the system lets this process run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _number(variable: str) -> int | None:
    """The number in an environment variable, or in the first of several; None where there is none."""
    text = os.environ.get(variable, "").partition(",")[0].strip()
    return max(int(text), 1) if text.isdecimal() else None


@functools.cache
def usual() -> int:
    """Threads of a fill unless the program sets another number.

    NUMBA_NUM_THREADS where it is set; else the CPUs of the affinity mask, at most as many as the quota pays for and
    OMP_NUM_THREADS says.
    """
    chosen = _number("NUMBA_NUM_THREADS")
    if chosen is not None:
        return chosen
    most = affinity()
    return max(min(most, _number("OMP_NUM_THREADS") or most, math.ceil(min(quota(), most))), 1)


@contextlib.contextmanager
def at_most(count: int) -> Iterator[None]:
    """Let this thread's fills use at most so many threads."""
    before = _most()
    _own.most = min(count, before)
    try:
        yield
    finally:
        _own.most = before


def _most() -> int:
    return int(getattr(_own, "most", sys.maxsize))


def allowed() -> int:
    """Threads of this thread's fills: the usual number, or less by `at_most` or after `numba.set_num_threads`.

    Numba is asked only where it has started threads of its own, as that call does.
    """
    numba = sys.modules.get("numba")
    if numba is not None and hasattr(numba, "threading_layer"):
        with contextlib.suppress(ValueError):
            numba.threading_layer()
            return min(usual(), int(numba.get_num_threads()), _most())
    return min(usual(), _most())
