"""Measure truncated normals over some 600 intervals beside two deviations: `python -m docs.scripts.derivations.intervals`.

Prints the dearest intervals as multiples of the time for +-2, on one thread, with a buffer that stays in the caches.
"""

import itertools
import math
import time

import numpy as np

import fastinit as fi
from docs.scripts import arguments
from docs.scripts.markdown import table
from fastinit.distributions import central

LOWER = (
    -5, -3, -2.5, -2, -1.5, -1.2, -1, -0.8, -0.6, -0.46, -0.44, -0.3, -0.1, 0, 0.05, 0.1, 0.2, 0.29, 0.31, 0.4, 0.5, 0.7, 1,
    1.3, 1.41, 1.6, 1.8, 2, 2.15, 2.5, 3, 4, 6, 8, 30, 1e3, 1e6,
)  # fmt: skip
WIDTHS = (1e-6, 0.01, 0.1, 0.3, 0.5, 0.8, 1, 1.3, 1.7, 2, 2.2, 2.39, 2.41, 2.6, 3, 4, 6, math.inf)
DEAREST = 12


def nanoseconds(a, b, out, rounds):
    """The shortest time per value; one thread works, so a disturbance can only add."""
    rng = fi.default_rng(0)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for part in out:
            rng.truncated_normal(a, b, out=part)
        times.append(time.perf_counter() - start)
    return min(times) / out.size * 1e9


def proposal(a, b):
    """The proposal that serves the interval, once the bound nearer to 0 comes first."""
    return "central" if central.serves(*((-b, -a) if a + b < 0 else (a, b))) else "tails"


def main():
    """Measure all intervals and print the dearest."""
    parser = arguments.parser(__doc__)
    parser.add_argument("--rounds", type=arguments.count, default=3, help="of each interval (default %(default)s)")
    parser.add_argument("--lower", type=float, nargs="+", default=LOWER, help="lower bounds (default: 37 of them)")
    args = parser.parse_args()
    out = np.empty((8, 2**15 - 64), np.float32)  # rows too short for a second thread
    nanoseconds(-2, 2, out, 1)
    base = nanoseconds(-2, 2, out, 3 * args.rounds)
    rows = []
    for a, width in itertools.product(args.lower, WIDTHS):
        if np.float32(a) + np.float32(width) != np.float32(a):  # else there is hardly a float32 number between the bounds
            rows.append((nanoseconds(a, a + width, out, args.rounds) / base, a, a + width, proposal(a, a + width)))
    rows.sort(reverse=True)
    print(f"+-2: {base:.3f} ns per value; {len(rows)} intervals, the dearest:\n")
    cells = [[f"{a:g}", f"{b:g}", f"{times:.2f}", name] for times, a, b, name in rows[:DEAREST]]
    print(table(["a", "b", "times +-2", "proposal"], cells, left=0))


if __name__ == "__main__":
    main()
