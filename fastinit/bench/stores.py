"""The yardsticks: all threads store one constant, through the caches or past them. No fill can be much faster."""

from __future__ import annotations

import functools
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from fastinit.bench.loops import LINE, loaded
from fastinit.kernels import cpus
from fastinit.kernels.threads import address_of

Array = npt.NDArray[Any]

#: Bytes that a call of `passes` writes at least, so that waking the threads takes a small share of its time.
CALL = 1 << 28
#: Bytes from which it does.
LEAST = 1 << 12


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that sleep between calls. OpenMP's threads would still spin while the next call is timed."""
    return ThreadPoolExecutor(threads)


def store(out: Array, nontemporal: bool = False, passes: int = 1) -> Array:
    """Store 1 in every cell of a contiguous array with all threads.

    The threads do not wait for one another between passes. A non-temporal store goes past the caches: the CPU need not read a
    line of memory before it writes it.
    """
    bits = out.view(f"u{out.itemsize}").reshape(-1)
    function = loaded().store_nontemporal if nontemporal else loaded().store
    word = int(np.ones(8 // out.itemsize, bits.dtype).view(np.uint64)[0])
    start = address_of(bits)
    first = min(-(-start // LINE) * LINE - start, bits.nbytes)
    lines = (bits.nbytes - first) // LINE
    bits[: first // out.itemsize] = 1  # the ends, which are no whole lines
    bits[(first + lines * LINE) // out.itemsize :] = 1
    threads = cpus.allowed()
    borders = [lines * i // threads for i in range(threads + 1)]
    shares = [(start + first + a * LINE, b - a, word, passes) for a, b in itertools.pairwise(borders)]
    if threads == 1:
        function(*shares[0])
        return out
    # The caller sleeps: a woken thread starts on the CPU that woke it, which would store both shares if the caller stored too.
    for share in [_pool(threads).submit(function, *share) for share in shares]:
        share.result()
    return out


def passes(nbytes: int) -> int:
    """How many passes over so many bytes a call makes: one over so few that their ends, which it writes once, count."""
    return max(1, CALL // nbytes) if nbytes >= LEAST else 1
