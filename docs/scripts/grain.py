"""What chi-squared sees of the kernels' own grain: `python docs/scripts/grain.py`, a Markdown table on stdout.

A float32 truncated normal is a function of one word of 32 bits, so its law can be had without chance: every one of the 2^32
words goes through the kernel, those in doubt with a second word that a Weyl sequence gives them, and what is accepted is
counted in the cells of `fastinit check`. Where p are the shares found and q those of the law, n values raise the expectation
of chi-squared by n times the sum of (p - q)^2 / q, the *excess per value*; six deviations of chi-squared are seen by any check.

The rows `float64` are made from the same words by the float64 kernels and rounded to float32 once: what 32 bits of a word
leave. The difference is what words rounded to 24 bits and float32 arithmetic add. `float32 and low bits` tells the two apart:
the upper 24 bits go through the polynomial, and the lower 8 are added with its exact slope. A quarter of an hour of two
cores; `--step 16` takes one word of every 16 and shows excesses above 10^-6.
"""

import argparse
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numba import njit

from fastinit.arguments import dtypes
from fastinit.arithmetic.lanes import bitcast, convert, f32, fma, i32, maximum, minimum
from fastinit.check import fits
from fastinit.check.cells import cells
from fastinit.check.laws import Law
from fastinit.distributions import LAWS
from fastinit.distributions.central import CENTRAL, value_and_slope
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.kernels.mapped import known_numbers, mapped

BLOCK = 1 << 16
INTERVALS = ((-2.0, 2.0), (-1.0, 1.0), (-3.0, 3.0), (-math.inf, 2.0), (0.0, math.inf), (1.0, math.inf), (2.0, math.inf))
SINGLE, DOUBLE = dtypes.resolve("float32"), dtypes.resolve("float64")
COUNTED = tuple(dtypes.resolve(name) for name in ("float32", "float16", "bfloat16"))
JOINED = 10**11  # cells are joined as the check would for so many values
DEVIATIONS = 6.0  # of chi-squared: p is some 10^-9 there, well below 0.001 over the number of tests
u32, u64 = np.uint32, np.uint64


def refined(w, p):
    """The central law's value of the middle of 256 words, and from there to the word along the tangent."""
    low = fma(convert(bitcast(w & 0xFF, i32), f32), 2.0**-31, -127.5 * 2.0**-31) * p.half_width
    u = fma(fma(convert(bitcast(w & 0xFFFFFF00, i32), f32), 2.0**-31, 2.0**-24), p.half_width, p.middle)
    x, slope = value_and_slope(u)
    return minimum(maximum(fma(fma(slope, low, x), p.scale, p.loc), p.least), p.greatest)


def ways(law):
    """The name, the dtype and the transformation of each row."""
    yield "float32", SINGLE, law
    if law is CENTRAL:
        yield "float32 and low bits", SINGLE, replace(law, value=refined)
    yield "float64", DOUBLE, law


def kernel(law, plan):
    """A function of lanes of words and second words: the values, and whether they are accepted."""

    def trial(w, v):
        p = known_numbers(plan, w)
        return law.value(w, p), law.sure(w) | law.accept(w, v, p)

    return trial


def words_from(first, step, word):
    """Words from `first` on, any one of each step, and second words; as the upper half of a word if those have 64 bits.

    The lower half is then its middle, with the word's last 7 bits, which say who is in doubt.
    """
    at = u64(first) + np.arange(BLOCK, dtype=u64) * u64(step)
    at += (at // u64(step) * u64(0x9E3779B97F4A7C15) >> u64(40)) % u64(step)
    second = (at >> u64(7)) * u64(0x9E3779B9) & u64(0xFFFFFFFF)
    if word is u32:
        return at.astype(u32), second.astype(u32)
    return at << u64(32) | u64(1 << 31) | at & u64(127), second << u64(32)


@njit(nogil=True)
def tally(x, accepted, edges, counts):
    """Count what is accepted; the cell is looked for from the last one on, for neighbouring words have neighbouring values."""
    k = 0
    for i in range(x.size):
        if not accepted[i]:
            continue
        value = np.float64(np.float32(x[i]))
        while k < edges.size and value >= edges[k]:
            k += 1
        while k > 0 and value < edges[k - 1]:
            k -= 1
        counts[k] += 1


def sweep(law, real, trial, first, count, step):
    """How many of `count` words from `first` on, one of every `step`, are accepted in each cell, for each dtype counted."""
    found = [np.zeros(len(cells(law, counted).mass), np.int64) for counted in COUNTED]
    for start in range(first, first + count, BLOCK * step):
        x, accepted = mapped(trial, *words_from(start, step, u32 if real is SINGLE else u64))
        for counts, counted in zip(found, COUNTED, strict=True):
            tally(x, accepted, cells(law, counted).edges, counts)
    return found


def planned(interval, real):
    return truncated_normal(*interval, 0.0, 1.0, "std", real)


def excesses(interval, real, way, step, threads):
    """The excess per value of each dtype counted, and how many values it takes until the check sees it."""
    law, trial = Law("normal", *interval), kernel(way, planned(interval, real))
    pieces = 64
    share = 2**32 // pieces
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda i: sweep(law, real, trial, i * share, share, step), range(pieces)))
    for counts, counted in zip((sum(of_one) for of_one in zip(*parts, strict=True)), COUNTED, strict=True):
        shares, expected = fits.joined(counts / counts.sum(), cells(law, counted).mass, JOINED)
        mass = expected / JOINED
        excess = float(((shares - mass) ** 2 / mass).sum())
        yield excess, DEVIATIONS * math.sqrt(2 * len(mass)) / excess


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=1, help="one of so many words only (default %(default)s: all)")
    parser.add_argument("--threads", type=int, default=2, help="default %(default)s")
    args = parser.parse_args()
    print("| interval | kernels | " + " | ".join(f"{real.name} | seen from" for real in COUNTED) + " |")
    print("|---|---|" + "--:|--:|" * len(COUNTED))
    for interval in INTERVALS:
        for name, real, way in ways(LAWS[planned(interval, SINGLE).law]):
            found = excesses(interval, real, way, args.step, args.threads)
            row = " | ".join(f"{excess:.1e} | {seen:.0e}" for excess, seen in found)
            print(f"| {interval[0]:g} {interval[1]:g} | {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
