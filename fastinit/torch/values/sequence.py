"""A place in the sequence of mt19937, from which values are made: by this thread, or by several from places further on."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.kernels import cpus
from fastinit.kernels.threads import address_of
from fastinit.torch.values import kernels, polynomials
from fastinit.torch.values.laws import UNIT, Law
from fastinit.torch.values.trace import BLOCKS, CHUNK, REACH, WIDTH
from fastinit.torch.values.twister import N

Words = npt.NDArray[np.uint32]

#: Chunks of the smallest part, as a power of two: 0.3 to 0.8 ms, several times what the jump to it takes.
LEAST_DOUBLINGS = 8
#: Parts for each thread, if they were equal: they get smaller towards the end, so that no thread waits long for another.
SHARES = 2


def _vectors(words: int) -> tuple[Words, int]:
    """Memory for so many words that begins with a cache line, with a unit more that may be read, and its address."""
    room = np.empty(words + UNIT + WIDTH, np.uint32)
    address = address_of(room)
    skip = -(address // 4) % WIDTH
    return room[skip:], address + 4 * skip


class Job(NamedTuple):
    """A law's compiled function and the numbers of a call; flags of chunks, for later rounds of a truncated law."""

    law: Law
    code: Callable[..., None]
    numbers: ctypes.Array[ctypes.c_double]
    flags: npt.NDArray[np.uint8] | None = None

    def run(self, window: int, place: int, out: int, chunks: int, blocks: int, units: int, done: int) -> None:
        """Transform chunks of so many units, after `done` words that others transform."""
        at = out + done // self.law.words * self.law.itemsize
        flags = 0 if self.flags is None else address_of(self.flags) + done // CHUNK
        self.code(window, place, at, chunks, blocks, units, ctypes.addressof(self.numbers), flags)


class Sequence:
    """A block of the sequence, and the place of the next word in it: 1 to N, where N is the start of the next block."""

    def __init__(self, block: npt.NDArray[np.unsignedinteger[Any]], place: int) -> None:
        memory, self.window = _vectors(N + CHUNK)
        self.block, self.place = memory[:N], place
        self.block[:] = block

    def copy(self) -> Sequence:
        return Sequence(self.block, self.place)

    def fill(self, job: Job, out: int, words: int, done: int = 0) -> None:
        """Use up so many words. Of their last unit all is written, even what is made of later words."""
        chunks, rest = divmod(words, CHUNK)
        job.run(self.window, self.place, out, chunks, BLOCKS, CHUNK // UNIT, done)
        if rest:
            blocks, done = (self.place + rest - 1) // N, done + chunks * CHUNK
            job.run(self.window, self.place, out, 1, blocks, -(-rest // UNIT), done)
            self.place += rest - blocks * N

    def jumped(self, doublings: int) -> Sequence:
        """The same place, 2^doublings chunks further on."""
        offsets, counts = _jump(doublings)
        (words, sequence), (_kept, scratch) = _vectors(REACH * N), _vectors(N + WIDTH)
        words[:N], block = self.block, np.zeros(N, np.uint32)
        kernels.jump()(sequence, address_of(offsets), address_of(counts), scratch, address_of(block))
        return Sequence(block, self.place)


@functools.cache
def _jump(doublings: int) -> tuple[Words, Words]:
    """The arguments of the compiled jump over 2^doublings chunks."""
    ones = np.array(polynomials.ones(polynomials.power(CHUNK, doublings)), np.uint32)
    lanes = ones % WIDTH
    order = np.argsort(lanes, kind="stable")
    return (ones - lanes)[order] * np.uint32(4), np.bincount(lanes, minlength=WIDTH).astype(np.uint32)


def _part(words: int, threads: int) -> int:
    """The chunks, as a power of two, of the next part of so many words."""
    return max(LEAST_DOUBLINGS, (words // (SHARES * threads * CHUNK)).bit_length() - 1)


class _Parts:
    """Parts of a fill, which threads take one by one. Whoever takes one jumps to the next."""

    def __init__(self, sequence: Sequence, job: Job, out: int, words: int, threads: int) -> None:
        self.next, self.job, self.out, self.words, self.threads = sequence, job, out, words, threads
        self.done, self.lock = 0, threading.Lock()

    def _take(self) -> tuple[Sequence, int, int] | None:
        """A part's sequence, its words, and the words before it; None after the last.

        The last part has more than a block: of the block that a jump leads to, 31 bits may be wrong, and it must not stay.
        """
        with self.lock:
            left, first, sequence = self.words - self.done, self.done, self.next
            if not left:
                return None
            doublings = _part(left, self.threads)
            words = CHUNK << doublings
            if left - words < words // 2:
                words = left
            else:
                self.next = sequence.jumped(doublings)
            self.done += words
            return sequence, words, first

    def run(self) -> None:
        while (part := self._take()) is not None:
            sequence, words, first = part
            sequence.fill(self.job, self.out, words, first)
            if first + words == self.words:
                self.last = sequence


def fill(sequence: Sequence, job: Job, out: int, words: int) -> Sequence:
    """Use up so many words, in several threads if that pays; return the place behind them."""
    threads = min(cpus.allowed(), words // (CHUNK << LEAST_DOUBLINGS))
    if threads < 2:
        sequence = sequence.copy()
        sequence.fill(job, out, words)
        return sequence
    parts, helpers = _Parts(sequence.copy(), job, out, words, threads), []
    with ThreadPoolExecutor(threads - 1, "fastinit") as pool:
        with contextlib.suppress(RuntimeError):  # there are no more threads, or the interpreter is going down
            for _ in range(threads - 1):
                helpers.append(pool.submit(parts.run))
        parts.run()
    for helper in helpers:
        helper.result()
    return parts.last
