"""A few values in the open: what another implementation of the stream format should give first.

They may change only with a new stream version.
"""

import numpy as np
import pytest

import fastinit as fi
from fastinit.arithmetic import reals
from fastinit.arithmetic.elementary import sin_cos_turn
from fastinit.kernels.mapped import mapped
from tests.definition import reference

#: From the authors of Philox: `kat_vectors` of Random123, lines of philox4x32 with ten rounds. Counter, key, words.
PHILOX = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), PHILOX)
def test_published_words_of_philox(counter, key, words):
    assert reference.philox4x32(counter, key) == words


def test_first_words():
    """Those of seed 0, of its second call, and of a child."""
    rng = fi.default_rng(0)
    assert rng.bits(4).tolist() == [0x8FF17ABB, 0x1F47A3EC, 0x9E710A5F, 0xEBA3CC89]
    assert rng.bits(4).tolist() == [0x3746248C, 0x20028921, 0x9C73C7C5, 0x419284F0]
    assert rng.child("layers.0.weight").bits(4).tolist() == [0x2CA668A1, 0xD5BC6DA9, 0x788BE6BA, 0x7F0EAFC8]


FIRST = {
    "uniform": {
        "float32": [0.5622784, 0.12218684, 0.61891234, 0.9204681],
        "float64": [0.1221868946594834, 0.9204681240066216, 0.9016372936326564, 0.8050201424944369],
    },
    "normal": {
        "float32": [0.7151728, -1.9852583, -0.4729985, -0.18835156],
        "float64": [-1.9852583027900002, -0.18835152499028707, 0.06747882961958637, 0.09128437135482413],
        "float16": [0.7153, -1.985, -0.473, -0.1884],
        "bfloat16": [0.71484375, -1.984375, -0.47265625, -0.1884765625],
        "float8_e4m3fn": [0.6875, -2, -0.46875, -0.1875],
        "float8_e5m2": [0.75, -2, -0.5, -0.1875],
    },
    "truncated_normal": {
        "float32": [-1.3902665, 0.29681382, -1.0975127, -0.19145024],
        "float64": [-1.0833088359885679, 1.2890076483380735, 1.1920304705674254, 0.8103022029282869],
    },
}


@pytest.mark.parametrize(("law", "dtype"), [(law, dtype) for law, by_dtype in FIRST.items() for dtype in by_dtype])
def test_first_values(law, dtype):
    """The shortest decimal numbers that stand for the first four values of seed 0."""
    values = getattr(fi.default_rng(0), law)(size=4, dtype=dtype)
    assert values.tolist() == np.array(FIRST[law][dtype]).astype(values.dtype).tolist()


def test_reals_of_a_word():
    """Section 4 of the stream format, by hand."""
    words = np.array([0x8FF17ABB, 0x1F47A3EC], np.uint32)
    assert mapped(reals.u01_closed_open, words).tolist() == [0x8FF17A / 2**24, 0x1F47A3 / 2**24]
    half, quarter = np.array([1 << 63, 1 << 62], np.uint64)
    assert mapped(reals.u01_closed_open, np.array([half, quarter])).tolist() == [0.5, 0.25]
    sine, cosine = mapped(sin_cos_turn, np.array([0, 1 << 30, 1 << 31, 3 << 30], np.uint32))
    assert np.round(sine, 6).tolist() == [0, 1, 0, -1]
    assert np.round(cosine, 6).tolist() == [1, 0, -1, 0]
