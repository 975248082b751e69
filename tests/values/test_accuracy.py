"""How far the functions and the laws are from the exact numbers, by mpmath with 160 binary digits.

An *ulp* is the distance of neighbouring numbers at the exact value. The relative error of a law is that of its value for one
word: w stands for the chance (w + 1/2) / 2^32 (2^64).
"""

import functools
import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from fastinit.arithmetic.elementary import exp, log
from fastinit.kernels.mapped import mapped
from tests.repeats import times
from tests.values.defined import REALS
from tests.values.test_law_ends import REAL, WIDTH, WORD, of_words

COUNT = times(300, 20_000)
#: Relative errors that the documentation of `fastinit.arithmetic` and `docs/stream-format.md` state.
BOUND = {"float32": 2.0**-22, "float64": 2.0**-51}


@pytest.fixture(autouse=True)
def many_digits():
    with mpmath.workprec(160):
        yield


def ulps(got, exact):
    """The largest error in ulps; the ulp of a subnormal number is the smallest of them."""
    info, worst = np.finfo(got.dtype), 0.0
    for x, y in zip(got.tolist(), exact, strict=True):
        step = mpmath.ldexp(1, max(int(mpmath.floor(mpmath.log(abs(y), 2))), int(info.minexp)) - info.nmant)
        worst = max(worst, float(abs(mpf(x) - y) / step))
    return worst


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("part", ["all", "near 0", "tiny results"])
def test_exp_is_within_one_ulp(part, dtype):
    ends = {"float32": (-87, 88.7, -103.9), "float64": (-708, 709.7, -745)}[dtype]
    low, high = {"all": ends[:2], "near 0": (-0.4, 0.4), "tiny results": (ends[2], ends[0])}[part]
    x = np.random.default_rng(5).uniform(low, high, COUNT).astype(REAL[dtype])
    assert ulps(mapped(exp, x), [mpmath.exp(each) for each in x.tolist()]) < 1.0


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("part", ["all", "near 1"])
def test_log_is_within_two_ulps(part, dtype):
    draw = np.random.default_rng(6)
    powers = {"all": draw.uniform(-120, 120, COUNT), "near 1": draw.uniform(-0.6, 0.6, COUNT)}[part]
    x = np.exp2(powers).astype(REAL[dtype])
    assert ulps(mapped(log, x), [mpmath.log(each) for each in x.tolist()]) < 2.0


def probing_words(dtype):
    """Random words, and words that are ever closer to 0, to the middle and to the end."""
    bits, draw = WIDTH[dtype], np.random.default_rng(7)
    half, last = 1 << (bits - 1), (1 << bits) - 1
    wide = [int(w) for w in draw.integers(0, last, COUNT, np.uint64, endpoint=True)]
    small = [(w >> int(n)) % half for w, n in zip(wide, draw.integers(0, bits, COUNT), strict=True)]
    ends = [0, 1, 2, half - 2, half - 1, half, half + 1, last - 1, last]
    return [*ends, *wide, *small, *(last - w for w in small), *(half + w for w in small), *(half - 1 - w for w in small)]


#: Inverses of the distribution functions; exact, with the complement of the chance where it is the smaller one.
INVERSES = {
    "exponential": lambda p, q: -mpmath.log(p),
    "laplace": lambda p, q: mpmath.log(2 * p) if p < q else -mpmath.log(2 * q),
    "logistic": lambda p, q: mpmath.log(p / q),
    "cauchy": lambda p, q: -mpmath.cot(mpmath.pi * p) if p < q else mpmath.cot(mpmath.pi * q),
    "gumbel": lambda p, q: -mpmath.log(-mpmath.log(p)),
}


@functools.cache
def law_and_exact(name, dtype):
    words, bits = probing_words(dtype), WIDTH[dtype]
    got = of_words(name, (1.0,) if name == "exponential" else (0.0, 1.0), np.array(words, WORD[dtype]))
    chances = (mpmath.ldexp(mpf(2 * w + 1), -bits - 1) for w in words)
    return [mpf(x) for x in got.tolist()], [INVERSES[name](p, 1 - p) for p in chances]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ["exponential", "laplace", "logistic", "cauchy"])
def test_laws_are_accurate_at_every_word(name, dtype):
    """The middle of the words and both ends too, where a difference from 1 would have lost all digits."""
    got, exact = law_and_exact(name, dtype)
    assert max(abs((x - y) / y) for x, y in zip(got, exact, strict=True)) < BOUND[dtype]


@pytest.mark.parametrize("dtype", REALS)
def test_gumbel(dtype):
    """About 0, where the logarithm of a number near 1 is taken, the error is that of this number."""
    got, exact = law_and_exact("gumbel", dtype)
    assert max(abs(x - y) / max(1, abs(y)) for x, y in zip(got, exact, strict=True)) < BOUND[dtype]


@pytest.mark.parametrize("dtype", REALS)
def test_lognormal(dtype):
    """The exponential function turns the error of z, at most |z| times the bound, into a relative one."""
    draw, bits, last = np.random.default_rng(8), WIDTH[dtype], (1 << WIDTH[dtype]) - 1
    a, b = (draw.integers(0, last, COUNT, WORD[dtype], endpoint=True) for _ in range(2))
    got = of_words("lognormal", (0.0, 1.0), a, b)
    turn = mpmath.ldexp(1, -bits)
    for i, (w, v) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        radius = mpmath.sqrt(-2 * mpmath.log((w + mpf(1) / 2) * turn))
        angle = 2 * mpmath.pi * (v + mpf(1) / 2) * turn
        for values, part in zip(got, (mpmath.cos(angle), mpmath.sin(angle)), strict=True):
            z = radius * part
            assert abs(mpf(values.tolist()[i]) / mpmath.exp(z) - 1) < BOUND[dtype] * (1 + abs(z))


def test_a_plain_difference_would_be_seen():
    """The bound is one that the obvious formula breaks: log(u) without the complement of the word."""
    last = mpf(2**32 - 2)
    naive = -math.log(float(np.float32(2**32 - 2) * np.float32(2.0**-32)))
    exact = -mpmath.log((last + mpf(1) / 2) / 2**32)
    assert abs((naive - exact) / exact) > BOUND["float32"]
