"""One thread for each call of BLAS, while several threads of ours call it at once."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import threading
from collections.abc import Iterator
from typing import Any


@functools.cache
def is_limited() -> bool:
    """Whether BLAS can be told to use one thread: threadpoolctl, an extra, does it."""
    return importlib.util.find_spec("threadpoolctl") is not None


@functools.cache
def _libraries() -> Any:
    """The BLAS libraries of this process."""
    from threadpoolctl import ThreadpoolController  # looks at all loaded libraries, ten milliseconds

    return ThreadpoolController()


def limit() -> Any:
    """Let BLAS use one thread per call: those of this thread, or all if the library has one number for the process."""
    return _libraries().limit(limits=1, user_api="blas")


class _Group:
    """Products that run at the same time. The first one to begin sets the limit of the process, and ends last to lift it.

    Only the thread that set the limit of OpenBLAS can lift it. A product that begins while the first one waits for the others
    waits for the next group.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.running = 0
        self.first: contextlib.ExitStack | None = None
        self.ends_in: int | None = None

    def enter(self) -> bool:
        """Begin a product; whether it is the first one."""
        with self.changed:
            self.changed.wait_for(lambda: self.ends_in in (None, threading.get_ident()))
            is_first = self.first is None
            if is_first:
                self.first = contextlib.ExitStack()
                self.first.enter_context(limit())
            self.running += 1
            return is_first

    def leave(self, is_first: bool) -> None:
        """End a product."""
        with self.changed:
            self.running -= 1
            try:
                if is_first:
                    self.ends_in = threading.get_ident()
                    self.changed.wait_for(lambda: self.running <= 0)
            finally:
                if is_first:
                    self.lift()
                self.changed.notify_all()

    def lift(self) -> None:
        """Give BLAS its threads back."""
        if self.first is not None:
            self.first.close()
        self.first = self.ends_in = None


_group = _Group()


def _new_group() -> None:
    """Forget the products of a forked child's parent, whose threads the child does not have."""
    global _group
    _group.lift()
    _group = _Group()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _group.changed.acquire(), after_in_parent=lambda: _group.changed.release(), after_in_child=_new_group
    )


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let each call of BLAS in this process use one thread while products run."""
    group = _group
    is_first = group.enter()
    try:
        yield
    finally:
        group.leave(is_first)
