"""The definition of every value: docs/stream-format.md as slow, plain Python, written from that text alone.

`bits`, `uniform`, `normal` and `truncated_normal` return the one value at an index of the flattened array, exactly as stored.
A stream is `seed`, `path` and `call`: the entropy, the children from the root (names for `child`, numbers for `spawn`), and the
number of the call.
"""

import functools
import hashlib
import math
from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np

from tests.reference_floats import (
    PRECISION,
    box_muller,
    exponential,
    fl,
    fma,
    greater,
    horner,
    largest_below,
    largest_not_above,
    lesser,
    nearest,
    negative_log,
    smallest_not_below,
    u01_closed_open,
    u01_minus_1,
    u01_open_closed,
    u11_closed,
)

MASK32 = 2**32 - 1
TAKEN_ANYWAY = 128
TEST_WORDS = 2**31

# Section 1: seed, path, call


def spawn_key(path):
    words = []
    for child in path:
        if isinstance(child, str):
            digest = hashlib.blake2s(child.encode("utf-8"), digest_size=16, person=b"fastinit").digest()
            words += [int.from_bytes(digest[n : n + 4], "little") for n in (0, 4, 8, 12)]
        else:
            words.append(child)
    return tuple(words)


@functools.cache
def key_and_call_word(seed, path, call):
    epoch, call_word = divmod(call, 2**32)
    if epoch:
        path = (*path, f"calls from {epoch} * 2^32")
    state = np.random.SeedSequence(seed, spawn_key=spawn_key(path)).generate_state(2, np.uint32)
    return tuple(int(k) for k in state), call_word


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
    plane: int | None  # 0: A, 1: B, None: both


def element(stream, index, real, planes):
    key, call_word = key_and_call_word(*stream)
    plane_words = 32 if real is np.float32 else 16
    if planes == 2:
        tile, place = divmod(index, 2 * plane_words)
        plane, j = divmod(place, plane_words)
    else:
        tile, j = divmod(index, plane_words)
        plane = None
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
    return own_word(element((seed, path, call), index, np.float32, 2), 0)


def uniform(seed, path, call, index, low, high, dtype):
    real = PRECISION[dtype]
    low, high = parameter(low), parameter(high)
    if low == high:
        return stored(fl(low, real), dtype)
    least, greatest = real(smallest_not_below(low, dtype)), real(largest_below(high, dtype))
    start = real(smallest_not_below(low, real.__name__))
    start = real(smallest_not_below(low, real.__name__))
    width = fl(high - low, real)
    word = own_word(element((seed, path, call), index, real, 2), 0)
    return stored(lesser(greater(fma(u01_closed_open(word, real), width, start), least), greatest), dtype)


def normal(seed, path, call, index, loc, scale, dtype):
    real = PRECISION[dtype]
    loc, scale = fl(parameter(loc), real), fl(parameter(scale), real)
    if scale == 0:
        return stored(loc, dtype)
    place = element((seed, path, call), index, real, 2)
    return stored(fma(box_muller(words(place, 0), real)[place.plane], scale, loc), dtype)


def truncated_normal(seed, path, call, index, low, high, loc, scale, units, dtype):
    interval = truncation(*map(parameter, (low, high, loc, scale)), units, dtype)
    if not isinstance(interval, Interval):
        return stored(interval, dtype)
    return draw_between((seed, path, call), index, interval, dtype)


def draw_between(stream, index, interval, dtype):
    planes = 2 if interval.proposal in (central, two_sided, folded) else 1
    place = element(stream, index, PRECISION[dtype], planes)
    for attempt in range(TAKEN_ANYWAY + 1):
        x, accepted = interval.proposal(interval, place, attempt)
        if accepted:
            break
    value = fma(x, interval.multiplier, interval.origin)
    return stored(lesser(greater(value, interval.least), interval.greatest), dtype)


class Interval(NamedTuple):
    """Parameters, in the precision of the computation; a value is fma(x, multiplier, origin) for the accepted x."""

    proposal: object
    least: float
    greatest: float
    a: float
    b: float
    multiplier: float
    origin: float
    width: float
    gap: float  # g of the flat proposal
    offset: float
    reciprocal_rate: float
    cut: float
    kept: float


@functools.cache
def truncation(a, b, loc, scale, units, dtype):
    """An Interval, or the value if there is but one."""
    real = PRECISION[dtype]
    if scale == 0:
        value = fl(loc, real)
        if units == "absolute":
            value = lesser(greater(value, real(smallest_not_below(a, dtype))), real(largest_not_above(b, dtype)))
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
    proposal = choice(a, b)
    width = b - a
    offset, rate, cut, kept = tail_parameters(a, b) if proposal is tail else (0.0, 1.0, 0.0, 1.0)
    origin = near if proposal in (flat, tail) else loc
    multiplier = {flat: scale * width, tail: scale / rate}.get(proposal, scale)
    gap = lesser(a, 0.0) * lesser(a, 0.0) / 2
    numbers = (least, greatest, a, b, multiplier, origin, width, gap, offset, 1 / rate, cut, kept)
    return Interval(proposal, *(fl(x, real) for x in numbers))


def choice(a, b):
    if a == -2 and b == 2:
        return central
    if a < 0:
        if a > -0.45:
            return flat if b - a < 1.2 else tail
        return flat if b - a < 2.4 else two_sided
    if (b - a) * (b + a) < 0.4:
        return flat
    return folded if a < 0.3 and b > 1.4 + 2.5 * a else tail


def tail_parameters(a, b):
    offset = lesser(2 / (math.sqrt(a * a + 4) + a), (b - a) / 2)
    rate = a + offset
    if math.isinf(b):
        return offset, rate, 0.0, 1.0
    with localcontext() as context:
        context.prec = 60
        cut = (-Decimal(rate) * Decimal(b - a)).exp()
        return offset, rate, float(cut), float(1 - cut)


CENTRAL = tuple(
    float(np.float32(c))
    for c in (
        0.1807885617017746, 0.03176914528012276, -0.30343392491340637, 0.011412260122597218, 0.2271842658519745,
        0.03838174417614937, 0.02136828750371933, 0.12312187254428864, 0.2777452766895294, 1.3916634321212769,
    )
)  # fmt: skip
RATIO_BOUND = float(np.float32(1.2))


def central(interval, place, attempt):
    real = type(interval.a)
    word = own_word(place, attempt)
    u = u11_closed(word, real)
    y = fma(u + u, u, -1.0)
    x = u * horner(y, CENTRAL)
    if x < interval.a or x > interval.b:
        return x, False
    if word & 127:
        return x, True
    d, q = real(CENTRAL[0]), fma(y, CENTRAL[0], CENTRAL[1])
    for c in CENTRAL[2:]:
        d, q = fma(y, d, q), fma(y, q, c)
    slope = fma(4.0 * (u * u), d, q)
    test = own_word(place, attempt + TEST_WORDS)
    h = fma(u01_open_closed(test, real), 1 / 128, 127 / 128) * RATIO_BOUND / slope
    return x, negative_log(h, h - 1.0) >= (x * x) * 0.5


def two_sided(interval, place, attempt):
    z = box_muller(words(place, attempt), type(interval.a))[place.plane]
    return z, not (z < interval.a or z > interval.b)


def folded(interval, place, attempt):
    z = box_muller(words(place, attempt), type(interval.a))[place.plane]
    x = greater(z, -z)
    return x, not (x < interval.a or x > interval.b)


def flat(interval, place, attempt):
    real = type(interval.a)
    word, test = words(place, attempt)
    u = u01_open_closed(word, real)
    d = u * interval.width
    return u, exponential(test, real) >= fma(d, fma(d, 0.5, interval.a), interval.gap)


def tail(interval, place, attempt):
    real = type(interval.a)
    word, test = words(place, attempt)
    survival = fma(u01_open_closed(word, real), interval.kept, interval.cut)
    e = negative_log(survival, u01_minus_1(word, real) * interval.kept)
    d = fma(e, interval.reciprocal_rate, -interval.offset)
    return e, exponential(test, real) >= (d * d) * 0.5


# Section 6: storage


def stored(x, dtype):
    return nearest(float(x), dtype)
