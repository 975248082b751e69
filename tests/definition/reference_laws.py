"""The laws of `fastinit.laws` and the sums of `add` (docs/stream-format.md, section 5), written from that text alone.

Each function returns the one value at an index of the flattened array, exactly as stored: a float, or an int.
"""

import decimal
import itertools
import math
from fractions import Fraction

import numpy as np

from tests.definition.reference import TEST_WORDS, draw_between, element, own_word, parameter, stored, truncation, words
from tests.definition.reference_floats import (
    PRECISION,
    box_muller,
    exponential,
    fl,
    fma,
    greater,
    horner,
    lesser,
    negative_log,
    sin_cos_of_quarter_turns,
    two_sided,
    u01_closed_open,
    width_of,
)

#: The integers' bits; bool holds 0 and 1 in one byte.
BITS = {f"{sign}int{n}": n for sign in ("", "u") for n in (8, 16, 32, 64)} | {"bool": 8}


def precision(dtype):
    """The precision of the words that a dtype takes."""
    return np.float64 if dtype.endswith("64") else PRECISION.get(dtype, np.float32)


LN2_32, LN2_64 = (0.693145751953125, 1.428606765330187e-06), (0.6931471803691238, 1.9082149292705877e-10)
EXP32 = (0.0013933641603216529, 0.008369148708879948, 0.04166646674275398, 0.16666504740715027, 0.5, 1.0)
EXP64 = (
    2.510520637395701e-08, 2.7626357241447223e-07, 2.7557255425746435e-06, 2.4801504346997686e-05, 0.00019841269874800493,
    0.0013888888932488599, 0.008333333333326141, 0.04166666666657314, 0.1666666666666667, 0.5000000000000006, 1.0,
)  # fmt: skip


def exp(x):
    real = type(x)
    wide = real is np.float64
    x = lesser(greater(x, real(-746 if wide else -104)), real(710 if wide else 89))
    shift = 1.5 * 2.0 ** (52 if wide else 23)
    k = fma(x, 1.4426950408889634 if wide else 1.4426950216293335, shift) - real(shift)
    upper, lower = LN2_64 if wide else LN2_32
    r = fma(k, -lower, fma(k, -upper, x))
    half = int(k) // 2
    with np.errstate(over="ignore", under="ignore"):
        return fma(r, horner(r, EXP64 if wide else EXP32), 1.0) * real(2.0**half) * real(2.0 ** (int(k) - half))


# One word to a value: functions of the word and the numbers, which are in the precision


def exponential_value(word, scale):
    return exponential(word, type(scale)) * scale


def both_sides(distance):
    def value(word, loc, scale):
        lower, u, rest = two_sided(word, type(loc))
        return fma(distance(u, rest), -scale if lower else scale, loc)

    return value


@both_sides
def laplace_value(u, rest):
    return negative_log(u, -rest)


@both_sides
def logistic_value(u, rest):
    q = rest * type(u)(2) / u
    return -negative_log(q + type(u)(1), q)


@both_sides
def cauchy_value(u, rest):
    sine, cosine = sin_cos_of_quarter_turns(u if u <= 0.5 else rest)
    return cosine / sine if u <= 0.5 else sine / cosine


def gumbel_value(word, loc, scale):
    e = exponential(word, type(loc))
    return fma(negative_log(e, e - type(e)(1)), scale, loc)


def exp_of_double(x):
    """The binary64 number nearest to exp(x)."""
    with decimal.localcontext(prec=60) as context:
        context.clear_traps()
        return float(decimal.Decimal(x).exp())


#: The function of a word; and the constant for a scale of 0.
OF_A_WORD = {
    "exponential": (exponential_value, lambda scale: 0.0),
    "laplace": (laplace_value, lambda loc, scale: loc),
    "logistic": (logistic_value, lambda loc, scale: loc),
    "cauchy": (cauchy_value, lambda loc, scale: loc),
    "gumbel": (gumbel_value, lambda loc, scale: loc),
}


def _of_a_word(name):
    value, constant = OF_A_WORD[name]

    def computed(stream, index, real, *arguments):
        numbers = [fl(parameter(x), real) for x in arguments]
        if parameter(arguments[-1]) == 0:
            return fl(constant(*map(parameter, arguments)), real)
        return value(own_word(element(stream, index, real), 0), *numbers)

    return computed


def lognormal_value(stream, index, real, mean, sigma):
    mean, sigma = parameter(mean), parameter(sigma)
    if sigma == 0:
        return fl(exp_of_double(mean), real)
    place = element(stream, index, real)
    return exp(fma(box_muller(words(place, 0), real)[place.plane], fl(sigma, real), fl(mean, real)))


def rademacher_value(stream, index, real):
    word = own_word(element(stream, index, real), 0)
    return real(-1 if word >> (width_of(real) - 1) else 1)


def trial_numbers(p, n):
    """The threshold, the value of the word that equals it, and the chance that this word is taken."""
    scaled = p * 2.0**n
    threshold = math.floor(scaled)
    f = scaled - threshold
    return threshold, *((1, (f - p) / (1.0 - p)) if f >= p else (0, 1.0 - f / p))


def bernoulli_value(stream, index, real, p):
    p = parameter(p)
    if p in (0.0, 1.0):
        return real(p)
    threshold, edge, taken = trial_numbers(p, width_of(real))
    place = element(stream, index, real)
    for attempt in itertools.count():
        word = own_word(place, attempt)
        if word != threshold:
            return real(word < threshold)
        if u01_closed_open(own_word(place, attempt + TEST_WORDS), real) < fl(taken, real):
            return real(edge)
    return None


#: What each law computes at an index, before storage.
COMPUTED = {name: _of_a_word(name) for name in OF_A_WORD} | {
    "lognormal": lognormal_value,
    "rademacher": rademacher_value,
    "bernoulli": bernoulli_value,
}


def law(name, seed, path, call, index, *arguments, dtype):
    """The value of a law of this name, as stored."""
    if name == "integers":
        return integer((seed, path, call), index, *arguments, dtype)
    value = COMPUTED[name]((seed, path, call), index, precision(dtype), *arguments)
    return int(value) if dtype in BITS else stored(value, dtype)


def integer(stream, index, low, high, endpoint, dtype):
    first, last = (0, low) if high is None else (low, high)
    real = precision(dtype)
    n, count = width_of(real), last - first + bool(endpoint)
    place = element(stream, index, real)
    for attempt in itertools.count():
        result, remainder = divmod(own_word(place, attempt) * count, 2**n)
        if remainder >= 2**n % count:
            return first + result
    return None


# Sums


def term(name, seed, path, call, index, arguments, real):
    """The value that is added: that of the precision, before storage."""
    dtype, stream = real.__name__, (seed, path, call)
    if name == "truncated_normal":
        interval = truncation(*map(parameter, arguments[:4]), arguments[4], dtype)
        return real(draw_between(stream, index, interval, dtype) if isinstance(interval, tuple) else interval)
    return real(law(name, *stream, index, *arguments, dtype=dtype))


def added(old, value, factor, dtype):
    """The stored number `old` plus `factor` times a value of the precision; NaN where either is, or the sum has none."""
    real = PRECISION[dtype]
    with np.errstate(all="ignore"):
        return stored(fma(value, fl(parameter(factor), real), real(old)), dtype)


def chance_of_1(threshold, edge, taken, n):
    """The exact chance of 1 with these numbers and words of n bits."""
    count = Fraction(2**n)
    return (threshold + edge * taken) / (count - 1 + taken)
