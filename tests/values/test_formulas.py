"""The formulas from a word to a real number are those of the definition, bit for bit."""

import math
import random

import numpy as np
import pytest

from fastinit.arithmetic import reals
from fastinit.arithmetic.elementary import exponential, negative_log, sin_cos_turn
from fastinit.distributions.normal import box_muller
from fastinit.kernels.mapped import mapped
from tests.definition import reference, reference_floats
from tests.values.defined import INF, REALS, require_same_bits

# Reals from words
CONVERSIONS = {
    "float32": {
        "u01_closed_open": (0, 1 - 2**-24),
        "u01_open_closed": (2**-33, 1),
        "u01_minus_1": (-1, -(2**-33)),
        "u11_closed": (2**-32, -(2**-32)),
        "quarter_turns": (2**-31, -(2**-31)),
    },
    "float64": {
        "u01_closed_open": (0, 1 - 2**-53),
        "u01_open_closed": (2**-65, 1),
        "u01_minus_1": (-1, -(2**-65)),
        "u11_closed": (-1 + 2**-53, 1 - 2**-53),
        "quarter_turns": (2**-53, -(2**-53)),
    },
}
WIDTH = {"float32": 32, "float64": 64}
WORD = {"float32": np.uint32, "float64": np.uint64}


def values_of(w):
    """The conversions in the order of `CONVERSIONS`, then functions of the whole word."""
    ours = (reals.u01_closed_open, reals.u01_open_closed, reals.u01_open_closed_minus_1, reals.u11_closed, reals.quarter_turns)
    return *(convert(w) for convert in ours), exponential(w), *sin_cos_turn(w)


def require_rows(got, expected):
    """Arrays, one for each column of the table of what is expected, in one precision."""
    for column, values in zip(zip(*expected, strict=True), got, strict=True):
        require_same_bits(values, np.array(column, values.dtype))


def special_words(dtype):
    width = WIDTH[dtype]
    draw = random.Random(2)
    eighths = [n * 2 ** (width - 3) + d for n in range(8) for d in (-1, 0, 1)]
    return [word % 2**width for word in eighths] + [draw.getrandbits(width) for _ in range(60)]


@pytest.mark.parametrize("dtype", REALS)
def test_ends_of_conversions(dtype):
    real, last = reference.PRECISION[dtype], 2 ** WIDTH[dtype] - 1
    ours = mapped(values_of, np.array([0, last], WORD[dtype]))
    for (name, ends), values in zip(CONVERSIONS[dtype].items(), ours, strict=False):
        convert = getattr(reference_floats, name)
        assert (convert(0, real), convert(last, real)) == ends, name
        assert tuple(values) == ends, name


def test_ends_of_u11_closed_in_binary32():
    words = np.array([2**31 - 1, 2**31], np.uint32)
    assert [reference_floats.u11_closed(int(word), np.float32) for word in words] == [1, -1]
    assert mapped(reals.u11_closed, words).tolist() == [1, -1]


@pytest.mark.parametrize("dtype", REALS)
def test_functions_of_a_word(dtype):
    real, words = reference.PRECISION[dtype], special_words(dtype)
    conversions = [getattr(reference_floats, name) for name in (*CONVERSIONS[dtype], "exponential")]
    expected = [[*(convert(word, real) for convert in conversions), *reference_floats.sin_cos(word, real)] for word in words]
    require_rows(mapped(values_of, np.array(words, WORD[dtype])), expected)


@pytest.mark.parametrize("dtype", REALS)
def test_box_muller(dtype):
    last, words = 2 ** WIDTH[dtype] - 1, special_words(dtype)
    pairs = [(0, 0), (0, last), (last, 0), (last, last), *zip(words, reversed(words), strict=True)]
    expected = [reference_floats.box_muller(pair, reference.PRECISION[dtype]) for pair in pairs]
    require_rows(mapped(box_muller, *np.array(pairs, WORD[dtype]).T), expected)


@pytest.mark.parametrize("dtype", REALS)
def test_negative_log(dtype):
    """Around 1 and around the numbers where k steps, which are sqrt(1/2) and sqrt(2) times powers of 2."""
    real = reference.PRECISION[dtype]
    middles = np.array([2.0**n for n in (-65, -33, -1, 0, 1)] + [math.sqrt(2.0) * 2.0**n for n in (-33, -2, -1, 0)], real)
    x = np.concatenate([np.nextafter(middles, real(0)), middles, np.nextafter(middles, real(INF))])
    for x_minus_1 in (np.zeros_like(x), x - real(1)):
        expected = [reference_floats.negative_log(*pair) for pair in zip(x, x_minus_1, strict=True)]
        require_same_bits(mapped(negative_log, x, x_minus_1), np.array(expected, real))
