"""A command's relations with its terminal: the bar, the words it prints, the signals that stop it."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

#: Seconds for which a signal to stop is not repeated.
PATIENCE = 2.0


def word(text: str) -> str:
    """The text as it is, or quoted and escaped where that would break the line or the stream."""
    shown = text if text.isprintable() and text and " " not in text else repr(text)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt with the signal's number.

    Not again for some time after the first: an impatient second Ctrl-C must not stop the removal of the temporary file.
    """
    last = -math.inf

    def stop(number: int, frame: object) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before > PATIENCE:
            raise KeyboardInterrupt(number)

    replaced: dict[int, Any] = {}
    try:
        for name in ("SIGINT", "SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ():
            number = getattr(signal, name, None)
            # Others belong to `nohup`, or to a caller.
            if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                replaced[number] = signal.signal(number, stop)
        yield
    finally:
        if last == -math.inf:  # else the process is about to leave, which a second Ctrl-C should not disturb either
            for number, handler in replaced.items():
                signal.signal(number, handler)
