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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numba import njit

from fastinit import dtypes, parameters
from fastinit.check import fits
from fastinit.check.cells import cells
from fastinit.check.laws import Law
from fastinit.kernels.lanes import bitcast, convert, device, fma
from fastinit.kernels.memory import doubles, load, store_missing_bits, store_planes
from fastinit.kernels.rounding import as_is
from fastinit.kernels.rows import METHODS, STORAGE
from fastinit.kernels.truncated import central_test, inside, value_and_slope
from fastinit.proposals import NUMBERS

LANES = 16
BLOCK = 1 << 16
INTERVALS = ((-2.0, 2.0), (-1.0, 1.0), (-3.0, 3.0), (-math.inf, 2.0), (0.0, math.inf), (1.0, math.inf), (2.0, math.inf))
SINGLE, DOUBLE = dtypes.resolve("float32"), dtypes.resolve("float64")
COUNTED = tuple(dtypes.resolve(name) for name in ("float32", "float16", "bfloat16"))
JOINED = 10**11  # cells are joined as the check would for so many values
DEVIATIONS = 6.0  # of chi-squared: p is some 10^-9 there, well below 0.001 over the number of tests
f32, i32, u32, u64 = np.float32, np.int32, np.uint32, np.uint64


@device
def refined_one(w, p, encode):
    """`central_one` of the middle of 256 words, and from there to the word along the tangent."""
    low = fma(convert(bitcast(w & u32(0xFF), i32), f32), f32(2**-31), f32(-127.5 * 2**-31)) * p[4]
    u = fma(fma(convert(bitcast(w & u32(0xFFFFFF00), i32), f32), f32(2**-31), f32(2**-24)), p[4], p[5])
    x, slope = value_and_slope(u)
    return encode(inside(fma(slope, low, x), p))


@device
def refined_trial(a, b, v, w, p, encode):
    return (refined_one(a, p, encode), refined_one(b, p, encode)), (central_test(a, v, p), central_test(b, w, p))


def ways(method):
    """The name, the dtype and the trial of each row."""
    trial = METHODS[method].trial
    yield "float32", SINGLE, trial
    if method == "truncated_central":
        yield "float32 and low bits", SINGLE, refined_trial
    yield "float64", DOUBLE, trial


def kernel(trial, word):
    """A function of words and second words that writes the values and, a bit for each, which are not accepted."""
    width, half = u64(np.dtype(word).itemsize), LANES // 2

    @njit(error_model="numpy", nogil=True)
    def transform(words, tests, parameters_at, out, missing):
        p = doubles(u64(parameters_at), NUMBERS)
        w, v, o, m = u64(words.ctypes.data), u64(tests.ctypes.data), u64(out.ctypes.data), u64(missing.ctypes.data)
        middle = u64(half) * width
        for i in range(u64(words.size // LANES)):
            at = i * u64(LANES) * width
            a, b = load(w + at, word, half), load(w + at + middle, word, half)
            values, accepts = trial(a, b, load(v + at, word, half), load(v + at + middle, word, half), p, as_is)
            store_planes(o + at, values, middle)
            store_missing_bits(m + i * u64(8), accepts)

    return transform


@njit(nogil=True)
def fill_words(first, step, w, v):
    """Words from `first` on, any one of each step, and second words; as the upper half of a word if those have 64 bits.

    The lower half is then its middle, with the word's last 7 bits, which say who is in doubt.
    """
    wide = u64(w.itemsize * 8 - 32)
    for i in range(w.size):
        at = u64(first) + u64(i) * u64(step)
        at += (at // u64(step) * u64(0x9E3779B97F4A7C15) >> u64(40)) % u64(step)
        below = (u64(1 << 31) | at & u64(127)) * u64(wide > u64(0))
        w[i] = at << wide | below
        v[i] = ((at >> u64(7)) * u64(0x9E3779B9) & u64(0xFFFFFFFF)) << wide


@njit(nogil=True)
def tally(x, missing, edges, counts):
    """Count what is accepted; the cell is looked for from the last one on, for neighbouring words have neighbouring values."""
    k = 0
    for i in range(x.size):
        if missing[i // LANES] >> u64(i % LANES) & u64(1):
            continue
        value = np.float64(np.float32(x[i]))
        while k < edges.size and value >= edges[k]:
            k += 1
        while k > 0 and value < edges[k - 1]:
            k -= 1
        counts[k] += 1


def sweep(law, real, transform, plan, first, count, step):
    """How many of `count` words from `first` on, one of every `step`, are accepted in each cell, for each dtype counted."""
    found = [np.zeros(len(cells(law, counted).mass), np.int64) for counted in COUNTED]
    word = STORAGE[real.name].word
    w, v, missing = np.empty(BLOCK, word), np.empty(BLOCK, word), np.empty(BLOCK // LANES, u64)
    out = np.empty(BLOCK, real.dtype)
    for start in range(first, first + count, BLOCK * step):
        fill_words(start, step, w, v)
        transform(w, v, plan.address, out, missing)
        for counts, counted in zip(found, COUNTED, strict=True):
            tally(out, missing, cells(law, counted).edges, counts)
    return found


def planned(interval, real):
    return parameters.truncated_normal(*interval, 0.0, 1.0, "std", real)


def excesses(interval, real, trial, step, threads):
    """The excess per value of each dtype counted, and how many values it takes until the check sees it."""
    law, plan = Law("normal", *interval), planned(interval, real)
    transform = kernel(trial, STORAGE[real.name].word)
    pieces = 64
    share = 2**32 // pieces
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda i: sweep(law, real, transform, plan, i * share, share, step), range(pieces)))
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
        for name, real, trial in ways(planned(interval, SINGLE).method):
            found = excesses(interval, real, trial, args.step, args.threads)
            row = " | ".join(f"{excess:.1e} | {seen:.0e}" for excess, seen in found)
            print(f"| {interval[0]:g} {interval[1]:g} | {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
