"""Integers without bias, and trials whose chance is exact: the arithmetic, by Python's integers and fractions."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.arithmetic.lanes import convert, f32, u32
from fastinit.distributions import discrete
from fastinit.kernels.mapped import mapped
from tests.definition import reference_laws
from tests.repeats import times
from tests.values.defined import require_same_bits
from tests.values.test_laws import require_law

WORD = {32: np.uint32, 64: np.uint64}
DTYPES = {32: ("int32", "uint32"), 64: ("int64", "uint64")}


def result_and_fairness(w, *halves):
    p = discrete.Halves(*halves)
    return discrete.integer(w, p), discrete.is_fair(w, p)


def ranges(bits):
    """Lowest integers and counts: those at the edges, and random ones of 1 to `bits` binary digits."""
    draw = random.Random(bits)
    edges = [1, 2, 3, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 2**33, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1, 2**64]
    counts = [count for count in edges if count <= 2**bits]
    counts += [draw.getrandbits(n) + 1 for n in range(1, bits + 1) for _ in range(times(6, 60))]
    for count in counts:
        for name in DTYPES[bits]:
            info = np.iinfo(name)
            yield name, draw.randint(info.min, info.max + 1 - count), count


def words_for(count, bits, draw):
    """Ends, random words, and words at the borders between two results."""
    whole = 2**bits
    borders = [-(-draw.randrange(count) * whole // count) for _ in range(4)]
    near = [border + d for border in borders for d in (-1, 0, 1)]
    return [w % whole for w in (0, 1, whole - 1, *near, *(draw.getrandbits(bits) for _ in range(4)))]


@pytest.mark.parametrize("bits", [32, 64])
def test_integers_are_python_s(bits):
    """The result low + floor(w count / 2^bits), and whether the word is taken, for ranges of any size."""
    draw, words, numbers, expected = random.Random(1), [], [], []
    for name, low, count in ranges(bits):
        plan = discrete.integers(low, low + count, False, dtypes.resolve(name, (name,)))
        for w in words_for(count, bits, draw):
            result, remainder = divmod(w * count, 2**bits)
            words.append(w)
            numbers.append(plan.numbers)
            expected.append(((low + result) % 2**bits, remainder >= 2**bits % count))
    results, fair = mapped(result_and_fairness, np.array(words, WORD[bits]), *np.array(numbers).T)
    require_same_bits(results, np.array([x for x, _ in expected], WORD[bits]))
    assert fair.tolist() == [int(taken) for _, taken in expected]
    assert 0 < int(fair.sum(dtype=int)) < len(words)


@pytest.mark.parametrize("bits", [32, 64])
def test_every_integer_has_equally_many_words(bits):
    """The words of result r are those w with r 2^bits + least <= w count < (r + 1) 2^bits: as many for each r."""
    draw, whole = random.Random(2), 2**bits
    for name, low, count in ranges(bits):
        numbers = list(map(int, discrete.integers(low, low + count, False, dtypes.resolve(name, (name,))).numbers))
        lowest, found, least = (numbers[i] << 32 | numbers[i + 1] for i in (0, 2, 4))
        assert (lowest, found or 2**64, least) == (low % 2**64, count, whole % count)
        for r in (0, count - 1, *(draw.randrange(count) for _ in range(5))):
            first, end = -(-(r * whole + least) // count), -(-(r + 1) * whole // count)
            assert end - first == whole // count


@pytest.mark.parametrize("bits", [6, 9])
def test_every_word_of_a_small_machine(bits):
    """The same by counting, for words so short that all can be counted."""
    for count in range(1, 2**bits + 1):
        taken = [w * count // 2**bits for w in range(2**bits) if w * count % 2**bits >= 2**bits % count]
        assert np.bincount(taken, minlength=count).tolist() == [2**bits // count] * count


def test_no_rejection_would_be_seen():
    """Without it the words of a result are not equally many."""
    count, whole = 3 * 2**30, 2**32
    sizes = {-(-(r + 1) * whole // count) - -(-r * whole // count) for r in range(50)}
    assert sizes == {1, 2}


# Trials

CHANCES = [
    0.5,
    0.3,
    0.1,
    1 / 3,
    1 - 2**-20,
    2**-31,
    2**-32,
    2**-33,
    1.5 * 2**-32,
    1 - 2**-53,
    1e-9,
    1e-20,
    5e-324,
    0.9999999999,
]


def chances():
    draw = random.Random(3)
    yield from CHANCES
    for _ in range(times(2000, 20_000)):
        yield draw.random()
        yield draw.random() * 2.0 ** -draw.randrange(60)
        yield 1 - draw.random() * 2.0 ** -draw.randrange(50)


@pytest.mark.parametrize(
    ("dtype", "bits", "digits", "bound"), [("float32", 32, 24, 56), ("float64", 64, 53, 116), ("int8", 32, 24, 56)]
)
def test_the_chance_is_p(dtype, bits, digits, bound):
    """Exactly, but for the digits of the word that decides about the threshold: 2^-56, or 2^-116 with words of 64 bits."""
    real, exact = dtypes.resolve(dtype, (dtype,)), True
    for p in chances():
        if p in (0.0, 1.0):
            continue
        threshold, edge, taken = discrete.bernoulli(p, real).numbers.tolist()
        assert threshold == math.floor(p * 2.0**bits) < 2**bits
        assert edge in (0, 1)
        assert 0 <= taken <= 1
        stored = Fraction(float(np.float32(taken) if bits == 32 else taken))
        below = Fraction(math.ceil(stored * 2**digits), 2**digits)  # how often a uniform number is less
        found = reference_laws.chance_of_1(int(threshold), int(edge), below, bits)
        assert abs(found - Fraction(p)) <= Fraction(1, 2**bound), p
        exact = exact and found == Fraction(p)
    assert not exact


def test_a_plain_threshold_would_be_seen():
    """The bound is one that a threshold alone breaks."""
    errors = [abs(Fraction(math.floor(p * 2.0**32), 2**32) - Fraction(p)) for p in CHANCES]
    assert max(errors) > Fraction(1, 2**34)


def trials(w, v, threshold, edge, taken):
    p = discrete.Trial(threshold, *(x if w.kind is not u32 else convert(x, f32) for x in (edge, taken)))
    return discrete.trial(w, p), discrete.is_certain(w, p), discrete.takes_edge(w, v, p)


@pytest.mark.parametrize("bits", [32, 64])
def test_trials_at_the_threshold(bits):
    real = dtypes.resolve("float32" if bits == 32 else "float64")
    for p in (0.3, 0.9, 2.0**-20 + 2.0**-50, 1 - 2.0**-30, 1e-12):
        plan = discrete.bernoulli(p, real)
        threshold, edge, taken = plan.numbers.tolist()
        t, last = int(threshold), 2**bits - 1
        words = [0, max(t - 1, 0), t, t + 1, last, t, t]
        least = math.ceil(float(np.float32(taken) if bits == 32 else taken) * 2 ** (24 if bits == 32 else 53))
        tests = [
            0,
            0,
            0,
            last,
            0,
            *((min(k, least) << (8 if bits == 32 else 11)) % 2**bits for k in (max(least - 1, 0), least)),
        ]
        value, certain, takes = mapped(trials, np.array(words, WORD[bits]), np.array(tests, WORD[bits]), *plan.numbers)
        assert value.tolist() == [float(w < t) if w != t else edge for w in words]
        assert certain.tolist() == [int(w != t) for w in words]
        assert takes.tolist()[-2:] == [int(least > 0), int(least > (tests[-1] >> (8 if bits == 32 else 11)))]


def words_of(dtype, count):
    w = fi.default_rng(11).bits(count)
    return w if dtype != "float64" else w.astype("<u4").reshape(-1, 2, 16, 2).copy().view("<u8").ravel()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool"])
@pytest.mark.parametrize("f", [0.125, 0.5, 0.875])
def test_a_word_that_is_the_threshold(dtype, f):
    """It is tested, and taken or replaced, as the text says: chances at the first words of a stream.

    Words of 64 bits must be small ones, for else a double has no digits left for the fraction.
    """
    w, bits = words_of(dtype, 2**16), 64 if dtype == "float64" else 32
    seen = set()
    for i in np.flatnonzero(w < 2**50)[: 40 if dtype != "float64" else 6].tolist():
        p = (int(w[i]) + f) / 2.0**bits
        threshold, edge, _ = reference_laws.trial_numbers(p, bits)
        assert threshold == int(w[i])
        require_law("bernoulli", (p,), dtype, range(i, i + 1))
        place = reference_laws.element((11, (), 0), i, reference_laws.precision(dtype))
        seen.add((edge, reference_laws.own_word(place, 0) == threshold))
    assert seen <= {(0, True), (1, True)}
    assert seen
