"""The chi-squared excess of a float32 kernel, estimated in seconds from the edges of some of the 2^16 bins.

Each bin has 2^16 of the 2^32 words. Rounding carries words across its edges: d too many at the lower one and e too many at the
upper one change its share by (d - e) / 2^16. So the excess, which `grain` counts over all words, is the mean of the squares of
these. An edge lies half way between float32 numbers, and the float64 kernel of the same law says which words belong above it.
"""

import numpy as np

from fastinit.arguments import dtypes
from fastinit.distributions.central import CENTRAL
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.kernels.mapped import known_numbers, mapped

AROUND = 1 << 11  # words on either side of an edge: rounding carries none farther
BIN = 1 << 16  # words of a bin
HALF = np.uint64(1 << 31)


def planned(interval, dtype):
    """The plan of a dtype between two bounds, in deviations."""
    return truncated_normal(*interval, 0.0, 1.0, "std", dtypes.resolve(dtype))


def function_of(plan):
    """The law's function from words to values."""
    return lambda w: plan.law.value(w, known_numbers(plan, w))


def misplaced(rounded, exact, middles, flip):
    """How many words too many lie above the edge near each of these words."""
    words = middles[:, None] + np.arange(-AROUND, AROUND).astype(np.uint64)
    right = mapped(exact, words << np.uint64(32) | HALF)
    got = mapped(rounded, (words ^ flip).astype(np.uint32))
    start = right[:, AROUND].astype(np.float32)
    edges = (start.astype(np.float64) + np.nextafter(start, np.float32(np.inf)))[:, None] / 2
    return (got > edges).sum(1) - (right > edges).sum(1)


def excess(interval, plan=None, bins=8000):
    """The excess per value of a float32 plan between these bounds (the package's own), right to some 2 %."""
    double = planned(interval, "float64")
    # The central law reads 64-bit words as unsigned, and 32-bit words as signed.
    flip = HALF if double.law is CENTRAL else np.uint64(0)
    functions = function_of(plan or planned(interval, "float32")), function_of(double)
    lower = np.random.default_rng(0).integers(AROUND, 2**32 - BIN - AROUND, bins, np.uint64)
    gained = np.concatenate([
        misplaced(*functions, part, flip) - misplaced(*functions, part + np.uint64(BIN), flip)
        for part in np.array_split(lower, -(-bins // 500))
    ])  # fmt: skip
    return float(((gained / BIN) ** 2).mean())
