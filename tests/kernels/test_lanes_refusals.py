"""What `Lanes` refuse, each with a sentence that says why."""

import operator

import numpy as np
import pytest

from fastinit.arithmetic.lanes import (
    Lanes,
    bit,
    bitcast,
    convert,
    f32,
    f64,
    fma,
    half_bits,
    half_reals,
    i32,
    i64,
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
from tests.kernels.samples import ALL, INTEGERS, REALS, SIGNED, cases


# What is refused
class Nowhere:
    """A target whose values nobody reads."""

    def __getattr__(self, name):
        return lambda *_: ...


NOWHERE = Nowhere()


def some(kind, width=16):
    return Lanes(NOWHERE, None, kind, width)


X, Y, N, W, K, C, S = some(f32), some(f64), some(u32), some(u64), some(i32), some(bit), some(f32, None)
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
    "half_reals": (half_reals, (u8, u32, u64, *SIGNED, *REALS, bit)),
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
