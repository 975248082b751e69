"""Something of torch that another thing stands for while any thread is in a scope."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Replacement:
    """An attribute of a module, replaced as long as it has users."""

    def __init__(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        self.owner, self.name, self.make = owner, name, make
        self.lock = threading.Lock()
        self.users = 0
        self.original: Any = None
        self.ours: Any = None

    def install(self) -> None:
        """Begin one use."""
        with self.lock:
            self.users += 1
            if self.ours is None and hasattr(self.owner, self.name):
                self.original = getattr(self.owner, self.name)
                self.ours = self.make(self.original)
                setattr(self.owner, self.name, self.ours)

    def remove(self) -> None:
        """End one use; the last one restores the attribute. If somebody has wrapped ours, it stays, and calls torch's."""
        with self.lock:
            self.users -= 1
            if self.users == 0 and self.ours is not None and getattr(self.owner, self.name) is self.ours:
                setattr(self.owner, self.name, self.original)
                self.ours = None

    def keep(self) -> None:
        """Leave it in place for good."""
        with self.lock:
            self.users += 1
