"""The parent's end of a worker: start it, ask it, wait no longer than the limit, kill it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any

from fastinit.bench.peers import Job

#: The worker finds what this process would find: it is given its search path.
START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from fastinit.bench.worker import main; main()"

#: How many threads: fastinit, OpenMP, MKL, OpenBLAS, XLA. The others are told by a call.
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")
#: OpenMP's threads, torch's among them, sleep after a call: spinning, they would take the cores from the next in turn.
SLEEP = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}


class Failure(Exception):
    """Why a sampler takes no part, or no further part."""


def environment(threads: int) -> dict[str, str]:
    """A worker's environment variables."""
    return {**SLEEP, **os.environ, **dict.fromkeys(THREADS, str(threads))}


class Worker:
    """A process that times one sampler; it lives until `close`."""

    def __init__(self, library: str, law: str, job: Job, limit: float) -> None:
        self._limit = limit
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(job.threads),
            text=True,
            encoding="utf-8",
            # A Ctrl-C is the parent's affair, and descendants can be killed together.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.send({"library": library, "law": law, "job": job._asdict()})

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put("")  # the end

    def send(self, request: dict[str, Any]) -> None:
        """Ask; `answer` waits. The process may have died: `answer` finds that out."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The answer to what was sent last; Failure where there is none to be had."""
        try:
            line = self._answers.get(timeout=self._limit)
        except queue.Empty:
            raise Failure(f"no answer within {self._limit:g} s, killed") from None
        if not line:
            raise Failure(self._death())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def sample(self) -> dict[str, Any]:
        """Let it time its sampler once, now."""
        self.send({})
        return self.answer()

    def _death(self) -> str:
        status = self._process.wait()
        if status < 0:
            with contextlib.suppress(ValueError):  # a number without a name
                return f"died of {signal.Signals(-status).name}"
        self._errors.seek(0)
        last = self._errors.read()[-4000:].decode(errors="replace").strip().splitlines()[-1:]
        return f"died with exit status {status}" + "".join(f" ({line.strip()[:120]})" for line in last)

    def close(self) -> None:
        """Kill the process and what it has started."""
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._reader.join(timeout=5)
        streams: list[IO[Any] | None] = [self._process.stdin, self._errors]
        if not self._reader.is_alive():  # else somebody outside the group holds the other end
            streams.append(self._process.stdout)
        for stream in streams:
            with contextlib.suppress(OSError):  # a line that was never read
                if stream is not None:
                    stream.close()
