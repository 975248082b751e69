"""Laws at extreme words: the least and the greatest values, the middle, and the definition bit for bit."""

import random

import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.arithmetic.elementary import exp
from fastinit.distributions import LAWS
from fastinit.distributions.law import plan
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.distributions.uniform import uniform
from fastinit.kernels.mapped import known_numbers, mapped
from tests.definition import reference, reference_laws
from tests.definition.reference_floats import PRECISION, box_muller, fma, greater, lesser
from tests.repeats import times
from tests.values.defined import INF, REALS, require_same_bits

REAL = {"float32": np.float32, "float64": np.float64}
WORD = {"float32": np.uint32, "float64": np.uint64}
WIDTH = {"float32": 32, "float64": 64}
#: Values for the words 0, 2^(n-1) - 1, 2^(n-1) and 2^n - 1, of a location 0 and a scale 1.
ENDS = {
    "float32": {
        "exponential": ["0x1.6dfb52p+4", "0x1.62e430p-1", "0x1.62e430p-1", "0x1p-33"],  # 22.87
        "laplace": ["-0x1.62e430p+4", "-0x1p-32", "0x1p-32", "0x1.62e430p+4"],  # 22.18
        "logistic": ["-0x1.6dfb52p+4", "-0x1p-31", "0x1p-31", "0x1.6dfb52p+4"],
        "gumbel": ["-0x1.90a3aap+1", "0x1.774f2cp-2", "0x1.774f2cp-2", "0x1.6dfb52p+4"],  # -3.13
        "cauchy": ["-0x1.45f306p+31", "-0x1.921fb6p-32", "0x1.921fb6p-32", "0x1.45f306p+31"],  # 2.7e9
        "rademacher": ["0x1p+0", "0x1p+0", "-0x1p+0", "-0x1p+0"],
    },
    "float64": {
        "exponential": ["0x1.686fc0af622d7p+5", "0x1.62e42fefa39efp-1", "0x1.62e42fefa39efp-1", "0x1p-65"],  # 45.05
        "laplace": ["-0x1.62e42fefa39efp+5", "-0x1p-64", "0x1p-64", "0x1.62e42fefa39efp+5"],  # 44.36
        "logistic": ["-0x1.686fc0af622d7p+5", "-0x1p-63", "0x1p-63", "0x1.686fc0af622d7p+5"],
        "gumbel": ["-0x1.e7686d3aca577p+1", "0x1.774f29bdd6b9fp-2", "0x1.774f29bdd6b9fp-2", "0x1.686fc0af622d7p+5"],  # -3.81
        "cauchy": ["-0x1.45f306dc9c883p+63", "-0x1.921fb54442d18p-64", "0x1.921fb54442d18p-64", "0x1.45f306dc9c883p+63"],
        "rademacher": ["0x1p+0", "0x1p+0", "-0x1p+0", "-0x1p+0"],
    },
}
#: Location and scale of each law that has them, as the numbers of its plan.
NUMBERS = {"exponential": (1.0,), "rademacher": ()}


def of_words(name, numbers, *words):
    """A law's function of words."""
    law, made = LAWS[name], plan(LAWS[name], *numbers)

    def value(w):
        return law.value(w, known_numbers(made, w))

    def pair(a, b):
        return law.pair(a, b, known_numbers(made, a))

    return mapped(value if law.pair is None else pair, *words)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ENDS["float32"])
def test_ends(name, dtype):
    half, last = 1 << (WIDTH[dtype] - 1), (1 << WIDTH[dtype]) - 1
    words = np.array([0, half - 1, half, last], WORD[dtype])
    got = of_words(name, NUMBERS.get(name, (0.0, 1.0)), words)
    assert [x.hex() for x in got.tolist()] == [float.fromhex(text).hex() for text in ENDS[dtype][name]]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ["laplace", "logistic", "cauchy"])
def test_both_sides_are_the_same(name, dtype):
    """A word and its complement differ in sign alone; larger words have no smaller values, but for rounding."""
    bits = WIDTH[dtype]
    words = np.random.default_rng(3).integers(0, (1 << (bits - 1)) - 1, 10_000, WORD[dtype])
    words = np.sort(np.concatenate([words, words + WORD[dtype](1)]))
    x = of_words(name, (0.0, 1.0), words)
    require_same_bits(of_words(name, (0.0, 1.0), ~words), -x)
    assert (np.diff(x) >= -4 * np.finfo(x.dtype).eps * np.abs(x[1:])).all()
    assert (x < 0).all()


@pytest.mark.parametrize(("dtype", "ends"), [("float32", (6.7637057, 0.0011549413)), ("float64", (9.4925830, 7.540906407e-05))])
def test_ends_of_lognormal(dtype, ends):
    """The word 0 has the longest radius; no angle is exactly along an axis, and both ends are its two opposite values."""
    words = np.array([0, 0], WORD[dtype]), np.array([0, 1 << (WIDTH[dtype] - 1)], WORD[dtype])
    greatest, least = of_words("lognormal", (0.0, 1.0), *words)[0].tolist()
    assert abs(np.log(greatest) - ends[0]) < 1e-6
    assert abs(least / ends[1] - 1) < 1e-6
    assert abs(greatest * least - 1) < 1e-6


def special_words(dtype):
    width, draw = WIDTH[dtype], random.Random(4)
    near = [n * 2 ** (width - 3) + d for n in range(8) for d in (-2, -1, 0, 1)]
    small = [draw.getrandbits(draw.randrange(1, width)) for _ in range(times(10, 40))]
    return [word % 2**width for word in (*near, *small, *(-1 - word for word in small))]


SCALES = {"exponential": [(1.0,), (3e38,), (1e-40,)], "rademacher": [()]}
LOCATED = [(0.0, 1.0), (-1.75, 0.0625), (3e38, 3e38), (0.0, 1e-42), (1e-30, 1e-38)]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ENDS["float32"])
def test_extreme_words_are_the_definition_s(name, dtype):
    words, real = special_words(dtype), REAL[dtype]
    for numbers in SCALES.get(name, LOCATED):
        if name == "rademacher":
            expected = [real(-1 if word >> (WIDTH[dtype] - 1) else 1) for word in words]
        else:
            value = reference_laws.OF_A_WORD[name][0]
            with np.errstate(over="ignore", under="ignore"):
                expected = [value(word, *map(real, numbers)) for word in words]
        require_same_bits(of_words(name, numbers, np.array(words, WORD[dtype])), np.array(expected, real), words)


@pytest.mark.parametrize("dtype", REALS)
def test_extreme_words_of_lognormal(dtype):
    words, real = special_words(dtype), REAL[dtype]
    pairs = list(zip(words, reversed(words), strict=True))
    for numbers in LOCATED:
        mean, sigma = map(real, numbers)
        with np.errstate(all="ignore"):
            expected = [[reference_laws.exp(fma(z, sigma, mean)) for z in box_muller(pair, real)] for pair in pairs]
        got = of_words("lognormal", numbers, *np.array(pairs, WORD[dtype]).T)
        require_same_bits(np.stack(got, axis=1).ravel(), np.array(expected, real).ravel())


def require_within(plan, proposal, least, greatest, dtype):
    """A law between bounds, of special words and those at its border: the definition's values, and which are accepted.

    `proposal` is the definition's, from a word and the word of its test.
    """
    law, compute = plan.law, PRECISION[dtype].__name__
    border = int(getattr(law.numbers(*plan.numbers.tolist()), "other_words", 0))
    near = [border + d for d in (-129, -128, -2, -1, 0, 1, 127, 128)]
    words = [*special_words(compute), *(word % 2 ** WIDTH[compute] for word in near)]
    pairs = [(word, test) for word in words for test in (0, 2 ** WIDTH[compute] - 1)]
    with np.errstate(under="ignore"):
        made = [proposal(*pair) for pair in pairs]
    expected = np.array([lesser(greater(value, least), greatest) for value, _ in made], REAL[compute])
    always = law.sure is None

    def value(w, v):
        p = known_numbers(plan, w)
        taken = w == w if always else law.sure(w, p) | law.accept(w, v, p)
        return law.value(w, p), taken

    got, taken = mapped(value, *np.array(pairs, WORD[compute]).T)
    require_same_bits(got, expected, pairs)
    assert least <= got.min() <= got.max() <= greatest
    assert taken.tolist() == [int(accepted) for _, accepted in made]


#: The least width whose step has all its digits, 2^-102 (2^-969), and the one before, whose last value would be `high`.
UNIFORMS = {
    "float32": [(-1.5, 2.5), (0, 2.0**-102), (0, 2.0**-102 * (1 - 2.0**-24)), (-2e-41, 1e-40), (1, 1 + 3 * 2.0**-23)],
    "float64": [(-1.5, 2.5), (0, 2.0**-969), (0, 2.0**-969 * (1 - 2.0**-53)), (1e300, 1e300 * (1 + 2.0**-48))],
    "bfloat16": [(-1.5, 2.5), (0, 2.0**-102 * (1 - 2.0**-24))],
    "float8_e4m3fn": [(-1.5, 2.5)],
}


@pytest.mark.parametrize(("dtype", "low", "high"), [(dtype, *bounds) for dtype in UNIFORMS for bounds in UNIFORMS[dtype]])
def test_extreme_words_of_uniform(dtype, low, high):
    real, numbers = PRECISION[dtype], (float(low), float(high))
    least, greatest = reference.smallest_not_below(numbers[0], dtype), reference.largest_below(numbers[1], dtype)
    top = reference.largest_below(numbers[1], real.__name__)
    spread = reference.uniform_spread(numbers[0], numbers[1] - numbers[0], top, real)
    made = uniform(low, high, dtypes.resolve(dtype))
    require_within(made, lambda word, test: reference.flat(spread, word, test, real), real(least), real(greatest), dtype)


TRUNCATED = [(-2, 2), (-0.3, 1.5), (-3, 2.5), (-INF, 0.5), (2, INF), (-4, -2), (30, 30.5), (-2e-7, 2e-7)]


@pytest.mark.parametrize(
    ("dtype", "a", "b"),
    [(dtype, *bounds) for dtype in REALS for bounds in TRUNCATED] + [("float16", -2, 2), ("float16", 2, INF)],
)
def test_extreme_words_of_truncated_normal(dtype, a, b):
    """Central, both sides and one side of 0, mirrored, far out, and flat."""
    require_extremes(dtype, a, b, 0.5, 2.0)


@pytest.mark.parametrize("b", [2, 0.3])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_extreme_words_of_the_symmetric_proposal(dtype, b):
    require_extremes(dtype, -b, b, 0.0, 2.0)


def require_extremes(dtype, a, b, loc, scale):
    wanted = reference.truncation(*map(float, (a, b, loc, scale)), "std", dtype)
    made = truncated_normal(a, b, loc, scale, "std", dtypes.resolve(dtype))
    proposal = lambda word, test: wanted.proposal(wanted.numbers, word, test, PRECISION[dtype])  # noqa: E731
    require_within(made, proposal, wanted.least, wanted.greatest, dtype)


@pytest.mark.parametrize("dtype", REALS)
def test_exp_is_the_definition_s(dtype):
    """Around each power of 2, and beyond both ends."""
    real = REAL[dtype]
    least, greatest = {"float32": (-150, 128), "float64": (-1075, 1024)}[dtype]
    powers = np.arange(least - 3, greatest + 3, 5 if dtype == "float32" else 37)
    middles = np.concatenate([powers * np.log(2), (powers + 0.5) * np.log(2), [0, 1e-30, -1e-30, 1e30, -1e30]]).astype(real)
    x = np.concatenate([np.nextafter(middles, real(-INF)), middles, np.nextafter(middles, real(INF)), [INF, -INF, 0.0]])
    x = x.astype(real)
    require_same_bits(mapped(exp, x), np.array([reference_laws.exp(each) for each in x], real), x)


@pytest.mark.parametrize("dtype", REALS)
def test_exp_s_ends(dtype):
    real = REAL[dtype]
    ends = {"float32": (-103.97208, 88.72283), "float64": (-745.1332191019411, 709.782712893384)}[dtype]
    inside, outside = np.array(ends, real), np.array([ends[0] - 0.2, ends[1] + 0.001, -INF, INF], real)
    low, high = mapped(exp, inside).tolist()
    assert 0 < low <= 2 * float(np.finfo(real).smallest_subnormal)
    assert 0.999 * float(np.finfo(real).max) < high < INF
    assert mapped(exp, outside).tolist() == [0, INF, 0, INF]
    assert mapped(exp, np.zeros(1, real)).tolist() == [1]


@pytest.mark.parametrize("dtype", REALS)
def test_constants(dtype):
    """A scale of 0 fills with the mode, the mean of the logarithm's exponential function, or 0; p of 0 and 1 with that."""
    cases = [
        (fi.laws.exponential(0), 0.0),
        (fi.laws.laplace(0.1, 0), 0.1),
        (fi.laws.logistic(0.1, -0.0), 0.1),
        (fi.laws.gumbel(0.1, 0), 0.1),
        (fi.laws.cauchy(0.1, 0), 0.1),
        (fi.laws.lognormal(1, 0), np.e),
        (fi.laws.bernoulli(0), 0.0),
        (fi.laws.bernoulli(1), 1.0),
    ]
    for law, value in cases:
        rng = fi.default_rng(0)
        assert (rng.draw(law, 70, dtype=dtype) == REAL[dtype](value)).all()
        assert rng.state["calls"] == 1
    assert fi.default_rng(0).draw(fi.laws.lognormal(800, 0), dtype="float32") == INF
    assert fi.default_rng(0).draw(fi.laws.integers(4, 5), 9).tolist() == [4] * 9
