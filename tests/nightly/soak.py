"""Call fastinit very often from several threads, and watch memory, threads, files and mappings.

    python tests/nightly/soak.py --calls 10000000

makes as many small and large fills as a program makes in a day. The calls are made in rounds. After each round all threads
wait while the resources of the process are counted. After the first rounds resident memory may grow by 1 MiB and nothing else
at all. Each thread compares its values with those that one thread drew at the start, so wrong bytes end the run too.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import fastinit as fi
from fastinit.arguments import dtypes

DTYPES = ("float32", "float64", "float16", "bfloat16")
DRAWS = (
    ("uniform", (-1.0, 2.0)),
    ("normal", (0.5, 2.0)),
    ("truncated_normal", (-2.0, 2.0)),
    ("truncated_normal", (1.0, 9.0)),
    ("normal", (0.25, 0.0)),
)
#: Sizes, and how often each comes: mostly small, some parallel, a few of megabytes.
SIZES = ((1, 300), (7, 300), (100, 300), (1000, 80), (5000, 15), (40_000, 2), (1_000_000, 0.02))
LARGEST = max(size for size, _ in SIZES)
MIB = 1 << 20


#: The C library, where it is glibc.
LIBC = ctypes.CDLL(None) if hasattr(ctypes.CDLL(None), "malloc_trim") else None
MMAP_THRESHOLD = -3


def keep_nothing_back() -> None:
    """Have glibc give large blocks back at once: what it keeps for later looks like a leak."""
    if LIBC is not None:
        LIBC.mallopt(MMAP_THRESHOLD, 1 << 17)


def holdings() -> dict[str, int]:
    """What the process holds now."""
    gc.collect()
    if LIBC is not None:
        LIBC.malloc_trim(0)
    proc = Path("/proc/self")
    return {
        "resident": int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "descriptors": len(os.listdir(proc / "fd")),  # noqa: PTH208
        "threads": len(os.listdir(proc / "task")),  # noqa: PTH208
        "mappings": len((proc / "maps").read_text().splitlines()),
        "semaphores": len(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else 0,  # noqa: PTH112, PTH208
    }


class Soak:
    """Threads that draw until their part of the calls is made, waiting for one another after each round."""

    def __init__(self, calls: int, threads: int, rounds: int, seed: int) -> None:
        self.each = max(calls // (threads * rounds), 1)
        self.rounds, self.seed = rounds, seed
        self.barrier = threading.Barrier(threads + 1)
        self.failure: BaseException | None = None
        self.expected = {
            (i, dtype): self.draw(fi.default_rng(seed), i, dtype, size=LARGEST).tobytes()
            for i in range(len(DRAWS))
            for dtype in DTYPES
        }
        self.shared = fi.default_rng(seed)
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(threads)]

    @staticmethod
    def draw(rng: fi.Generator, i: int, dtype: str, **options: Any) -> Any:
        method, arguments = DRAWS[i]
        return getattr(rng, method)(*arguments, dtype=dtype, **options)

    def call(self, chance: random.Random, size: int, buffers: dict[str, Any]) -> None:
        """One call of some kind: a new array, `out`, a block, a child's, a shared Generator's, a refused one."""
        i, dtype, kind = chance.randrange(len(DRAWS)), chance.choice(DTYPES), chance.randrange(8)
        rng, whole = fi.default_rng(self.seed) if kind != 5 else self.shared, self.expected[i, dtype]
        item = len(whole) // LARGEST
        if kind == 4:
            start = chance.randrange(LARGEST - size + 1)
            found = self.draw(rng, i, dtype, size=LARGEST, index=slice(start, start + size))
            assert found.tobytes() == whole[start * item : (start + size) * item]
        elif kind == 5:
            self.draw(rng, i, dtype, size=size)
        elif kind == 6:
            try:
                self.draw(rng.child(f"layer.{size}").spawn(1)[0], i, dtype, size=-size)
            except ValueError:
                return
            raise AssertionError("a negative size was taken")
        else:
            out = buffers[dtype][:size] if kind < 4 else None
            found = self.draw(rng, i, dtype, size=size, out=out)
            assert found.tobytes() == whole[: size * item]

    def work(self, number: int) -> None:
        chance = random.Random(number)
        sizes, weights = [size for size, _ in SIZES], [weight for _, weight in SIZES]
        try:
            buffers = {dtype: np.empty(LARGEST, dtypes.resolve(dtype).dtype) for dtype in DTYPES}
            for buffer in buffers.values():
                buffer.fill(0)  # else its pages would become resident bit by bit
                fi.default_rng(0).bits(LARGEST)  # and so would the thread's scratch memory
            for _ in range(self.rounds):
                self.barrier.wait()
                for size in chance.choices(sizes, weights, k=self.each):
                    self.call(chance, size, buffers)
                self.barrier.wait()
            self.barrier.wait()
        except BaseException as error:
            self.failure = self.failure or error
            self.barrier.abort()

    def run(self, report: Any) -> list[dict[str, int]]:
        """All rounds; what was held after each."""
        found = []
        for thread in self.threads:
            thread.start()
        try:
            for done in range(1, self.rounds + 1):
                self.barrier.wait()
                self.barrier.wait()
                found.append(holdings())
                report(done * self.each * len(self.threads), found[-1])
            self.barrier.wait()
        except threading.BrokenBarrierError:
            raise RuntimeError("a thread failed") from self.failure
        for thread in self.threads:
            thread.join()
        return found


def growth(found: list[dict[str, int]], first: int) -> dict[str, int]:
    """How much more of each was held after the last round than after the first `first` of them."""
    return {name: found[-1][name] - max(entry[name] for entry in found[:first]) for name in found[0]}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000, help="calls in all (default 100,000)")
    parser.add_argument("--threads", type=int, default=8, help="threads that call (default 8)")
    parser.add_argument("--rounds", type=int, default=20, help="looks at what the process holds (default 20)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    keep_nothing_back()
    start = time.perf_counter()

    def report(calls: int, held: dict[str, int]) -> None:
        print(f"{calls:>12,} calls {time.perf_counter() - start:8.1f} s  {held}", file=sys.stderr, flush=True)

    found = Soak(args.calls, args.threads, args.rounds, args.seed).run(report)
    grown = growth(found, max(args.rounds // 4, 1))
    bad = [name for name, more in grown.items() if more > (MIB if name == "resident" else 0)]
    print(json.dumps({"calls": args.calls, "growth": grown, "grown": bad, "held": found[-1]}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
