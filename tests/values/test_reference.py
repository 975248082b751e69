"""Kernels against the definition in `tests/definition/reference.py`, bit for bit, and it against other sources."""

import math
import random

import ml_dtypes
import numpy as np
import pytest
import randomgen

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.arithmetic import reals
from fastinit.arithmetic.elementary import exponential, negative_log, sin_cos_turn
from fastinit.distributions.normal import box_muller
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.kernels.mapped import mapped
from tests.conftest import DTYPES
from tests.definition import reference, reference_floats

INF = math.inf
HUGE = 2**63 - 1
LAST32, LAST64 = 2**32 - 1, 2**64 - 1
REALS = ["float32", "float64"]
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def around(middle, count=80):
    return range(max(0, middle - count // 2), middle + count // 2)


# Element 2^32 q has counter index 2^32 for q = 1, 2, 2, 4: one plane and two planes, binary64 and binary32.
FAR = [around(2**32), around(2**33), around(2**34), around(2**40 + 17), around(2**62)]


def generator(seed, path, call):
    rng = fi.default_rng(seed)
    for child in path:
        rng = rng.child(child) if isinstance(child, str) else rng.spawn(child + 1)[child]
    rng.state = {**rng.state, "calls": call}
    return rng


def sample(rng, name, arguments, dtype, size, index):
    """What the package makes; `arguments` and `dtype` as for the functions of `reference`."""
    options = {} if name == "bits" else {"dtype": dtype}
    if name == "truncated_normal":
        *arguments, options["units"] = arguments
    return getattr(rng, name)(*arguments, size=size, index=index, **options)


def define(name, arguments, dtype, indices, seed, path, call):
    """What the text says."""
    last = () if name == "bits" else (dtype,)
    values = [getattr(reference, name)(seed, path, call, i, *arguments, *last) for i in indices]
    return np.array(values, np.uint32) if name == "bits" else as_stored(values, dtype)


def as_stored(values, dtype):
    with np.errstate(over="ignore"):
        return np.array(values, np.float64).astype(dtypes.resolve(dtype).dtype)


def require_same_bits(got, expected, indices=None):
    kind = UNSIGNED[got.dtype.itemsize]
    wrong = np.flatnonzero(got.view(kind) != expected.view(kind))
    if wrong.size:
        at = wrong[0]
        place = at if indices is None else indices[at]
        raise AssertionError(f"{wrong.size} of {got.size} differ, first {place}: {got[at]!r}, defined {expected[at]!r}")


def require_definition(name, arguments, dtype, indices, seed=11, path=(), call=0):
    got = sample(generator(seed, path, call), name, arguments, dtype, HUGE, slice(indices.start, indices.stop, indices.step))
    require_same_bits(got, define(name, arguments, dtype, indices, seed, path, call), indices)


# Philox


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((LAST32,) * 4, (LAST32,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_known_answers(counter, key, words):
    assert reference.philox4x32(counter, key) == words
    assert tuple(other_philox(counter, key, 1)[0]) == words


def other_philox(counter, key, count):
    """Words of `count` counters from this one on, by randomgen, which counts up before each draw."""
    before = (sum(word << 32 * n for n, word in enumerate(counter)) - 1) % 2**128
    philox = randomgen.Philox(number=4, width=32, key=key[0] | key[1] << 32, counter=before)
    return philox.random_raw(4 * count).astype(np.uint32).reshape(count, 4)


def test_philox_of_the_definition_is_philox():
    draw = random.Random(1)
    for _ in range(200):
        counter, key = [draw.getrandbits(32) for _ in range(4)], [draw.getrandbits(32) for _ in range(2)]
        assert reference.philox4x32(counter, key) == tuple(other_philox(counter, key, 1)[0])


@pytest.mark.parametrize("call", [0, 1, LAST32])
@pytest.mark.parametrize("tile", [0, 2**28 - 8, 2**34, 2**56])
def test_bits_are_philox_words(tile, call):
    tiles = 16
    key, call_word = reference.key_and_call_word(21, (), call)
    counter = (16 * tile & LAST32, 16 * tile >> 32, call_word, 0)
    words = other_philox(counter, key, 16 * tiles).reshape(tiles, 16, 4)
    planes = words[..., [1, 0, 3, 2]].reshape(tiles, 16, 2, 2).transpose(0, 2, 1, 3)
    got = generator(21, (), call).bits(size=HUGE, index=slice(64 * tile, 64 * (tile + tiles)))
    require_same_bits(got, planes.ravel())


@pytest.mark.parametrize("indices", [range(0, 200), *FAR])
def test_bits(indices):
    require_definition("bits", (), None, indices)


# Streams

STREAMS = [
    (0, (), 0),
    (2**200 + 5, (), 2),
    ((1, 2, 3), ("a", "b"), 0),
    (3, (2,), 1),
    (3, ("größe", 1, 0, ""), 5),
    (3, (), LAST32),
    (3, (), 2**32),
    (3, ("a",), 7 * 2**32 + 1),
]


@pytest.mark.parametrize(("seed", "path", "call"), STREAMS)
def test_streams(seed, path, call):
    indices = range(5, 45)
    require_definition("bits", (), None, indices, seed, path, call)
    require_definition("uniform", (0, 1), "float64", indices, seed, path, call)
    require_definition("normal", (0, 1), "float32", indices, seed, path, call)
    require_definition("truncated_normal", (-2, 2, 0, 1, "std"), "float32", indices, seed, path, call)
    require_definition("truncated_normal", (1, INF, 0, 1, "std"), "float64", indices, seed, path, call)


def test_calls_count_up_and_children_start_anew():
    rng = fi.default_rng(8)
    rng.bits(3)
    rng.uniform(size=0)
    require_same_bits(rng.bits(50), define("bits", (), None, range(50), 8, (), 2))
    require_same_bits(rng.normal(size=50), define("normal", (0, 1), "float32", range(50), 8, (), 3))
    require_same_bits(rng.child("a").child("b").bits(50), define("bits", (), None, range(50), 8, ("a", "b"), 0))
    rng.spawn(2)
    require_same_bits(rng.spawn(2)[1].bits(50), define("bits", (), None, range(50), 8, (3,), 0))


def test_elements_count_in_c_order_of_the_whole_shape():
    shape, index = (2**20, 2**20, 7), np.s_[3:9:5, 2**20 - 1 : 4 : -(2**17), 1:6:2]
    rows, columns, layers = (np.arange(n)[part] if n < 2**10 else range(n)[part] for n, part in zip(shape, index, strict=True))
    flat = [(int(i) * shape[1] + int(j)) * shape[2] + int(k) for i in rows for j in columns for k in layers]
    out = np.empty((len(rows), len(columns), len(layers)), np.float32, order="F")
    fi.default_rng(4).normal(size=shape, index=index, out=out)
    require_same_bits(out.ravel(), define("normal", (0, 1), "float32", flat, 4, (), 0), flat)


# Samplers

UNIFORMS = [(0, 1), (-1, 1), (-3.7, 1e-3), (1e4, 6e4), (0.1, 0.1), (1, 1 + 2**-6), (-2e-41, 1e-40), (-0.0, -0.0)]
NORMALS = [(0, 1), (-1.7, 0.02), (300, 1e3), (1.25, 0), (0, 1e-39), (0, 3e-6), (1 + 2**-8 + 2**-40, 0)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("low", "high"), UNIFORMS)
def test_uniform(low, high, dtype):
    if dtype == "float8_e4m3fn" and low > 448:
        high, low = 448, 1
    require_definition("uniform", (low, high), dtype, range(0, 150))
    require_definition("uniform", (low, high), dtype, range(2**33 + 11, 2**33 + 91), seed=12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loc", "scale"), NORMALS)
def test_normal(loc, scale, dtype):
    require_definition("normal", (loc, scale), dtype, range(0, 150))
    require_definition("normal", (loc, scale), dtype, range(2**33 + 11, 2**33 + 91), seed=12)


def test_overflow_and_underflow():
    for dtype, scale in (("float16", 1e5), ("bfloat16", 3e38), ("float32", 3e38), ("float64", 1.5e308)):
        require_definition("normal", (0, scale), dtype, range(0, 60))
    for dtype, high in (("float16", 65504), ("bfloat16", 1e38), ("float32", 1e38), ("float64", 8e307)):
        require_definition("uniform", (-high, high), dtype, range(0, 60))
        require_definition("truncated_normal", (-1, INF, 0, high, "std"), dtype, range(0, 60))
    for dtype, scale in (("float16", 6e-8), ("bfloat16", 1e-40), ("float32", 1e-44), ("float64", 1e-322)):
        require_definition("normal", (0, scale), dtype, range(0, 60))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("indices", FAR)
def test_far_out(indices, dtype):
    require_definition("uniform", (-1, 1), dtype, indices)
    require_definition("normal", (0, 1), dtype, indices)
    for a, b in ((-2, 2), (-1, INF), (1, 1.5), (3, INF)):  # central, and tails on both sides, on one, and far
        require_definition("truncated_normal", (a, b, 0, 1, "std"), dtype, indices)


PROPOSALS = {
    "central": [
        (-2, 2),
        (-1, 1),
        (-0.3, 0.4),
        (-2, 0.5),
        (0, 0.3),
        (1, 1.5),
        (-1e-6, 1e-6),
        (-1e-9, 2),
        (-1.5, -1.25),
        (1.75, 2),
    ],
    "tails": [
        (-3, 3),
        (-1, INF),
        (-INF, 0.5),
        (-1e-7, INF),
        (0, INF),
        (0.1, INF),
        (-INF, 0),
        (1, 1.1),
        (3, 3.000001),
        (-8.02, -8),
        (-0.5, 2.0001),
        (0.999999, 5),
        (1, 9),
        (-INF, -3.999),
        (4, 18.7),
        (-16, -4),
        (15.9, 16),
        (16, INF),
        (79.9, 80.7),
        (80, 81),
        (-INF, -100),
        (1e5, INF),
    ],
}
INTERVALS = [(name, a, b) for name, intervals in PROPOSALS.items() for a, b in intervals]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("name", "a", "b"), INTERVALS)
def test_truncated_normal(name, a, b, dtype):
    std, absolute = (a, b, 0, 1, "std"), (2 * a + 0.25, 2 * b + 0.25, 0.25, 2, "absolute")
    plan = reference.truncation(*map(float, std[:4]), "std", dtype)
    assert plan.proposal is getattr(reference, name)
    require_definition("truncated_normal", std, dtype, range(0, 250))
    require_definition("truncated_normal", (a, b, 5.3, 0.7, "std"), dtype, range(2**33 - 31, 2**33 + 70), seed=12)
    require_definition("truncated_normal", absolute, dtype, range(2**35 + 3, 2**35 + 73), path=("w",), call=1)


@pytest.mark.parametrize(
    ("a", "b", "loc", "scale", "dtype"),
    [
        (-1e-9, 1e-8, 0, 1, "float32"),
        (0, 7e-45, 0, 1, "float32"),
        (-1e-9, 1e-8, 5.3, 0.7, "float64"),
        (0, 1e-300, 0, 1, "float64"),
        (-30 - 2**-46, -30, 0, 2, "float64"),
        (1, 1 + 2**-42, 0.25, 1, "float64"),
    ],
)
def test_flat_windows(a, b, loc, scale, dtype):
    assert reference.truncation(*map(float, (a, b, loc, scale)), "std", dtype).proposal is reference.flat
    require_definition("truncated_normal", (a, b, loc, scale, "std"), dtype, range(0, 250))


def test_no_bounds():
    require_definition("truncated_normal", (-INF, INF, 0.25, 2, "std"), "float64", range(0, 100))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("a", "b"), [(-2, 2), (-1, INF), (-INF, 0.1), (1, 1.5), (-INF, -8)])
def test_truncated_normal_of_sixteen_bits(a, b, dtype):
    require_definition("truncated_normal", (a, b, 0, 1, "std"), dtype, range(0, 150))
    require_definition("truncated_normal", (a, b, -0.3, 0.01, "std"), dtype, range(0, 70), seed=12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_absolute_units(dtype):
    for a, b, loc, scale in (
        (-0.04, 0.04, 0, 0.02),
        (-5, 5, 0.1, 2),
        (0, INF, 3, 1),
        (-1e-3, 2, 5, 0.25),
        (1, 3, 2, 0),
        (-1, 1, 0, 40),
    ):
        require_definition("truncated_normal", (a, b, loc, scale, "absolute"), dtype, range(0, 60))


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_number_between_the_bounds(dtype):
    require_definition("truncated_normal", (0.99999999, 1.00000001, 0, 1, "std"), "float32", range(0, 5))
    require_definition("truncated_normal", (-1, 1, 1 + 2**-8 + 2**-40, 0, "std"), dtype, range(0, 5))
    require_definition("truncated_normal", (1, 2, 1, 5e-324, "absolute"), dtype, range(0, 5))


@pytest.mark.parametrize(
    ("bound", "loc", "dtype"),
    [(65521, 65520, "float16"), (1 + 1e-9, 1 + 2**-24 + 1e-12, "float32"), (449, 465, "float8_e4m3fn")],
)
def test_a_bound_so_many_deviations_off_that_they_count_as_infinite(bound, loc, dtype):
    """All values are loc, which rounds past the bound: the bound still holds."""
    for a, b, middle in ((-1e9, max(bound, loc + 1e-12), loc), (-max(bound, loc + 1e-12), 1e9, -loc)):
        require_definition("truncated_normal", (a, b, middle, 5e-324, "absolute"), dtype, range(0, 40))
        x = fi.default_rng(0).truncated_normal(a, b, middle, 5e-324, 40, units="absolute", dtype=dtype).astype(np.float64)
        assert (a <= x).all()
        assert (x <= b).all()


def doubtful_elements(dtype, count):
    """Indices below `count` whose word of the first attempt has its low 7 bits 0."""
    low = fi.default_rng(11).bits(size=count) & 127 == 0
    if dtype == "float32":
        return np.flatnonzero(low)
    halves = low.reshape(-1, 2, 16, 2)  # tile, plane, counter, half
    return np.flatnonzero(halves[..., 0])


def first_attempt_accepted(interval, stream, index, dtype):
    real = reference.PRECISION[dtype]
    place = reference.element(stream, index, real)
    word, test = reference.own_word(place, 0), reference.own_word(place, reference.TEST_WORDS)
    return interval.proposal(interval.numbers, word, test, real)[1]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("a", "b"), [(-2, 2.0), (0, INF), (-0.5, 3.0)])
def test_ratio_test(a, b, dtype):
    """Where the ratio test decides, both ways."""
    count = 1 << 17
    indices = doubtful_elements(dtype, count)
    got = fi.default_rng(11).truncated_normal(a, b, size=count, dtype=dtype)[indices]
    require_same_bits(got, define("truncated_normal", (a, b, 0, 1, "std"), dtype, map(int, indices), 11, (), 0), indices)
    interval = reference.truncation(float(a), b, 0.0, 1.0, "std", dtype)
    accepted = [first_attempt_accepted(interval, (11, (), 0), int(i), dtype) for i in indices]
    assert 100 < sum(accepted) < len(accepted) - 100


@pytest.mark.parametrize(("a", "b"), [(-0.6, 1.7), (-1e-5, 3.0), (0.3, 0.4), (2.7, 9.9), (33.3, 33.4), (99.0, 99.5)])
def test_parameters_are_ieee_operations(a, b):
    """To the last digit, whatever the C library's functions make of it."""
    plan = truncated_normal(a, b, 0, 1, "std", dtypes.resolve("float64"))
    numbers = reference.truncation(a, b, 0.0, 1.0, "std", "float64").numbers
    assert set(map(float, plan.numbers[3:])) - {0.0} <= set(map(float, numbers)) | {1.0, float(a)}


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
    assert [reference.u11_closed(int(word), np.float32) for word in words] == [1, -1]
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
        expected = [reference.negative_log(*pair) for pair in zip(x, x_minus_1, strict=True)]
        require_same_bits(mapped(negative_log, x, x_minus_1), np.array(expected, real))


# The definition's own arithmetic

ROUNDED = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32}
ODDITIES = [
    0.0,
    -0.0,
    INF,
    -INF,
    65519.99,
    65520.0,
    -65520.0,
    2.0**-25,
    2.0**-24 * 1.5,
    2.0**-150,
    2.0**-149 * 2.5,
    2.0**-134,
    1e300,
]


def rounding_cases(dtype):
    draw = random.Random(3)
    values = [math.ldexp(draw.uniform(-1, 1), draw.randint(-30, 20)) for _ in range(300)]
    ties = [float(x) * (1 + 2.0 ** -reference_floats.FORMATS[dtype].digits) for x in as_stored(values, dtype)]
    return [*ODDITIES, *values, *ties]


@pytest.mark.parametrize("dtype", ROUNDED)
def test_rounding_to_nearest(dtype):
    for x in rounding_cases(dtype):
        with np.errstate(over="ignore"):
            expected = np.float64(x).astype(ROUNDED[dtype])
            twice = dtype == "bfloat16" and np.float32(x) != x  # ml_dtypes rounds to binary32 first
        if twice:
            continue
        got = reference.nearest(x, dtype)
        assert got == float(expected)
        assert math.copysign(1, got) == math.copysign(1, x)


@pytest.mark.parametrize("dtype", ROUNDED)
def test_neighbours_of_a_real_number(dtype):
    kind = ROUNDED[dtype]
    for x in rounding_cases(dtype):
        if abs(x) > 6e4:
            continue
        above, beneath = reference.smallest_not_below(x, dtype), reference.largest_not_above(x, dtype)
        below = reference.largest_below(x, dtype)
        assert beneath <= x <= above
        assert below < x
        assert above == beneath == x or float(np.nextafter(kind(beneath), kind(INF))) == above
        assert float(np.nextafter(kind(below), kind(INF))) >= x


def test_fma_rounds_once():
    for real, digits in ((np.float32, 24), (np.float64, 53)):
        ulp = 2.0 ** (1 - digits)
        half = real(2.0 ** -((digits + 1) // 2))
        x = real(1) + half
        assert float(reference.fma(x, x, -1.0)) - 2 * float(half) == float(half) ** 2
        assert reference.fma(real(1), real(1), ulp / 2) == 1
        assert reference.fma(real(1) + real(ulp), real(1), ulp / 2) == 1 + 2 * ulp
        assert reference.fma(real(1) + real(ulp / 2), real(1), np.finfo(real).smallest_subnormal) >= 1
        tiny = np.finfo(real).smallest_subnormal
        assert reference.fma(tiny, real(0.5), 0.0) == 0
        assert reference.fma(tiny, real(1.5), 0.0) == 2 * tiny
        assert math.copysign(1, reference.fma(-tiny, real(0.25), 0.0)) == -1
