"""Operations of `Lanes` equal NumPy's, bit by bit."""

import operator

import numpy as np
import pytest

from fastinit.arithmetic import lanes
from fastinit.arithmetic.lanes import fma, maximum, minimum, select, sqrt
from fastinit.kernels.mapped import mapped
from tests.definition import reference_floats
from tests.definition.reference_floats import FORMATS
from tests.kernels.samples import (
    ALL,
    DTYPES,
    INTEGERS,
    NAMES,
    REALS,
    UNSIGNED,
    cases,
    computed,
    label,
    require_numpy_s,
    require_same,
    samples,
)

ARITHMETIC = [(f, k) for f in (operator.add, operator.sub, operator.mul) for k in ALL]
ARITHMETIC += [(operator.truediv, k) for k in REALS]
BITWISE = [(f, k) for f in (operator.and_, operator.or_, operator.xor) for k in INTEGERS]
COMPARISONS = [
    (f, k) for f in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne) for k in ALL
]  # NaN is unequal to all, itself too


@pytest.mark.parametrize(("function", "kind"), ARITHMETIC + BITWISE + COMPARISONS, ids=label)
def test_operators(function, kind):
    """All pairs of some numbers: integers wrap around, reals are rounded once and keep subnormals and the sign of 0."""
    x = samples(kind)
    require_numpy_s(function, x[:, None], x[None, :])


@pytest.mark.parametrize("kind", UNSIGNED, ids=label)
@pytest.mark.parametrize("function", [operator.floordiv, operator.mod], ids=label)
def test_division_of_unsigned(function, kind):
    x = samples(kind)
    require_numpy_s(function, x[:, None], x[x != 0][None, :])


@pytest.mark.parametrize("kind", INTEGERS, ids=label)
def test_shifts(kind):
    """By lanes and by numbers; to the right, the sign of a signed number moves in."""
    x, amounts = samples(kind), np.arange(kind.bits, dtype=DTYPES[kind])
    require_numpy_s(operator.lshift, x[:, None], amounts[None, :])
    require_numpy_s(operator.rshift, x[:, None], amounts[None, :])
    for n in (0, 1, 7, kind.bits - 1):
        require_numpy_s(lambda x, n=n: x << n, x)
        require_numpy_s(lambda x, n=n: x >> n, x)


@cases(
    {
        "x + 2": (lambda x: x + 2, ALL),
        "2 + x": (lambda x: 2 + x, ALL),
        "x - 2": (lambda x: x - 2, ALL),
        "2 - x": (lambda x: 2 - x, ALL),
        "x * 3": (lambda x: x * 3, ALL),
        "3 * x": (lambda x: 3 * x, ALL),
        "x / 3": (lambda x: x / 3, REALS),
        "1 / x": (lambda x: 1 / x, REALS),
        "x // 7": (lambda x: x // 7, UNSIGNED),
        "x % 7": (lambda x: x % 7, UNSIGNED),
        "x & 21": (lambda x: x & 21, INTEGERS),
        "21 & x": (lambda x: 21 & x, INTEGERS),
        "21 | x": (lambda x: 21 | x, INTEGERS),
        "21 ^ x": (lambda x: 21 ^ x, INTEGERS),
        "~x": (lambda x: ~x, UNSIGNED),
        "-x": (lambda x: -x, REALS),
        "abs(x)": (abs, REALS),
        "x < 3": (lambda x: x < 3, ALL),
        "3 < x": (lambda x: operator.lt(3, x), ALL),
        "3 >= x": (lambda x: operator.ge(3, x), ALL),
        "1 == x": (lambda x: operator.eq(1, x), ALL),
        "x != 1": (lambda x: x != 1, ALL),
    }
)
def test_numbers_beside_lanes(case):
    """A number takes the kind of the lanes, on whichever side it stands."""
    function, kinds = case
    for kind in kinds:
        require_numpy_s(function, samples(kind))


@pytest.mark.parametrize("kind", REALS, ids=label)
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 0.0,
        lambda x: x - 0.0,
        lambda x: 0.0 - x,
        lambda x: x * 0.0,
        lambda x: x * 1.0,
        lambda x: x / x,
        lambda x: x - x,
        lambda x: (x + 1e8) - 1e8,
        lambda x: (x * 3.0) / 3.0,
        lambda x: 1.0 / (1.0 / x),
        lambda x: (x + 0.1) + 0.2,
        lambda x: x * 0.1 + x * 0.2,
    ],
)
def test_no_algebra_is_done_that_rounding_would_show(function, kind):
    require_numpy_s(function, samples(kind))


def product_and_sum(a, b, c):
    return a * b + c


def product_and_difference(a, b, c):
    return c - a * b


@pytest.mark.parametrize("kind", REALS, ids=label)
@pytest.mark.parametrize("function", [product_and_sum, product_and_difference])
def test_a_product_and_a_sum_are_rounded_twice(function, kind):
    a, b = np.random.default_rng(3).normal(size=(2, 1000)).astype(DTYPES[kind])
    require_numpy_s(function, a, b, -(a * b))
    assert np.count_nonzero(mapped(fma, a, b, -(a * b))) > 500  # where one rounding less shows


def triples(kind):
    """Arguments of fma: all magnitudes, sums that cancel, halves that a second rounding would spoil, both ends of the range."""
    generator, dtype, digits = np.random.default_rng(4), DTYPES[kind], kind.digits
    a, b = generator.normal(size=(2, 600)).astype(dtype)
    scale = np.float64(2.0) ** generator.integers(-2 * digits, 2 * digits, 600)
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    near_half = [
        (1 + 2.0 ** (1 - digits), 1 - 2.0 ** (1 - digits), c) for c in (1.0, -1.0, 2.0**digits, 2.0 ** (digits + 1) + 4)
    ]
    ends = [(tiny, 0.5, 0), (tiny, 0.5, tiny), (tiny, 1.5, tiny), (huge, 2.0, -huge), (huge, huge, -huge), (huge, 1.0, huge)]
    zeros = [(0.0, -1.0, 0.0), (0.0, -1.0, -0.0), (1.0, -1.0, 1.0), (np.inf, 1.0, -np.inf), (np.inf, 0.0, 1.0), (np.nan, 1, 1)]
    few = np.array([*near_half, *ends, *zeros], dtype).T
    with np.errstate(all="ignore"):
        sums = [(a, b, (-(a * b) * (1 + scale)).astype(dtype)), (a, b, -(a * b)), (a, b, (a * scale).astype(dtype)), few]
    return [np.concatenate(column) for column in zip(*sums, strict=True)]


@pytest.mark.parametrize("kind", REALS, ids=label)
def test_fma_is_rounded_once(kind):
    a, b, c = triples(kind)
    with np.errstate(all="ignore"):
        wanted = np.array([reference_floats.fma(*three) for three in zip(a, b, c, strict=True)], DTYPES[kind])
    require_same(mapped(fma, a, b, c), wanted)


def test_fma_takes_numbers_anywhere():
    x = np.random.default_rng(5).normal(size=100).astype("f4")
    wide = x.astype("f8")  # where x * 0.5 + 2 and 3 x - 1.5 are exact
    require_same(mapped(lambda x: fma(x, 0.5, 2.0), x), (wide * 0.5 + 2).astype("f4"))
    require_same(mapped(lambda x: fma(3, x, -1.5), x), (wide * 3 - 1.5).astype("f4"))
    require_same(mapped(lambda x: fma(0.5, 0.25, x), x), (wide + 0.125).astype("f4"))


@pytest.mark.parametrize("kind", REALS, ids=label)
def test_sqrt(kind):
    x = np.concatenate([samples(kind), np.random.default_rng(6).exponential(size=2000).astype(DTYPES[kind])])
    require_same(mapped(sqrt, x), computed(np.sqrt, x))


@pytest.mark.parametrize("kind", ALL, ids=label)
def test_minimum_and_maximum(kind):
    """The second where they compare equal (which zero has no sign), and where one is NaN."""
    a, b = np.broadcast_arrays(samples(kind)[:, None], samples(kind)[None, :])
    require_same(mapped(minimum, a, b), np.where(a < b, a, b))
    require_same(mapped(maximum, a, b), np.where(a > b, a, b))
    require_same(mapped(lambda x: minimum(x, 1), a), np.where(a < 1, a, a.dtype.type(1)))
    require_same(mapped(lambda x: maximum(1, x), a), np.where(a < 1, a.dtype.type(1), a))


def test_zeros_of_minimum_and_maximum():
    a, b = np.float32([0.0, -0.0]), np.float32([-0.0, 0.0])
    for function in (minimum, maximum):
        require_same(mapped(function, a, b), b)


@pytest.mark.parametrize("kind", ALL, ids=label)
def test_select_by_conditions(kind):
    """Conditions have &, |, ^, ~ and ==; numbers may stand on one side."""
    a, b = np.broadcast_arrays(samples(kind)[:, None], samples(kind)[None, :])
    for both in (operator.and_, operator.or_, operator.xor, operator.eq, operator.ne):
        require_same(mapped(lambda a, b, both=both: select(both(a < b, b > 1), a, b), a, b), np.where(both(a < b, b > 1), a, b))
    require_same(mapped(lambda a, b: select(~(a < b), a, 3), a, b), np.where(~(a < b), a, a.dtype.type(3)))
    require_same(mapped(lambda a, b: select(a < b, 3, b), a, b), np.where(a < b, a.dtype.type(3), b))
    require_same(mapped(lambda a, b: select((a < b) & 1, 3, b), a, b), np.where(a < b, a.dtype.type(3), b))
    conditions = mapped(lambda a, b: select(a < b, b > 1, a > 1), a, b)
    require_same(conditions, np.where(a < b, b > 1, a > 1).astype("u1"))


def test_every_operation_of_the_module_is_tested():
    """The functions of `lanes` that a formula may use stand in this file's imports."""
    own = {name for name, x in vars(lanes).items() if callable(x) and getattr(x, "__module__", "") == lanes.__name__}
    own -= {"Kind", "Target", "Lanes", "met"} | {name for name in own if name.startswith("_")}
    assert own == {
        "bitcast",
        "convert",
        "fma",
        "half_bits",
        "half_reals",
        "in_step",
        "maximum",
        "minimum",
        "raised",
        "select",
        "sqrt",
        "upper_halves",
    }
    assert set(FORMATS) >= set(NAMES.values())
