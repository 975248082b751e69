"""The scopes that each thread is in."""

from __future__ import annotations

import threading
from typing import Any


class _Stack(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Any] = []


_stack = _Stack()


def current() -> Any:
    """The innermost scope that this thread is in, or None."""
    scopes = _stack.scopes
    return scopes[-1] if scopes else None


def noting(tensor: Any) -> Any:
    """The innermost scope of this thread that notes what is done to a tensor, or None. A `fast_init` block may be inside."""
    for scope in reversed(_stack.scopes):
        if scope.notes(tensor):
            return scope
    return None


def push(scope: Any) -> None:
    _stack.scopes.append(scope)


def remove(scope: Any) -> bool:
    """Take a scope out, whatever was entered after it; whether the thread is in no scope any more."""
    _stack.scopes = [other for other in _stack.scopes if other is not scope]
    return not _stack.scopes
