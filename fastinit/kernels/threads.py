"""Threads that help with large fills. A fill never waits for a helper that has not begun.

A fill puts its arguments into the slot of each idle helper and begins at once. Its own thread and every helper that wakes up
take part after part until none is left, so a helper whose CPU is busy with another process costs nothing but its help. OpenMP's
threads, which Numba's `prange` uses, meet at the end of each region instead. While one waits for a CPU, all others wait for it:
8 to 16 ms for a fill of 15 microseconds, measured.

Helpers are Python threads inside the compiled loop, which does not hold the GIL. After a fill they spin for a while before they
sleep, because waking a thread takes 50 to 100 microseconds. A helper that finds other processes on its CPU stays away for some
time.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import math
import os
import threading
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from fastinit.kernels import cpus, rows
from fastinit.kernels.layout import ADDS, ARGUMENTS, SCRATCH

#: Values from which a helper pays: to call one costs 2 to 5 microseconds.
PARALLEL_FROM = 1 << 16
CHUNK = 1 << 19  # most values that a thread takes at once: 2 MiB of float32, a huge page
GRAIN = 1 << 12  # fewest
SHARES = 3  # parts of the rest for each thread: fewer would leave one waiting for another at the end

LOOKS = 10_000  # of a helper for its next fill: 0.2 to 1 ms
LARGE = 1 << 24  # values from which half of the work is worth more than a wait for a helper that has lost its CPU
LOST = 0.0005  # seconds that others may have of a helper's CPU before it stays away
LOST_SHARE = 0.1
AWAY, LONGEST = 4, 128  # times as long as they had it, doubled while others want the CPU

_own = threading.local()
_BYTE = ctypes.c_char


def address_of(array: npt.NDArray[Any]) -> int:
    """Where its first element lies."""
    address: int = array.__array_interface__["data"][0]
    return address


def scratch() -> int:
    """The address of this thread's scratch memory."""
    try:
        address: int = _own.address
    except AttributeError:
        _own.memory = np.ones(SCRATCH // 8 + 1, np.int64)  # pages of its own from now on, not bit by bit
        address = _own.address = address_of(_own.memory)
    return address


class Helper:
    """A thread, and the slot through which it gets arguments: their address, and how many threads use them (0 or 1)."""

    def __init__(self) -> None:
        self.slot = np.zeros(2, np.int64)
        self.address = address_of(self.slot)
        self.asleep = True
        self.away_until, self.away = 0.0, AWAY
        self.kept: Any = None  # keeps the memory of the fill alive until the helper is done
        self._wake = threading.Semaphore(0)
        threading.Thread(target=self._run, name="fastinit", daemon=True).start()

    def call(self, loop: rows.Loop, arguments: int, kept: Any) -> None:
        """Publish the address of arguments to it."""
        self.kept = kept
        loop(arguments, 0, self.address, 0)
        if self.asleep:
            self.asleep = False
            self._wake.release()

    def dismiss(self, loop: rows.Loop) -> None:
        """Withdraw the arguments, and wait until the helper no longer uses them."""
        loop(0, 0, self.address, 0)
        self.kept = None

    def _run(self) -> None:
        loop, memory = rows.loop(), scratch()
        while True:
            self._wake.acquire()
            while True:
                wall, busy = time.perf_counter(), time.thread_time()
                helped = loop(0, memory, self.address, LOOKS)
                lost = (time.perf_counter() - wall) - (time.thread_time() - busy)
                lost = lost if lost > LOST_SHARE * (time.perf_counter() - wall) else 0.0
                self._judge(lost)
                if not helped or lost > LOST:
                    break
            self.asleep = True

    def _judge(self, lost: float) -> None:
        """Stay away for longer each time that others want the CPU."""
        if lost > LOST:
            self.away_until = time.perf_counter() + self.away * lost
            self.away = min(2 * self.away, LONGEST)
        else:
            self.away = AWAY


_idle: list[Helper] = []
_all: list[Helper] = []
_starting = threading.RLock()  # re-entrant: a signal handler may draw while its thread starts a helper
_forks = 0


def _forget() -> None:
    """Reset in a forked child, which has no helper threads."""
    global _idle, _all, _starting, _forks
    for helper in _all:
        helper.slot[:] = 0
    _idle, _all, _starting, _forks = [], [], threading.RLock(), _forks + 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _start(wanted: int) -> None:
    """Start helpers until there are `wanted`, or as many as the system allows."""
    with _starting:
        while len(_all) < wanted:
            try:
                helper = Helper()
            except RuntimeError:  # no more threads, or the interpreter is going down
                return
            _all.append(helper)
            _idle.append(helper)


def helpers(count: int) -> int:
    """How many threads may help to fill so many values."""
    return min(cpus.allowed() - 1, count // PARALLEL_FROM)


def _hire(team: list[Helper], wanted: int) -> None:
    """Move idle helpers into the team in one call, which no signal handler can interrupt."""
    with contextlib.suppress(IndexError):  # there are no more, or another thread's fill took them
        team.extend(itertools.islice(iter(_idle.pop, None), wanted))


def _dismiss(team: list[Helper], loop: rows.Loop) -> None:
    """Wait until no helper uses the memory, and sort the team: the last one is taken first, those that stay away come last."""
    for helper in team:
        helper.dismiss(loop)
    team.sort(key=lambda helper: -helper.away_until)


def fill_together(loop: rows.Loop, head: tuple[int, ...], begin: int, end: int, wanted: int, kept: Any) -> None:
    """Call the loop for `begin` to `end` with this thread and up to `wanted` helpers; `kept` owns the memory that it uses."""
    if len(_all) < wanted:
        _start(wanted)
    arguments = bytearray(ARGUMENTS.pack(*head, begin, end, GRAIN, CHUNK, SHARES * (wanted + 1)))
    address = ctypes.addressof(_BYTE.from_buffer(arguments))
    team: list[Helper] = []
    forks, now = _forks, math.inf if end - begin >= LARGE else time.perf_counter()
    try:
        _hire(team, wanted)
        for helper in team:
            if helper.away_until <= now:
                helper.call(loop, address, (arguments, kept))
        loop(address, scratch(), 0, 0)
    finally:  # a signal handler may raise at the start of any call, so each call until the helpers are idle is guarded
        raised: BaseException | None = None
        while forks == _forks:
            try:
                _dismiss(team, loop)
                break
            except BaseException as error:
                raised = error
        if forks == _forks and team and team[0].away_until > now:
            _idle[:0] = team  # others are taken first
        elif forks == _forks:
            _idle.extend(team)
        if raised is not None:
            raise raised
    if forks != _forks:  # a signal handler forked, and this is the child: its helpers' parts are not done
        if head[ADDS]:
            raise RuntimeError("out holds only some of the sums: the process forked while they were made")
        loop(ARGUMENTS.pack(*head, begin, end, end, end, 1), scratch(), 0, 0)
