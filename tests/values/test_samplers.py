"""Values of the distributions are those of the definition, bit for bit."""

import math

import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.distributions.truncated_normal import truncated_normal
from tests.conftest import DTYPES
from tests.definition import reference
from tests.repeats import mostly_at_night
from tests.values.defined import FAR, INF, REALS, define, require_definition, require_same_bits

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
@pytest.mark.parametrize(("loc", "scale"), mostly_at_night(NORMALS, 3))
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
@pytest.mark.parametrize("indices", mostly_at_night(FAR, 2))
def test_far_out(indices, dtype):
    require_definition("uniform", (-1, 1), dtype, indices)
    require_definition("normal", (0, 1), dtype, indices)
    for a, b in ((-2, 2), (-1, INF), (1, 1.5), (3, INF)):  # central, and tails on both sides, on one, and far
        require_definition("truncated_normal", (a, b, 0, 1, "std"), dtype, indices)


PROPOSALS = {
    "symmetric": [
        (-2, 2),
        (-1, 1),
        (-0.37, 0.37),
        (-1e-6, 1e-6),
    ],
    "central": [
        (-0.3, 0.4),
        (-2, 0.5),
        (0, 0.3),
        (1, 1.5),
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


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("name", "a", "b"), INTERVALS)
def test_truncated_normal(name, a, b, dtype):
    std, absolute = (a, b, 0, 1, "std"), (2 * a + 0.25, 2 * b + 0.25, 0.25, 2, "absolute")
    plan = reference.truncation(*map(float, std[:4]), "std", dtype)
    assert plan.proposal is getattr(reference, "central" if name == "symmetric" and dtype == "float64" else name)
    require_definition("truncated_normal", std, dtype, range(0, 250))
    require_definition("truncated_normal", (a, b, 5.3, 0.7, "std"), dtype, range(2**33 - 31, 2**33 + 70), seed=12)
    require_definition("truncated_normal", absolute, dtype, range(2**35 + 3, 2**35 + 73), path=("w",), call=1)


@pytest.mark.parametrize(
    ("name", "b", "loc", "scale"),
    [
        ("symmetric", 2, 0, 0.02),
        ("symmetric", 2, -0.0, 2.0**79),
        ("symmetric", 2, 0, 2.0**-81),
        ("central", 2, 0, math.nextafter(2.0**-81, 0)),
        ("central", 2, 0, math.nextafter(2.0**79, 2.0**80)),
        ("central", 2, 0, 1e38),
        ("central", 2, 1e-300, 1),
        ("tails", math.nextafter(2, 3), 0, 1),
    ],
)
def test_where_the_symmetric_proposal_ends(name, b, loc, scale):
    assert reference.truncation(-b, b, loc, scale, "std", "float32").proposal is getattr(reference, name)
    for dtype in ("float32", "bfloat16"):
        require_definition("truncated_normal", (-b, b, loc, scale, "std"), dtype, range(0, 150))


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


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("a", "b"), [(-2, 2.0), (0, INF), (-0.5, 3.0), (-0.5, 2.0)])
def test_ratio_test(a, b, dtype):
    """Where the ratio test decides, both ways."""
    count = 1 << (16 if dtype == "float32" else 17)
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
    least, greatest, first, *own = plan.numbers.tolist()
    if plan.law.name == "truncated_central":  # the definition has them in another order
        scale, *rest = own
        ordered = [*rest, scale, first]
    else:
        unit, curvature, step, least_t, other_least_t, *rest = own
        ordered = [unit, curvature, step, other_least_t, least_t, *rest, first]
    assert ordered == list(map(float, reference.truncation(a, b, 0.0, 1.0, "std", "float64").numbers))
    assert (least, greatest) == (a, b)
