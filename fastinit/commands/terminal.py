"""What commands share: text on stdout, quoting of printed names, and the signals that stop them."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Seconds after a signal during which further ones are ignored.
PATIENCE = 2.0


def _encodable(text: str) -> str:
    """The text, with escapes for what stdout cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def word(text: str) -> str:
    """The text, quoted and escaped if it would break the line or cannot be encoded."""
    return _encodable(text if text.isprintable() and text and " " not in text else repr(text))


def show(text: str) -> None:
    """Print at once; what cannot be encoded is escaped."""
    print(_encodable(text), flush=True)


@contextlib.contextmanager
def streams() -> Iterator[None]:
    """Print to nowhere where the process was started without a standard output, or without a standard error."""
    with contextlib.ExitStack() as stack:
        for stream, redirected in ((sys.stdout, contextlib.redirect_stdout), (sys.stderr, contextlib.redirect_stderr)):
            if stream is None:
                stack.enter_context(redirected(stack.enter_context(Path(os.devnull).open("w"))))
        yield


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt with the signal's number.

    Further signals are ignored for some time: an impatient second Ctrl-C must not stop the removal of the temporary file.
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
            # Another handler was set by `nohup` or by a caller, and stays.
            if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                replaced[number] = signal.signal(number, stop)
        yield
    finally:
        if last == -math.inf:  # else the process is about to exit, and a second Ctrl-C should not disturb that either
            for number, handler in replaced.items():
                signal.signal(number, handler)
