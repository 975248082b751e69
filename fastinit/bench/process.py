"""The parent's end of a worker: start it, ask it, wait no longer than the limit, kill it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from fastinit.bench import worker
from fastinit.bench.measure import Job

#: Numbers of threads of fastinit, OpenMP, MKL, OpenBLAS and XLA. Other libraries are told by a call.
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")
#: OpenMP's threads, torch's among them, sleep after a call. Spinning, they would take the cores from the next sampler.
SLEEP = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}


class Failure(Exception):
    """Why a sampler takes no part, or no further part."""


@contextlib.contextmanager
def environment(threads: int) -> Iterator[None]:
    """Set the variables that a worker, which is started inside, shall have before it imports anything."""
    before = dict(os.environ)
    os.environ.update({**SLEEP, **before, **dict.fromkeys(THREADS, str(threads))})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C, for this thread and for processes that are started inside: only the parent handles it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # would unblock Ctrl-C if the first worker started it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Worker:
    """A process that times one sampler; it lives until `close`."""

    def __init__(self, library: str, job: Job, limit: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._limit = limit
        file, name = tempfile.mkstemp(prefix="fastinit-bench-")
        os.close(file)
        self._output = Path(name)
        try:
            self._connection, child = context.Pipe()
        except OSError:
            self._output.unlink()
            raise
        self._process = context.Process(target=worker.serve, args=(child, library, job, name))
        try:
            with environment(job.threads), interrupts_blocked():
                self._process.start()
        except BaseException:  # also a Ctrl-C that came meanwhile
            self.close()
            raise
        child.close()  # so that a dead worker ends the connection

    def answer(self) -> dict[str, Any]:
        """The next answer; Failure if there will be none."""
        try:
            if not self._connection.poll(self._limit):
                raise Failure(f"no answer within {self._limit:g} s, killed")
            answer: dict[str, Any] = self._connection.recv()
        except (EOFError, OSError):
            raise Failure(self._death()) from None
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def sample(self) -> dict[str, Any]:
        """Let it time its sampler once, now."""
        with contextlib.suppress(OSError):  # a dead worker: `answer` says how it died
            self._connection.send(None)
        return self.answer()

    def _death(self) -> str:
        self._process.join()
        status = self._process.exitcode or 0
        if status < 0:
            with contextlib.suppress(ValueError):  # a number without a name
                return f"died of {signal.Signals(-status).name}"
        last = self._output.read_bytes()[-4000:].decode(errors="replace").strip().splitlines()[-1:]
        return f"died with exit status {status}" + "".join(f" ({line.strip()[:120]})" for line in last)

    def close(self) -> None:
        """Kill the process and what it has started."""
        if self._process.pid is not None:
            with contextlib.suppress(OSError):
                if os.name == "posix":
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()
        self._connection.close()
        self._output.unlink(missing_ok=True)
