"""Something of torch that another thing stands for while any thread is in a scope."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any


class Replacement:
    """An attribute of a module or a class, replaced as long as it has users."""

    def __init__(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        self.owner, self.name, self.make = owner, name, make
        self.lock = threading.RLock()  # a finalizer may call `remove` within one of these calls
        self.users = 0
        self.original: Any = None
        self.is_inherited = False
        self.ours: Any = None

    def install(self) -> None:
        """Begin one use."""
        with self.lock:
            self.users += 1
            if self.ours is None and hasattr(self.owner, self.name):
                self.original = getattr(self.owner, self.name)
                self.is_inherited = self.name not in vars(self.owner)
                self.ours = self.make(self.original)
                setattr(self.owner, self.name, self.ours)

    def remove(self) -> None:
        """End one use; the last one restores the attribute. If somebody has wrapped ours, it stays, and calls torch's."""
        with self.lock:
            self.users -= 1
            if self.users == 0 and self.ours is not None and getattr(self.owner, self.name) is self.ours:
                if self.is_inherited:
                    delattr(self.owner, self.name)
                else:
                    setattr(self.owner, self.name, self.original)
                self.ours = None

    def keep(self, owner: Any) -> None:
        """Leave it in place as long as an object lives."""
        with self.lock:
            self.users += 1
        weakref.finalize(owner, self.remove).atexit = False
