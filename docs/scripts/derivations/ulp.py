"""Errors of the Box-Muller kernels in units in the last place: `python -m docs.scripts.derivations.ulp`, Markdown on stdout.

float32: each function of every one of the 2^32 radius words and angle words is compared with float64 arithmetic, and its
worst case with 50-digit arithmetic (mpmath). The whole transform takes every radius word with an angle word that is a hash of
it. float64: random words are compared with 50 digits. All words take some ten minutes of one core; `--step 1024` takes one
word of 1,024, in seconds.

A unit in the last place is the distance between neighbouring float32 (float64) numbers at the exact result. The exact radius
of a word w is sqrt(-2 log((w + 1/2) / 2^32)), the exact angle (w + 1/2) / 2^32 turns.
"""

import math

import mpmath as mp
import numpy as np

from docs.scripts import arguments
from docs.scripts.derivations import all_words
from docs.scripts.markdown import table
from fastinit.arithmetic.elementary import exponential, sin_cos_turn
from fastinit.arithmetic.lanes import sqrt
from fastinit.distributions.normal import box_muller
from fastinit.kernels.mapped import mapped

mp.mp.dps = 50
BLOCK = 1 << 13  # words whose float64 values stay in the second cache
NAMES = ("log", "radius", "sine", "cosine", "first of a pair (cosine)", "second of a pair (sine)")
COLUMNS = len(NAMES)
#: Rows of a result: largest error, its word, and sums of errors and of their squares.
WORST, WORD, SUM, SQUARES = range(4)


def transform(word, angle):
    """The kernels' results for a radius word and an angle word, in the order of `NAMES`."""
    e = exponential(word)
    sine, cosine = sin_cos_turn(angle)
    return e, sqrt(e + e), sine, cosine, *box_muller(word, angle)


def exact_turn(words):
    """Sine and cosine of (w + 1/2) / 2^32 turns, from the distance to the nearest axis, which is exact in float64."""
    axis = (words + np.uint32(0x20000000)) >> np.uint32(30)  # 4 counts as 0: one turn further
    s = (words << np.uint32(2)).view(np.int32) * 2.0**-32 + 2.0**-31
    s *= np.pi / 2
    sine, cosine = np.sin(s), np.cos(s)
    odd = (axis & np.uint32(1)).astype(bool)
    sine, cosine = np.where(odd, cosine, sine), np.where(odd, -sine, cosine)
    sign = 1.0 - (axis & np.uint32(2))
    return sine * sign, cosine * sign


def record(errors, column, words, got, exact):
    """Record the errors in units in the last place: 2^-23 of the power of two at or below the exact result."""
    units = (np.uint64(1023 + 23 + 1023) - ((exact.view(np.uint64) >> np.uint64(52)) & np.uint64(2047))) << np.uint64(52)
    error = (got - exact) * units.view(np.float64)
    errors[column, SUM] += error.sum()
    errors[column, SQUARES] += error @ error
    at = np.abs(error, out=error).argmax()
    if error[at] > errors[column, WORST]:
        errors[column, WORST], errors[column, WORD] = error[at], words[at]


def compare32(words, angles, got, errors):
    """Record the errors against float64 functions, whose arguments are exact."""
    e = -np.log((words + 0.5) * 2.0**-32)
    r = np.sqrt(2.0 * e)
    sine, cosine = exact_turn(angles)
    for column, exact in enumerate((e, r, sine, cosine, r * cosine, r * sine)):
        record(errors, column, angles if column in (2, 3) else words, got[column], exact)


def angle_words(words):
    """A permutation of the 32-bit words: odd multipliers and shifts can be undone."""
    x = (words ^ (words >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def sweep(first, count, step):
    """The errors of `count` words from `first` on, one of every `step`."""
    errors = np.zeros((COLUMNS, 4))
    for start in range(first, first + count, BLOCK * step):
        words = (start + np.arange(BLOCK, dtype=np.uint64) * step).astype(np.uint32)
        angles = angle_words(words)
        if step > 1:  # a random word of the step: words with zero low bits convert to float32 without error
            words += angles % np.uint32(step)
            angles = angle_words(words)
        compare32(words, angles, mapped(transform, words, angles), errors)
    return errors


def joined(parts):
    """Merge the errors of all pieces."""
    parts = np.stack(parts)
    worst = parts[:, :, WORST].argmax(0)
    total = parts.sum(0)
    for column in range(COLUMNS):
        total[column, [WORST, WORD]] = parts[worst[column], column, [WORST, WORD]]
    return total


def exact_pair(radius_word, angle_word, bits):
    """All six results, in 50 digits."""
    e = -mp.log((mp.mpf(radius_word) + mp.mpf(1) / 2) / mp.mpf(2) ** bits)
    turn = 2 * mp.pi * ((mp.mpf(angle_word) + mp.mpf(1) / 2) / mp.mpf(2) ** bits)
    r, sine, cosine = mp.sqrt(2 * e), mp.sin(turn), mp.cos(turn)
    return e, r, sine, cosine, r * cosine, r * sine


def units(got, exact, digits):
    """The error in units in the last place."""
    _, exponent = mp.frexp(exact)
    return float((mp.mpf(float(got)) - exact) * mp.mpf(2) ** (digits - int(exponent)))


def confirmed(errors):
    """The worst error of each column, computed again in 50 digits."""
    for column in range(COLUMNS):
        words = np.array([errors[column, WORD]], np.uint32)
        angles = angle_words(words) if column >= 4 else words
        got = mapped(transform, words, angles)[column]
        exact = exact_pair(int(words[0]), int(angles[0]), 32)[column]
        yield abs(units(got[0], exact, 24))


def sample64(count):
    """The largest and the root mean square errors of random words; half of them lie near 0 or 1, at all magnitudes."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**64, count, np.uint64)
    shifts = np.arange(count).astype(np.uint64) % np.uint64(64)
    words[: count // 4] >>= shifts[: count // 4]
    words[count // 4 : count // 2] = ~(words[count // 4 : count // 2] >> shifts[count // 4 : count // 2])
    angles = rng.integers(0, 2**64, count, np.uint64)
    angles = (angles & ~np.uint64(1023)) | np.uint64(512)  # the ten low bits are not used: take their middle
    got = mapped(transform, words, angles)
    errors = np.zeros((COLUMNS, count))
    for i in range(count):
        # the middle of 1,024 words, at 511.5 + 1/2
        exact = exact_pair(int(words[i]), mp.mpf(int(angles[i])) - mp.mpf(1) / 2, 64)
        errors[:, i] = [units(got[j][i], exact[j], 53) for j in range(COLUMNS)]
    return np.abs(errors).max(1), np.sqrt((errors**2).mean(1))


def main():
    parser = all_words.parser(__doc__)
    parser.add_argument("--double", type=arguments.count, default=1 << 15, help="float64 words (default %(default)s)")
    args = parser.parse_args()
    errors = joined(all_words.sweep(sweep, args.step, args.threads))
    size = 2**32 // args.step
    print(f"float32, {size:,} radius words and as many angle words:\n")
    rows = []
    for name, row, checked in zip(NAMES, errors, confirmed(errors), strict=True):
        means = f"{row[SUM] / size:+.5f}", f"{math.sqrt(row[SQUARES] / size):.3f}"
        rows.append([name, f"{row[WORST]:.3f}", f"{checked:.3f}", f"{int(row[WORD]):08x}", *means])
    print(table(["", "largest error, ulp", "the same in 50 digits", "at word", "mean error", "root mean square"], rows))
    worst, square = sample64(args.double)
    print(f"\nfloat64, {args.double:,} pairs of words at random, against 50 digits:\n")
    rows = [[name, f"{most:.3f}", f"{root:.3f}"] for name, most, root in zip(NAMES, worst, square, strict=True)]
    print(table(["", "largest error, ulp", "root mean square"], rows))


if __name__ == "__main__":
    main()
