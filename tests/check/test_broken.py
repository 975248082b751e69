"""`fastinit check` finds samplers that are broken on purpose, each by the test meant for it, and lets the right ones pass.

A verdict is wrong about a right sampler once in 1,000 seeds; seeds are fixed here. Each defect fails by far more than chance.
"""

import math

import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.check import counts, subjects, verdict, words
from fastinit.check.laws import NORMAL, UNIFORM, truncated_normal, uniform
from fastinit.check.results import Result, subject
from tests.repeats import mostly_at_night

N = 1 << 20
TWO = truncated_normal(-2.0, 2.0)
REAL = {name: dtypes.resolve(name) for name in ("float32", "float64", "float16", "bfloat16")}
RNG = fi.default_rng(20261124)


def judged(x, law, dtype, pairs=False):
    """The verdict on an array, as `subjects.check` comes to it."""
    real = REAL[dtype]
    summary = counts.summarise(law, real, np.array_split(x, 3))
    rows = subjects.rows(law, real, summary, x, pairs=pairs)
    result = Result(subject("fastinit", law, real), x.size, 0.0, tuple(rows))
    return verdict.judge([result])


def failed(found):
    return {row.group for _, row in found.failed}


def draw(law, dtype, seed=0, size=N):
    return law.draw(fi.default_rng(seed), REAL[dtype], size=size)


@pytest.mark.parametrize("dtype", REAL)
def test_a_right_uniform_passes(dtype):
    found = judged(draw(UNIFORM, dtype), UNIFORM, dtype)
    assert found.good, found.failed
    assert found.tests > 10


#: Each law once; the normal law in both dtypes whose pairs are tested.
RIGHT = [
    (NORMAL, "float32"), (NORMAL, "float64"), (uniform(-1.5, 2.5), "float16"), (TWO, "bfloat16"),
    (truncated_normal(-3.0, 2.5), "float32"), (truncated_normal(2.0, math.inf), "float64"),
]  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize(("law", "dtype"), RIGHT, ids=lambda each: getattr(each, "title", each))
def test_a_right_sampler_passes(law, dtype):
    found = judged(draw(law, dtype), law, dtype, pairs=law is NORMAL)
    assert found.good, found.failed
    assert found.tests > 10


def words_of(size):
    return RNG.child("words").bits(size).astype(np.float64)


def pairs_from(radius, angle):
    """A float32 normal array in the format's order of partners, from uniform radii and angles (in turns)."""
    r = np.sqrt(-2 * np.log(radius))
    both = np.stack([(r * np.cos(2 * np.pi * angle)).reshape(-1, 32), (r * np.sin(2 * np.pi * angle)).reshape(-1, 32)], 1)
    return both.reshape(-1).astype(np.float32)


def box_muller(bits=32, swapped=False):
    """Box and Muller's transform; with the sine that belongs to the next pair's angle, if it is swapped."""
    w = words_of(2 * N).reshape(2, -1)
    radius = (np.floor(w[0] * 2.0 ** (bits - 32)) + 0.5) * 2.0**-bits
    angle = (w[1] + 0.5) * 2.0**-32
    x = pairs_from(radius, angle).reshape(-1, 2, 32)
    if swapped:
        x[:, 1] = pairs_from(radius, np.roll(angle, 1)).reshape(-1, 2, 32)[:, 1]
    return x.reshape(-1)


def test_the_pairs_made_here_pass():
    found = judged(box_muller(), NORMAL, "float32", pairs=True)
    assert found.good, found.failed


@pytest.mark.nightly
def test_a_radius_of_24_bits():
    found = judged(box_muller(bits=24), NORMAL, "float32", pairs=True)
    assert {row.name for _, row in found.failed} == {"radius between multiples of 2^-24"}


@pytest.mark.nightly
def test_a_swapped_sine():
    """The values of either half are right: only the pairs are not."""
    x = box_muller(swapped=True)
    found = judged(x, NORMAL, "float32", pairs=True)
    assert {"radius, 4096 cells", "angle, 4096 cells"} <= {row.name for _, row in found.failed}
    assert failed(found) <= {"pairs", "lags", "lanes"}


def test_the_sine_in_the_wrong_quadrants():
    """The sine and the cosine not exchanged at every second axis."""
    w = words_of(2 * N).reshape(2, -1)
    turn = (w[1] + 0.5) * 2.0**-32
    s = 2 * np.pi * (turn - np.round(turn * 4) / 4)
    r = np.sqrt(-2 * np.log((w[0] + 0.5) * 2.0**-32))
    both = np.stack([(r * np.cos(s)).reshape(-1, 32), (r * np.sin(s)).reshape(-1, 32)], 1)
    found = judged(both.reshape(-1).astype(np.float32), NORMAL, "float32", pairs=True)
    assert {"chi2", "KS", "AD", "pairs", "moments"} <= failed(found)


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_clamping_at_the_bound(dtype):
    x = np.clip(RNG.child("clamped").normal(size=N, dtype=dtype), -2, 2).astype(REAL[dtype].dtype)
    found = judged(x, TWO, dtype)
    assert {"at -2", "at 2"} <= {row.name for _, row in found.failed}


def test_one_value_in_ten_thousand_clamped_at_one_bound():
    x = draw(TWO, "float32").copy()
    x[::10000] = 2.0
    found = judged(x, TWO, "float32")
    assert {row.name for _, row in found.failed} >= {"at 2"}
    assert "KS" not in failed(found)


def test_a_value_outside():
    x = draw(TWO, "float32").copy()
    x[12345] = np.nextafter(np.float32(2), np.float32(3))
    assert {row.name for _, row in judged(x, TWO, "float32").failed} == {"outside the bounds, or not finite"}
    x[12345] = np.nan
    assert {row.name for _, row in judged(x, TWO, "float32").failed} >= {"outside the bounds, or not finite"}


@pytest.mark.parametrize("dtype", mostly_at_night(REAL, 2))
def test_one_repeated_tile(dtype):
    """A single tile of 128 values that comes twice, far apart."""
    x = draw(NORMAL, dtype).copy()
    x[700032:700160] = x[256:384]
    found = judged(x, NORMAL, dtype)
    assert "repeats" in failed(found)
    assert failed(found) <= {"repeats", "distinct"}  # float64 numbers do not come twice


@pytest.mark.nightly
def test_a_tile_that_repeats_all_the_time():
    x = np.tile(draw(NORMAL, "float32")[:4096], N // 4096)
    assert {"repeats", "lags", "distinct"} <= failed(judged(x, NORMAL, "float32"))


def test_modulo_bias():
    """Words taken modulo 3 * 2^30 make the first third twice as likely; modulo 3 * 10^8, 7 % too likely up to a place."""
    for modulus in (3 << 30, 3 * 10**8):
        x = (words_of(N) % modulus / modulus).astype(np.float32)
        assert {"chi2", "KS", "AD"} <= failed(judged(x, UNIFORM, "float32"))


@pytest.mark.nightly
def test_modulo_bias_of_words():
    biased = (RNG.bits(N) % np.uint32(48000)).astype(np.uint32) * np.uint32(89478)
    assert {row.name for row in words.serial(biased) if row.p < 1e-9} >= {"low halves", "each of 32 bits"}


@pytest.mark.nightly
def test_a_uniform_of_seven_bits():
    x = (np.floor(words_of(N) * 2.0**-25) * 2.0**-7).astype(ml_dtypes.bfloat16)
    found = judged(x, UNIFORM, "bfloat16")
    assert {"distinct", "chi2"} <= failed(found)


@pytest.mark.nightly
@pytest.mark.parametrize("bits", [20, 22, 23])
def test_a_uniform_of_too_few_bits(bits):
    x = (np.floor(words_of(N) * 2.0 ** (bits - 32)) * 2.0**-bits).astype(np.float32)
    for law in (UNIFORM, uniform(-1.5, 2.5)):
        assert "distinct" in failed(judged(np.float32(law.a) + np.float32(law.b - law.a) * x, law, "float32"))


@pytest.mark.nightly
def test_a_normal_whose_tail_is_cut():
    x = np.clip(RNG.child("cut").normal(size=8 * N), -4.4, 4.4).astype(np.float32)
    x = x[np.abs(x) < 4.4]
    found = failed(judged(x, NORMAL, "float32"))
    assert "tails" in found
    assert found.isdisjoint({"chi2", "KS", "AD", "bounds"})


def test_a_deviation_two_percent_off():
    found = judged(RNG.child("wide").normal(0, 1.02, size=N), NORMAL, "float32")
    assert {"moments", "KS", "AD"} <= failed(found)
    assert "moment 2" in {row.name for _, row in found.failed}


def test_neighbours_that_know_each_other():
    x = RNG.child("lagged").normal(size=N + 100).astype(np.float64)
    for lag in (1, 32, 100):
        y = ((x[lag : N + lag] + 0.01 * x[:N]) / math.sqrt(1.0001)).astype(np.float32)
        assert "lags" in failed(judged(y, NORMAL, "float32"))
    alike = np.abs(x[:N]) * np.sign(x[1 : N + 1])
    alike[1::2] = np.abs(alike[::2]) * np.sign(alike[1::2])
    assert {"lags", "lanes"} <= failed(judged(alike.astype(np.float32), NORMAL, "float32"))


@pytest.mark.nightly
def test_a_lane_that_is_off():
    x = RNG.child("lane").normal(size=N).astype(np.float64)
    x[5::128] += 0.2
    found = judged(x.astype(np.float32), NORMAL, "float32")
    assert {row.name for _, row in found.failed} >= {"values, means of 128 lanes"}


@pytest.mark.nightly
def test_words_that_are_not_philox(monkeypatch):
    right = words.philox
    monkeypatch.setattr(words, "philox", lambda *args: right(*args) ^ np.uint32(1))
    assert [row.p for row in words.known_answers()] == [0.0, 0.0, 0.0]


BROKEN_STREAMS = {
    "the same twice": lambda w: np.concatenate([w[:-1], w[:1]]),
    "neighbours that share their first bytes": lambda w: (w & np.uint32(0x00FFFFFF)) | (w[:1] & np.uint32(0xFF000000)),
    "a bit that is too often set": lambda w: (
        w | ((w >> np.uint32(1)) & (w >> np.uint32(2)) & (w >> np.uint32(3)) & np.uint32(1))
    ),
    "each a sum with the one before": lambda w: w + np.concatenate([w[:1], w[:-1]]),
    "one that is another turned about": lambda w: np.concatenate([w[:-1], ~w[:1]]),
}


@pytest.mark.nightly
@pytest.mark.parametrize("defect", BROKEN_STREAMS)
def test_streams_that_know_each_other(defect):
    right = words.of_children(3, 64, 8192)
    assert min(row.p for row in words.neighbours("children", right)) > 1e-5
    assert min(row.p for row in words.neighbours("children", BROKEN_STREAMS[defect](right))) < 1e-9


@pytest.mark.nightly
@pytest.mark.parametrize("kind", words.KINDS)
def test_streams_that_do_not(kind):
    """With 32 neighbours for each pair of bytes, so that no test is left out."""
    rows = list(words.neighbours(kind, words.KINDS[kind](5, 64, 1 << 15)))
    assert len(rows) == 9
    assert min(row.p for row in rows) > 1e-5
