"""The definition of every value: docs/stream-format.md as slow, plain Python, written from that text alone.

`bits`, `uniform`, `normal` and `truncated_normal` return the one value at an index of the flattened array, exactly as stored.
A stream is `seed`, `path` and `call`: the entropy, the children from the root (names for `child`, numbers for `spawn`), and the
number of the call.
"""

import functools
import itertools
import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tests.definition.reference_central import central, inverse_of_central, squeezed, symmetric, symmetric_numbers
from tests.definition.reference_floats import (
    FORMATS,
    PRECISION,
    box_muller,
    fl,
    fma,
    greater,
    largest_below,
    largest_not_above,
    lesser,
    middle_above,
    nearest,
    negative_log,
    smallest_not_below,
    u01_closed_open,
    upper_bits,
    width_of,
)
from tests.definition.reference_seeds import MASK32, key_and_call_word
from tests.definition.reference_tails import tail_numbers

TEST_WORDS = 2**31

# Section 2: counter and key


def philox4x32(counter, key):
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * x0, 2**32)
        high1, low1 = divmod(0xCD9E8D57 * x2, 2**32)
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return x0, x1, x2, x3


# Section 3: elements to words


class Element(NamedTuple):
    key: tuple
    call_word: int
    counter: int  # the counter's index
    half: int | None  # 0: low, 1: high, None: all 64 bits
    plane: int  # 0: A, 1: B


def element(stream, index, real):
    key, call_word = key_and_call_word(*stream)
    plane_words = 32 if real is np.float32 else 16
    tile, place = divmod(index, 2 * plane_words)
    plane, j = divmod(place, plane_words)
    entry, half = divmod(j, 2) if real is np.float32 else (j, None)
    return Element(key, call_word, 16 * tile + entry, half, plane)


def words(place, attempt):
    """The pair of words (A_j, B_j)."""
    w0, w1, w2, w3 = philox4x32((place.counter & MASK32, place.counter >> 32, place.call_word, attempt), place.key)
    entries = (w0 << 32 | w1, w2 << 32 | w3)
    if place.half is None:
        return entries
    return tuple(entry >> 32 * place.half & MASK32 for entry in entries)


def own_word(place, attempt):
    return words(place, attempt)[place.plane]


# Section 5: distributions


def parameter(x):
    """An argument as a binary64 number, -0 as 0."""
    return float(x) + 0.0


def bits(seed, path, call, index):
    return own_word(element((seed, path, call), index, np.float32), 0)


def uniform(seed, path, call, index, low, high, dtype):
    real = PRECISION[dtype]
    low, high = parameter(low), parameter(high)
    if low == high:
        return stored(fl(low, real), dtype)
    least, greatest = real(smallest_not_below(low, dtype)), real(largest_below(high, dtype))
    spread = uniform_spread(low, high - low, largest_below(high, real.__name__), real)
    word = own_word(element((seed, path, call), index, real), 0)
    return stored(lesser(greater(flat(spread, word, None, real)[0], least), greatest), dtype)


def normal_value(stream, index, loc, scale, real):
    """Before storage."""
    if scale == 0:
        return fl(parameter(loc), real)
    loc, scale = fl(parameter(loc), real), fl(parameter(scale), real)
    place = element(stream, index, real)
    return fma(box_muller(words(place, 0), real)[place.plane], scale, loc)


def normal(seed, path, call, index, loc, scale, dtype):
    return stored(normal_value((seed, path, call), index, loc, scale, PRECISION[dtype]), dtype)


def truncated_normal(seed, path, call, index, low, high, loc, scale, units, dtype):
    interval = truncation(*map(parameter, (low, high, loc, scale)), units, dtype)
    if not isinstance(interval, Interval):
        return stored(interval, dtype)
    if interval.proposal is None:
        value = normal_value((seed, path, call), index, loc, scale, PRECISION[dtype])
        return stored(lesser(greater(value, interval.least), interval.greatest), dtype)
    return draw_between((seed, path, call), index, interval, dtype)


def draw_between(stream, index, interval, dtype):
    place = element(stream, index, PRECISION[dtype])
    for attempt in itertools.count():
        word, test = own_word(place, attempt), own_word(place, attempt + TEST_WORDS)
        value, accepted = interval.proposal(interval.numbers, word, test, PRECISION[dtype])
        if accepted:
            break
    return stored(lesser(greater(value, interval.least), interval.greatest), dtype)


class Interval(NamedTuple):
    """A proposal and its numbers, in the precision of the computation."""

    proposal: object
    least: float
    greatest: float
    numbers: tuple


@functools.cache
def truncation(a, b, loc, scale, units, dtype):
    """An Interval, or the value if there is but one."""
    real = PRECISION[dtype]
    if scale == 0:
        value = fl(loc, real)
        if units == "absolute":
            least, greatest = real(smallest_not_below(a, dtype)), real(largest_not_above(b, dtype))
            value = least if value < least else greatest if value > greatest else value
        return value
    if units == "std":
        lower, upper = loc + scale * a, loc + scale * b
    else:
        lower, upper = a, b
        a, b = (a - loc) / scale, (b - loc) / scale
    least, greatest = smallest_not_below(lower, dtype), largest_not_above(upper, dtype)
    if least == greatest or a == b:
        return real(least)
    near = lower
    if a + b < 0:
        a, b, near, scale = -b, -a, upper, -scale
    if math.isinf(a) and math.isinf(b):
        proposal, numbers = None, (scale, loc)
    elif (b - a) * b < 2.0**-40:
        top = largest_not_above(upper, real.__name__)
        proposal, numbers = flat, uniform_spread(lower, upper - lower, top, real)
    elif real is np.float32 and a == -b and b <= 2 and loc == 0 and 2.0**-80 <= scale * b <= 2.0**80:
        proposal, numbers = symmetric, symmetric_numbers(b, scale)
    elif b <= 2 and (a < 0 or b - a >= 0.25):
        low, high = inverse_of_central(a), inverse_of_central(b)
        proposal, numbers = central, ((high - low) * 0.5, (high + low) * 0.5, scale, loc)
    else:
        proposal, numbers = tails, (*tail_numbers(a, b, scale, width_of(real)), loc if a < 0 else near)
    return Interval(
        proposal, fl(least, real), fl(greatest, real), tuple(x if isinstance(x, int) else fl(float(x), real) for x in numbers)
    )


@functools.cache
def uniform_spread(low, width, top, real):
    """The start, and the step or, where that would be subnormal, the width."""
    name = real.__name__
    start, width = smallest_not_below(low, name), nearest(width, name)
    last = 2**24 - 1 if real is np.float32 else 2**53 - 1
    if Fraction(width) / (last + 1) < Fraction(2) ** FORMATS[name].least_exponent:
        return start, 0, width
    limit = (middle_above(top, name) - Fraction(start)) / last
    return start, min(width / (last + 1), largest_below(limit, name)), 0


def flat(numbers, word, test, real):
    start, step, width = numbers
    if width:
        return fma(u01_closed_open(word, real), width, start), True
    return fma(upper_bits(word, real), step, start), True


def tails(numbers, word, test, real):
    multiplier, big_q, step, other_least, least, words, alpha, factor, alpha_minus_1, *g, origin = numbers
    n = width_of(real)
    if word < words:
        j, i, least, multiplier = words - 1 - word, word, other_least, -multiplier
    else:
        j, i = word - words, 2**n - 1 - word
    t = fma(fl(i, real), step, least)
    e = negative_log(t, fma(fl(j, real), -step, real(-0.5) * step))
    r = np.sqrt(fma(e, big_q, 1.0))
    tau = (e + e) / (r + real(1))
    q, d = fma(tau, g[7], g[6]), g[7]
    for c in reversed(g[:6]):
        d, q = fma(tau, d, q), fma(tau, q, c)
    x = tau * q
    value = fma(x, multiplier, origin)
    if word & 127:
        return value, True
    excess = fma(x - tau, fma(x + tau, real(0.25) * big_q, alpha), tau * alpha_minus_1)
    h = squeezed(test, real) * r / (fma(tau, d, q) * factor)
    return value, negative_log(h, h - 1.0) >= excess


# Section 6: storage


def stored(x, dtype):
    return nearest(float(x), dtype)
