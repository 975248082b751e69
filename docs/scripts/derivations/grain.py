"""How far chi-squared sees the grain of the kernels: `python -m docs.scripts.derivations.grain`, a Markdown table on stdout.

A float32 truncated normal is a function of one 32-bit word, so its distribution can be counted exactly. Every one of the 2^32
words goes through the kernel; words that need the exact test get a second word from a Weyl sequence. Accepted values are
counted in the cells of `fastinit check`. If p are the observed shares and q the expected ones, n values raise the expectation
of chi-squared by n times the sum of (p - q)^2 / q, the *excess per value*. Any check sees six deviations of chi-squared.

The rows `float64` use the same words in the float64 kernels and round once to float32, which shows the effect of 32-bit words
alone. The rest comes from words rounded to 24 bits and from float32 arithmetic; `grain_variants` has what was tried against it.
All words take two cores a quarter of an hour; `--step 16` takes one word of 16 and shows excesses above 10^-6.
"""

import functools
import math

import numpy as np
from numba import njit

from docs.scripts.derivations import all_words
from fastinit.arguments import dtypes
from fastinit.check import fits
from fastinit.check.cells import cells
from fastinit.check.laws import truncated_normal as law_between
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.kernels.mapped import known_numbers, mapped

INTERVALS = ((-2.0, 2.0), (-1.0, 1.0), (-3.0, 3.0), (-math.inf, 2.0), (0.0, math.inf), (1.0, math.inf), (2.0, math.inf))
SINGLE, DOUBLE = dtypes.resolve("float32"), dtypes.resolve("float64")
COUNTED = tuple(dtypes.resolve(name) for name in ("float32", "float16", "bfloat16"))
JOINED = 10**11  # cells are joined as the check does for so many values
DEVIATIONS = 6.0  # of chi-squared: p is some 10^-9 there, far below 0.001 divided by the number of tests
u32, u64 = np.uint32, np.uint64


def kernel(plan):
    """A function of words and second words: the values, and whether they are accepted."""
    law = plan.law

    def trial(w, v):
        p = known_numbers(plan, w)
        return law.value(w, p), law.sure(w, p) | law.accept(w, v, p)

    return trial


def words_from(first, step, word):
    """One random word of each step from `first` on, and second words.

    A 64-bit word has the 32-bit word as its upper half. Its lower half is the middle, 2^31, with the last 7 bits of the word:
    they say whether the word needs the exact test.
    """
    at = u64(first) + np.arange(all_words.BLOCK, dtype=u64) * u64(step)
    at += (at // u64(step) * u64(0x9E3779B97F4A7C15) >> u64(40)) % u64(step)
    second = (at >> u64(7)) * u64(0x9E3779B9) & u64(0xFFFFFFFF)
    if word is u32:
        return at.astype(u32), second.astype(u32)
    return at << u64(32) | u64(1 << 31) | at & u64(127), second << u64(32)


@njit(nogil=True)
def tally(x, accepted, edges, counts):
    """Count accepted values. The search starts at the last cell, because neighbouring words have neighbouring values."""
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
    """The accepted values in each cell, of `count` words from `first` on, one of every `step`; for each dtype counted."""
    totals = [np.zeros(len(cells(law, counted).mass), np.int64) for counted in COUNTED]
    for start in range(first, first + count, all_words.BLOCK * step):
        x, accepted = mapped(trial, *words_from(start, step, u32 if real is SINGLE else u64))
        for counts, counted in zip(totals, COUNTED, strict=True):
            tally(x, accepted, cells(law, counted).edges, counts)
    return totals


def planned(interval, real):
    return truncated_normal(*interval, 0.0, 1.0, "std", real)


def seen_from(excess, cells):
    """The number of values from which the check sees this excess in so many cells."""
    return DEVIATIONS * math.sqrt(2 * cells) / excess


def excesses(interval, real, plan, step, threads):
    """For each dtype counted: the excess per value, and the number of values from which the check sees it."""
    law, trial = law_between(*interval), kernel(plan)
    parts = all_words.sweep(functools.partial(sweep, law, real, trial), step, threads)
    for counts, counted in zip((sum(of_one) for of_one in zip(*parts, strict=True)), COUNTED, strict=True):
        shares, expected = fits.joined(counts / counts.sum(), cells(law, counted).mass, JOINED)
        mass = expected / JOINED
        excess = float(((shares - mass) ** 2 / mass).sum())
        yield excess, seen_from(excess, len(mass))


def main():
    args = all_words.parser(__doc__).parse_args()
    print("| interval | kernels | " + " | ".join(f"{real.name} | seen from" for real in COUNTED) + " |")
    print("|---|---|" + "--:|--:|" * len(COUNTED))
    for interval in INTERVALS:
        for real in (SINGLE, DOUBLE):
            results = excesses(interval, real, planned(interval, real), args.step, args.threads)
            row = " | ".join(f"{excess:.1e} | {seen:.0e}" for excess, seen in results)
            print(f"| {interval[0]:g} {interval[1]:g} | {real.name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
