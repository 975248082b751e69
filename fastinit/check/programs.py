"""Programs that write values to their standard output, for `fastinit check --command`."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from fastinit.arguments import dtypes
from fastinit.check.exact import Array
from fastinit.check.results import SamplerError

#: What a command's words may hold.
PLACEHOLDERS = ("count", "seed", "dtype")
#: Seconds for a program to end after its last value, and to end when it is told to.
AT_END, AT_ONCE = 10.0, 2.0


def words(text: str) -> tuple[str, ...]:
    """The words of a command, as a shell would part them; no shell runs. ValueError if there is no such program."""
    try:
        parts = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"--command: {error}; got {text!r}") from None
    if not parts:
        raise ValueError("--command: must name a program; got nothing")
    for name in re.findall(r"\{(\w+)\}", text):
        if name.lower() in PLACEHOLDERS and name not in PLACEHOLDERS:
            raise ValueError(f"--command: has the places {{count}}, {{seed}} and {{dtype}}; got {{{name}}}")
    if shutil.which(parts[0]) is None:
        raise ValueError(f"--command: there is no program {parts[0]!r} that can be run")
    return tuple(parts)


def _status(code: int) -> str:
    if code >= 0:
        return f"ended with status {code}"
    with contextlib.suppress(ValueError):
        return f"was stopped by {signal.Signals(-code).name}"
    return f"was stopped by signal {-code}"


class Program:
    """A running program, as a function that returns the next values of its output.

    With {count} among its words it must write exactly so many and end with status 0; without, it may write without end, and is
    stopped. It starts with the first call, in a session of its own, so that Ctrl-C reaches fastinit alone, which then stops it.

    Parameters
    ----------
    parts : sequence of str
        The program and its arguments, with their places.
    real : fastinit.arguments.dtypes.Real
        The dtype of its output, little-endian.
    seed, count : int
        What {seed} and {count} become.
    """

    def __init__(self, parts: tuple[str, ...], real: dtypes.Real, seed: int, count: int) -> None:
        places = {"count": str(count), "seed": str(seed), "dtype": real.name}
        pattern = rf"\{{({'|'.join(PLACEHOLDERS)})\}}"
        self._words = [re.sub(pattern, lambda found: places[found[1]], part) for part in parts]
        self._ends = any("{count}" in part for part in parts)
        self._real, self._left, self._bytes = real, count, 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __call__(self, count: int) -> Array:
        """The next values; SamplerError if the program does not write them."""
        size = self._real.dtype.itemsize
        data = np.empty(count * size, np.uint8)
        done, view = 0, data.data
        output: Any = self._started().stdout
        while done < len(data) and (read := output.readinto(view[done:])):
            done += read
        self._bytes += done
        if done < len(data):
            missing = self._left * size - done
            raise SamplerError(f"wrote {self._bytes:,} bytes, {missing:,} too few, and {_status(self._wait())}")
        self._left -= count
        if not self._left and self._ends:
            self._finish(output)
        values = data.view(f"u{size}")
        return (values if sys.byteorder == "little" else values.byteswap()).view(self._real.dtype)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    self._words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
                )
            except OSError as error:
                raise SamplerError(f"cannot be started: {error.strerror}") from None
        return self._process

    def _wait(self) -> int:
        assert self._process is not None
        try:
            return self._process.wait(AT_END)
        except subprocess.TimeoutExpired:
            raise SamplerError(f"closed its output, and still runs {AT_END:.0f} seconds later") from None

    def _finish(self, output: Any) -> None:
        """The end of the output must follow, and status 0."""
        with ThreadPoolExecutor(1) as pool:
            rest = pool.submit(output.read, 1)
            try:
                more = rest.result(AT_END)
            except TimeoutError:
                self.close()  # so that the thread ends
                raise SamplerError(f"neither writes nor ends {AT_END:.0f} seconds after its last value") from None
            except BaseException:
                self.close()
                raise
        if more:
            raise SamplerError(f"writes more than the {self._bytes:,} bytes that {{count}} asks for")
        if code := self._wait():
            raise SamplerError(f"wrote all values, but {_status(code)}")

    def close(self) -> None:
        """Stop the program and what it has started, if it still runs, and wait for its end."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            self._send(number)  # also if it has ended: what it has started may still run
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(AT_ONCE)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _send(self, number: int) -> None:
        assert self._process is not None
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
        elif self._process.poll() is None:
            self._process.send_signal(number)
