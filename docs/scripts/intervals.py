"""Measure truncated normals over some 600 intervals beside two deviations: `python docs/scripts/intervals.py`.

Prints the dearest ones, each as a multiple of the time for +-2, on one thread with a buffer that stays in the caches.
"""

import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import fastinit as fi
from fastinit.distributions import central

LOWER = (
    -5,
    -3,
    -2.5,
    -2,
    -1.5,
    -1.2,
    -1,
    -0.8,
    -0.6,
    -0.46,
    -0.44,
    -0.3,
    -0.1,
    0,
    0.05,
    0.1,
    0.2,
    0.29,
    0.31,
    0.4,
    0.5,
    0.7,
    1,
)
LOWER += (1.3, 1.41, 1.6, 1.8, 2, 2.15, 2.5, 3, 4, 6, 8, 30, 1e3, 1e6)
WIDTHS = (1e-6, 0.01, 0.1, 0.3, 0.5, 0.8, 1, 1.3, 1.7, 2, 2.2, 2.39, 2.41, 2.6, 3, 4, 6, math.inf)


def nanoseconds(a, b, out, rounds=3):
    """Shortest time per value: one thread's work, so that what disturbs it only adds."""
    rng = fi.default_rng(0)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for part in out:
            rng.truncated_normal(a, b, out=part)
        times.append(time.perf_counter() - start)
    return min(times) / out.size * 1e9


def main():
    out = np.empty((8, 2**15 - 64), np.float32)  # rows below the size from which a fill is parallel
    nanoseconds(-2, 2, out)
    base = nanoseconds(-2, 2, out, 9)
    rows = []
    for a in LOWER:
        for width in WIDTHS:
            if np.float32(a) + np.float32(width) == np.float32(a):
                continue  # hardly a float32 number between the bounds
            mirrored = a + width + a < 0
            rows.append(
                (
                    nanoseconds(a, a + width, out) / base,
                    a,
                    a + width,
                    "central" if central.serves(*((-a - width, -a) if mirrored else (a, a + width))) else "tails",
                )
            )
    rows.sort(reverse=True)
    print(f"+-2: {base:.3f} ns per value; {len(rows)} intervals, the dearest:\n")
    print("| a | b | times +-2 | proposal |\n|--:|--:|--:|---|")
    for times, a, b, name in rows[:12]:
        print(f"| {a:g} | {b:g} | {times:.2f} | {name} |")


if __name__ == "__main__":
    main()
