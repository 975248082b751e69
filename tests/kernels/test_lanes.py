"""`Lanes`: what they refuse, with a sentence that says why, and that their operations are NumPy's to the bit."""

import operator
import os
import subprocess
import sys

import numpy as np
import pytest

from fastinit.arithmetic import lanes
from fastinit.arithmetic.lanes import (
    Lanes,
    bit,
    bitcast,
    convert,
    f32,
    f64,
    fma,
    half_bits,
    i32,
    i64,
    in_step,
    maximum,
    minimum,
    raised,
    select,
    sqrt,
    u8,
    u16,
    u32,
    u64,
    upper_halves,
)
from fastinit.kernels.mapped import WIDTH, mapped
from tests.definition import reference_floats
from tests.definition.reference_floats import FORMATS, fl

DTYPES = {u8: "u1", u16: "u2", u32: "u4", u64: "u8", i32: "i4", i64: "i8", f32: "f4", f64: "f8"}
UNSIGNED, SIGNED, REALS = (u8, u16, u32, u64), (i32, i64), (f32, f64)
INTEGERS, ALL = (*UNSIGNED, *SIGNED), tuple(DTYPES)
NAMES = {f32: "float32", f64: "float64"}

# What is refused


class Nowhere:
    """A target whose values nobody reads."""

    def __getattr__(self, name):
        return lambda *_: ...


NOWHERE = Nowhere()


def some(kind, width=16):
    return Lanes(NOWHERE, None, kind, width)


X, Y, N, W, K, C, S = some(f32), some(f64), some(u32), some(u64), some(i32), some(bit), some(f32, None)


def cases(table):
    """Parameters from a table whose keys are the tests' names."""
    return pytest.mark.parametrize("case", [pytest.param(row, id=name) for name, row in table.items()])


CHOOSE, ORDER, NUMBER = "use select(condition, a, b)", "lanes have no order", "convert(x, kind) converts all lanes"


def looped(x):
    for _ in x:
        pass


def waited(x):
    while x:
        pass


@cases(
    {
        "if": (X, CHOOSE, lambda x: 1 if x else 2),
        "if of a comparison": (X < 0, CHOOSE, lambda c: 1 if c else 2),
        "and": (C, CHOOSE, lambda c: c and c),
        "or": (C, CHOOSE, lambda c: c or c),
        "not": (C, CHOOSE, lambda c: not c),
        "while": (N, CHOOSE, waited),
        "bool": (N, CHOOSE, bool),
        "for": (X, ORDER, looped),
        "iter": (X, ORDER, iter),
        "list": (X, ORDER, list),
        "unpacking": (X, ORDER, lambda x: max(*x)),
        "in": (X, ORDER, lambda x: 1.0 in x),
        "len": (X, "the width belongs to the target", len),
        "hash": (X, CHOOSE, hash),
        "key of a dict": (N, CHOOSE, lambda x: {x: 1}),
        "entry of a set": (N, CHOOSE, lambda x: {x}),
        "index": (N, NUMBER, operator.index),
        "index of a list": (N, NUMBER, lambda x: [1, 2][x]),
        "range": (N, NUMBER, range),
        "int": (N, NUMBER, int),
        "float": (X, NUMBER, float),
        "complex": (X, NUMBER, complex),
        "scalar": (S, CHOOSE, bool),
    }
)
def test_a_value_that_is_not_known_yet_is_no_python_value(case):
    x, cure, use = case
    with pytest.raises(TypeError) as raised_here:
        use(x)
    assert repr(x) in str(raised_here.value)
    assert cure in str(raised_here.value)


@cases(
    {
        "0 < x < 1": lambda: 0 < X < 1,
        "x in a list": lambda: X in [1.0, 2.0],
        "max": lambda: max(X, 1.0),
        "min": lambda: min(X, X),
        "sorted": lambda: sorted([X, X]),
        "abs": lambda: abs(X),
        "round": lambda: round(X),
        "power": lambda: X**2,
        "divmod": lambda: divmod(N, 2),
        "indexing": lambda: X[0],
        "number shifted by lanes": lambda: 1 << N,
        "number // lanes": lambda: 7 // N,
        "an attribute of its own": lambda: setattr(X, "mine", 1),
    }
)
def test_python_s_other_ways_to_a_number_are_closed(case):
    with pytest.raises((TypeError, AttributeError)):
        case()


@cases(
    {
        "u32 + f32": (N, X, operator.add),
        "f32 + f64": (X, Y, operator.add),
        "u32 - i32": (N, K, operator.sub),
        "u32 & u64": (N, W, operator.and_),
        "u32 << u64": (N, W, operator.lshift),
        "u32 < i32": (N, K, operator.lt),
        "f32 == u32": (X, N, operator.eq),
        "f32 != f64": (X, Y, operator.ne),
        "scalar f32 * f64": (S, Y, operator.mul),
        "condition & u32": (C, N, operator.and_),
        "16 + 8 lanes": (X, some(f32, 8), operator.add),
        "16 < 8 lanes": (X, some(f32, 8), operator.lt),
        "fma": (X, Y, lambda a, b: fma(a, 2.0, b)),
        "fma of 16 and 8 lanes": (X, some(f32, 8), lambda a, b: fma(a, b, 1.0)),
        "select": (N, X, lambda a, b: select(C, a, b)),
        "minimum": (X, Y, minimum),
        "maximum": (N, K, maximum),
    }
)
def test_both_sides_have_one_kind_and_width(case):
    a, b, operate = case
    for left, right in ((a, b), (b, a)):
        with pytest.raises(TypeError) as raised_here:
            operate(left, right)
        assert repr(a) in str(raised_here.value)
        assert repr(b) in str(raised_here.value)


LARGE_INT = 10**400  # no double holds it


@cases(
    {
        "u8, too large": (u8, 256),
        "u32, too large": (u32, 1 << 32),
        "u64, too large": (u64, 1 << 64),
        "u32, negative": (u32, -1),
        "i32, too large": (i32, 1 << 31),
        "i32, too small": (i32, -(1 << 31) - 1),
        "i64, too large": (i64, 1 << 63),
        "u32, a fraction": (u32, 0.5),
        "i64, a fraction": (i64, -0.5),
        "u32, a float": (u32, 1.0),
        "condition": (bit, 2),
        "f32, too large": (f32, 1e39),
        "f32, half way beyond the largest": (f32, 2.0**128 - 2.0**103),
        "f32, too large and negative": (f32, -1e39),
        "f32, 25 binary digits": (f32, 2**24 + 1),
        "f32, an int beyond all": (f32, 2**128),
        "f64, 54 binary digits": (f64, 2**53 + 1),
        "f64, an int beyond all": (f64, LARGE_INT),
    }
)
def test_a_constant_fits_its_kind(case):
    kind, number = case
    for use in (lambda x: x.constant(number), lambda x: x == number, lambda x: number != x, lambda x: select(C, x, number)):
        with pytest.raises(ValueError, match=f"does not fit {kind}") as raised_here:
            use(some(kind))
        assert repr(number) in str(raised_here.value)


@cases(
    {
        "u8": (u8, (0, 255)),
        "u64": (u64, (0, (1 << 64) - 1)),
        "i32": (i32, (-(1 << 31), (1 << 31) - 1)),
        "i64": (i64, (-(1 << 63), (1 << 63) - 1)),
        "condition": (bit, (0, 1)),
        "f32": (f32, (0, 0.1, 2**24, 2**100, -3.4028234663852886e38, 1e-60, float("inf"), float("nan"), np.float64(0.5))),
        "f64": (f64, (2**53, 2**1000, 1.7976931348623157e308, 5e-324)),
    }
)
def test_constants_that_fit(case):
    kind, numbers = case
    for number in numbers:
        assert repr(some(kind).constant(number)) == f"Lanes({kind}, 16)"


NO_NUMBERS = {
    "bool": True,
    "str": "1",
    "None": None,
    "complex": 1j,
    "float32": np.float32(1),
    "uint32": np.uint32(1),
    "array": np.arange(3.0),
}


@cases(NO_NUMBERS)
@pytest.mark.parametrize("x", [X, N], ids=str)
def test_a_constant_is_an_int_or_a_float(x, case):
    """A scalar of NumPy has a kind of its own, so it is no constant on either side; `np.float64` is a Python float."""
    for use in (lambda: x + case, lambda: case * x, lambda: x == case, lambda: case < x, lambda: x.constant(case)):
        with pytest.raises(TypeError, match="must be an int or a float") as raised_here:
            use()
        assert repr(case) in str(raised_here.value)


#: Every operation, and the kinds for which it is an error.
REFUSED = {
    "//": (lambda x: x // x, (*SIGNED, *REALS, bit)),
    "%": (lambda x: x % x, (*SIGNED, *REALS, bit)),
    "/": (lambda x: x / x, (*INTEGERS, bit)),
    "+": (lambda x: x + x, (bit,)),
    "-": (lambda x: x - x, (bit,)),
    "*": (lambda x: x * x, (bit,)),
    "<<": (lambda x: x << x, (*REALS, bit)),
    ">>": (lambda x: x >> x, (*REALS, bit)),
    "&": (lambda x: x & x, REALS),
    "|": (lambda x: x | x, REALS),
    "^": (lambda x: x ^ x, REALS),
    "unary -": (lambda x: -x, (*INTEGERS, bit)),
    "~": (lambda x: ~x, (*SIGNED, *REALS)),
    "sqrt": (sqrt, (*INTEGERS, bit)),
    "fma": (lambda x: fma(x, x, x), (*INTEGERS, bit)),
    "half_bits": (half_bits, (*INTEGERS, f64, bit)),
    "raised": (raised, (u8, u16, u32, *SIGNED, *REALS, bit)),
    "upper_halves": (upper_halves, (u8, u16, u64, *SIGNED, *REALS, bit)),
    "select by it": (lambda x: select(x, x, x), ALL),
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, (_, kinds) in REFUSED.items() for kind in kinds], ids=lambda x: str(x)
)
def test_an_operation_is_for_some_kinds(name, kind):
    use, _ = REFUSED[name]
    with pytest.raises(TypeError) as raised_here:
        use(some(kind))
    assert repr(some(kind)) in str(raised_here.value)


@pytest.mark.parametrize("name", REFUSED)
def test_an_operation_has_the_other_kinds(name):
    use, kinds = REFUSED[name]
    for kind in {*ALL, bit} - set(kinds):
        assert isinstance(use(some(kind)), Lanes)


@cases(
    {
        "a condition to a number": lambda: convert(C, u32),
        "a number to a condition": lambda: convert(N, bit),
        "bits of a condition": lambda: bitcast(C, u32),
        "bits to a condition": lambda: bitcast(N, bit),
        "bits of a scalar, wider": lambda: bitcast(S, f64),
        "bits of a scalar, narrower": lambda: bitcast(S, u16),
        "bits of three lanes to one and a half": lambda: bitcast(some(u32, 3), u64),
    }
)
def test_conversions_that_are_refused(case):
    with pytest.raises(TypeError, match=r"^(convert|bitcast) Lanes\("):
        case()


@cases(
    {
        "lanes of another width": lambda: X.spread(8),
        "select by 8 conditions of 16": lambda: select(some(bit, 8), X, X),
        "select by one condition": lambda: select(some(bit, None), X, X),
    }
)
def test_only_a_scalar_spreads(case):
    with pytest.raises(TypeError, match=r"Lanes\(f32, 16\)"):
        case()


@cases(
    {
        "select of two numbers": ("select", lambda: select(C, 1, 2)),
        "select by a bool": ("select", lambda: select(True, X, X)),
        "fma of three numbers": ("fma", lambda: fma(1.0, 2.0, 3.0)),
        "sqrt": ("sqrt", lambda: sqrt(2.0)),
        "convert": ("convert", lambda: convert(1.0, f32)),
        "bitcast": ("bitcast", lambda: bitcast(1.0, u32)),
        "minimum": ("minimum|select", lambda: minimum(1.0, 2.0)),
        "maximum": ("maximum|select", lambda: maximum(1, 2)),
    }
)
def test_plain_numbers_alone_are_no_lanes(case):
    name, use = case
    with pytest.raises(TypeError, match=name):
        use()


@cases(
    {
        "<<": lambda: N << 32,
        ">>": lambda: W >> 64,
        "signed >>": lambda: K >> 32,
        "negative": lambda: K << -1,
        "// 0": lambda: N // 0,
        "% 0": lambda: N % 0,
    }
)
def test_an_operation_without_a_result_is_refused(case):
    """Neither shifts by a whole width nor divisions by 0 have a result that all targets agree about."""
    with pytest.raises((TypeError, ValueError), match=r"Lanes\("):
        case()


# What the operations make


def integer_samples(kind):
    low, high = (-(1 << kind.bits - 1), (1 << kind.bits - 1) - 1) if kind in SIGNED else (0, (1 << kind.bits) - 1)
    middle = (low + high) // 2
    edges = [low, low + 1, 0, 1, 2, 3, 7, middle - 1, middle, middle + 1, middle + 2, high - 1, high]
    edges += [(1 << n) - 1 for n in range(4, kind.bits - 1, 7)] + [-1, -2, -8] * (kind in SIGNED)
    random = np.random.default_rng(1).integers(low, high, 21, DTYPES[kind], endpoint=True)
    return np.concatenate([np.array(edges, DTYPES[kind]), random])


def real_samples(kind):
    info, dtype = np.finfo(DTYPES[kind]), DTYPES[kind]
    plain = [0.0, 1.0, 1.5, 2.0, 3.0, 0.1, 1 / 3, 1 + info.eps, 1 - info.epsneg, 16777217.0, 1e10]
    plain += [info.max, info.smallest_normal, info.smallest_subnormal, info.smallest_normal - info.smallest_subnormal, np.inf]
    plain = np.array([*plain, np.nan], dtype)
    generator = np.random.default_rng(2)
    bits = generator.integers(0, 2**kind.bits, 21, f"u{kind.bits // 8}")
    return np.concatenate([plain, -plain, bits.view(dtype), generator.normal(size=10).astype(dtype)])


def samples(kind):
    return real_samples(kind) if kind in REALS else integer_samples(kind)


def bits_of(x):
    return x.view(f"u{x.itemsize}")


def require_same(found, wanted):
    """Equal dtypes, shapes and bits; NaN is as good as another NaN."""
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    alike = bits_of(found) == bits_of(wanted)
    if found.dtype.kind == "f":
        alike |= np.isnan(found) & np.isnan(wanted)
    where = np.flatnonzero(~alike)
    assert not where.size, f"{where.size} differ, the first is {found.ravel()[where[0]]}, not {wanted.ravel()[where[0]]}"


def computed(function, *arrays):
    """What NumPy makes of arrays, without its warnings; conditions as uint8."""
    with np.errstate(all="ignore"):
        made = function(*arrays)
    return made.astype(np.uint8) if made.dtype == bool else made


def require_numpy_s(function, *arrays):
    require_same(mapped(function, *arrays), computed(function, *arrays))


def label(x):
    return getattr(x, "__name__", None) or str(x)


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


# Conversions


def ties(kind, real):
    """Integers half way between two numbers of a real kind, and their neighbours."""
    found = []
    for top in range(real.digits, kind.bits - (kind in SIGNED)):
        half = 1 << top - real.digits
        found += [(1 << top) + odd * half + off for odd in (1, 3) for off in (-1, 0, 1)]
    found += [(1 << kind.bits - (kind in SIGNED)) - 1 - n for n in (0, 1, 1 << 9, 1 << 10, 1 << 20) if n < 1 << kind.bits - 1]
    return np.array([s * n for n in found for s in ((1, -1) if kind in SIGNED else (1,))], DTYPES[kind])


@pytest.mark.parametrize("real", REALS, ids=label)
@pytest.mark.parametrize("kind", INTEGERS, ids=label)
def test_integers_become_the_nearest_reals(kind, real):
    x = np.concatenate([samples(kind), ties(kind, real)])
    wanted = np.array([fl(int(n), np.dtype(DTYPES[real]).type) for n in x], DTYPES[real])
    require_same(mapped(lambda x: convert(x, real), x), wanted)


@pytest.mark.parametrize("real", REALS, ids=label)
@pytest.mark.parametrize("kind", INTEGERS, ids=label)
def test_reals_lose_their_fraction(kind, real):
    """Where the rest fits: what does not is nobody's."""
    least, most = float(np.iinfo(DTYPES[kind]).min), 2.0 ** (kind.bits - (kind in SIGNED))
    x = np.concatenate([samples(real), np.random.default_rng(7).uniform(least, most, 500).astype(DTYPES[real])])
    x = np.concatenate([x, np.array([0.5, 0.999, 1.5, 2.5, least, np.nextafter(np.array(most, x.dtype), 0)], x.dtype)])
    x = x[(x >= least) & (x < most)]
    require_same(mapped(lambda x: convert(x, kind), x), x.astype(DTYPES[kind]))


@pytest.mark.parametrize("there", INTEGERS, ids=label)
@pytest.mark.parametrize("here", INTEGERS, ids=label)
def test_integers_keep_their_low_bits(here, there):
    require_same(mapped(lambda x: convert(x, there), samples(here)), samples(here).astype(DTYPES[there]))


def test_doubles_become_the_nearest_floats():
    """Ties to even, subnormals, what becomes infinite."""
    above = [1 + 2.0**-24, 1 + 3 * 2.0**-24, 1 + 2.0**-24 + 2.0**-52, 1 + 3 * 2.0**-24 - 2.0**-51, 2.0**128 - 2.0**103]
    small = [2.0**-150, 3 * 2.0**-150, 2.0**-150 * (1 + 2.0**-40), 2.0**-127 + 2.0**-150, np.nextafter(2.0**128 - 2.0**103, 0)]
    generator = np.random.default_rng(8)
    x = np.concatenate([above, small, samples(f64), generator.normal(size=1000) * 2.0 ** generator.integers(-155, 130, 1000)])
    x = np.concatenate([x, -x])
    with np.errstate(all="ignore"):
        wanted = np.array([fl(float(value), np.float32) for value in x], "f4")
    require_same(mapped(lambda x: convert(x, f32), x), wanted)
    require_same(mapped(lambda x: convert(x, f64), samples(f32)), samples(f32).astype("f8"))


@pytest.mark.parametrize("kind", ALL, ids=label)
def test_a_conversion_to_its_own_kind_changes_nothing(kind):
    require_same(mapped(lambda x: convert(x, kind), samples(kind)), samples(kind))
    require_same(mapped(lambda x: bitcast(x, kind), samples(kind)), samples(kind))


@pytest.mark.parametrize(
    ("here", "there"), [(a, b) for a in ALL for b in ALL if a.bits == b.bits and a is not b], ids=lambda kind: str(kind)
)
def test_bits_read_as_another_kind(here, there):
    found = mapped(lambda x: bitcast(x, there), samples(here))
    assert (bits_of(found) == bits_of(samples(here))).all()


@pytest.mark.parametrize("half", [u32, i32, f32], ids=label)
def test_halves_come_the_low_one_first(half):
    """A number is added to each of the halves: the first of a vector is the lower half of its first word."""

    def numbered(w):
        halves = bitcast(bitcast(w, half), u32)
        assert halves.width == 2 * w.width
        return bitcast(halves + w.target.count_up(u32, halves.width), u64)

    words = samples(u64)
    wanted = words.view("u4").reshape(-1, 2).copy()
    wanted += np.resize(np.arange(2 * WIDTH, dtype="u4"), wanted.size).reshape(wanted.shape)
    require_same(mapped(numbered, words), wanted.view("u8").ravel())


def test_halves_of_words():
    require_same(mapped(raised, samples(u64)), samples(u64) << np.uint64(32))
    require_same(mapped(upper_halves, samples(u32)), (samples(u32) >> np.uint32(16)).astype("u2"))


def test_half_bits():
    """The CPU's conversion to float16, where it has one: to nearest even, subnormals kept."""
    found = []

    def or_nothing(x):
        half = half_bits(x)
        found.append(half)
        return convert(bitcast(x, u32), u16) if half is None else half

    generator = np.random.default_rng(9)
    x = (generator.normal(size=3000) * 2.0 ** generator.integers(-28, 17, 3000)).astype("f4")
    x = np.concatenate([x, samples(f32), np.float32([65519.99, 65520, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 2.0**-25, 3 * 2.0**-26])])
    made = mapped(or_nothing, x)
    if found[0] is None:
        pytest.skip("this CPU has no conversion to float16")
    require_same(made.view("f2"), computed(lambda x: x.astype("f2"), x))


def test_values_in_step_are_unchanged():
    a, b = samples(u64), samples(u64)[::-1].copy()
    found = mapped(lambda a, b: in_step(a + 1, b * 3), a, b)
    require_same(found[0], a + np.uint64(1))
    require_same(found[1], b * np.uint64(3))


# Constants and scalars


@pytest.mark.parametrize("kind", ALL, ids=label)
def test_constants_are_the_nearest_numbers_of_their_kind(kind):
    if kind in REALS:
        info = np.finfo(DTYPES[kind])
        numbers = [0.0, -0.0, 0.1, -1 / 3, 1 + 2.0**-24, 1 + 2.0**-24 + 2.0**-50, 1e-46, 1e-45, 5e-324, float(info.max)]
        numbers += [float(info.smallest_normal), float("inf"), -float("inf"), float("nan"), 2**24, -(2**100)]
        wanted = [fl(x, np.dtype(DTYPES[kind]).type) for x in numbers]
    else:
        info = np.iinfo(DTYPES[kind])
        numbers = wanted = [0, 1, 77, int(info.min), int(info.max)]
    found = mapped(lambda x: tuple(x.constant(number) for number in numbers), np.zeros(1, DTYPES[kind]))
    require_same(np.concatenate(found), np.array(wanted, DTYPES[kind]))


def one(x, number):
    """A scalar of the kind of `x`."""
    return Lanes(x.target, x.target.constant(number, x.kind, None), x.kind, None)


@pytest.mark.parametrize("kind", ALL, ids=label)
@pytest.mark.parametrize(
    "function",
    [
        lambda x, s: x + s(3),
        lambda x, s: s(3) - x,
        lambda x, s: (s(3) * s(2)) * x,
        lambda x, s: s(3) < x,
        lambda x, s: x >= s(3) + 4,
        lambda x, s: 10 - s(3) + x,
    ],
)
def test_scalars_spread_themselves(function, kind):
    x, real = samples(kind), np.dtype(DTYPES[kind]).type
    found = mapped(lambda x: function(x, lambda number: one(x, number)), x)
    require_same(found, computed(lambda x: function(x, real), x))


def test_scalars_in_fma_and_select():
    x = samples(f32)
    found = mapped(lambda x: fma(one(x, 2.0), x, one(x, 4.0)), x)
    require_same(found, computed(lambda x: x * np.float32(2) + np.float32(4), x))
    found = mapped(lambda x: select(x < one(x, 2.0), one(x, 5.0), x), x)
    require_same(found, np.where(x < 2, np.float32(5), x))
    found = mapped(lambda x: select(x < 2, one(x, 5.0), one(x, 6.0)), x)
    require_same(found, np.where(x < 2, np.float32(5), np.float32(6)))
    found = mapped(lambda x: minimum(x, one(x, 2.0)), x)
    require_same(found, np.where(x < 2, x, np.float32(2)))
    found = mapped(lambda x: bitcast(one(x, 1.5), u32) + bitcast(x, u32), x)
    require_same(found, x.view("u4") + np.uint32(0x3FC00000))
    assert mapped(lambda x: convert(one(x, 7.0), u64).spread(WIDTH), x).tolist() == [7] * x.size


# `mapped` itself


def tripled(x):
    return x * 3


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_mapped_of_any_size(size, dtype):
    x = np.arange(size, dtype=dtype)
    kept = x.copy()
    require_same(mapped(tripled, x), x * x.dtype.type(3))
    require_same(x, kept)


def test_mapped_gives_what_the_function_returns():
    """One array for lanes, a tuple for a tuple, of whatever kinds."""
    x = np.arange(40, dtype="u4")
    several = mapped(lambda x: (x < 3, x + 1, convert(x, f64), bitcast(x, f32)), x)
    assert isinstance(several, tuple)
    for found, wanted in zip(several, ((x < 3).astype("u1"), x + np.uint32(1), x.astype("f8"), x.view("f4")), strict=True):
        require_same(found, wanted)
    alone = mapped(lambda x: (x + 1,), x)
    assert isinstance(alone, tuple)
    assert len(alone) == 1


def test_mapped_broadcasts():
    a, b = np.arange(6, dtype="f4")[:, None], np.arange(5, dtype="f4")[None, :]
    require_same(mapped(operator.sub, a, b), a - b)
    require_same(mapped(operator.sub, a, np.float32(2)), a - np.float32(2))
    require_same(mapped(operator.add, np.float32(1), np.float32(2)), np.asarray(np.float32(3)))
    with pytest.raises(ValueError, match="shape"):
        mapped(operator.add, np.zeros(3), np.zeros(4))


def test_mapped_of_other_layouts_and_lists():
    x = np.arange(60, dtype="f8").reshape(3, 4, 5)
    for view in (x[::2, ::-1], x.T, x[:, :0], x[..., 2]):
        require_same(mapped(tripled, view), view * 3)
    require_same(mapped(tripled, [0.5, 2.0]), np.array([1.5, 6.0]))


def test_mapped_of_mixed_kinds():
    x, n = np.float32([1.5, -2.5]), np.uint32([7, 9])
    require_same(mapped(lambda x, n: x * convert(n, f32), x, n), np.float32([10.5, -22.5]))


def test_conditions_come_as_uint8():
    x = np.float32([1, np.nan, 3])
    require_same(mapped(lambda x: x > 2, x), np.uint8([0, 0, 1]))


@pytest.mark.parametrize("dtype", ["f2", "i1", "i2", "?", "c8", "O", ">f4"])
def test_mapped_refuses_other_dtypes(dtype):
    """With a sentence that names the dtype and those that there are."""
    with pytest.raises((TypeError, ValueError), match="float64") as raised_here:
        mapped(tripled, np.zeros(3, dtype))
    assert any(name in str(raised_here.value) for name in (str(np.dtype(dtype)), np.dtype(dtype).name))


@pytest.mark.parametrize("made", [1.0, None, [1, 2]], ids=str)
def test_mapped_wants_lanes(made):
    with pytest.raises(TypeError, match=r"mapped|Lanes"):
        mapped(lambda x: made, np.zeros(3))


OTHER_WIDTH = """
import numpy as np
from fastinit.arithmetic import lanes
from fastinit.kernels.mapped import mapped
try:
    mapped(lambda w: lanes.bitcast(w, lanes.{there}), np.arange(3200, dtype={here!r}))
except TypeError as error:
    print(error)
"""


@pytest.mark.parametrize(("here", "there"), [("u8", "u32"), ("u4", "u64")])
def test_mapped_refuses_results_of_another_width(here, there):
    """In a process of its own: such a result would be written over what lies behind the output."""
    script, env = OTHER_WIDTH.format(here=here, there=there), {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=120)
    assert (done.returncode, f"Lanes({there}, " in done.stdout) == (0, True), done.stdout + done.stderr


def test_every_operation_of_the_module_is_tested():
    """The functions of `lanes` that a formula may use stand in this file's imports."""
    own = {name for name, x in vars(lanes).items() if callable(x) and getattr(x, "__module__", "") == lanes.__name__}
    own -= {"Kind", "Target", "Lanes", "met"} | {name for name in own if name.startswith("_")}
    assert own == {
        "bitcast",
        "convert",
        "fma",
        "half_bits",
        "in_step",
        "maximum",
        "minimum",
        "raised",
        "select",
        "sqrt",
        "upper_halves",
    }
    assert set(FORMATS) >= set(NAMES.values())
