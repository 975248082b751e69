"""A law is one file: laws that the package does not have get every dtype, block and layout as its own do."""

import collections
import operator
from typing import NamedTuple

import ml_dtypes
import numpy as np
import pytest
from scipy import stats

from fastinit import default_rng, dispatch
from fastinit.arguments import blocks
from fastinit.arguments.blocks import Block
from fastinit.arithmetic import elementary
from fastinit.arithmetic.lanes import UNSIGNED, convert, fma, maximum, minimum
from fastinit.arithmetic.reals import low_bits_any, real_of, u01_closed_open, u11_closed
from fastinit.distributions.law import Law, plan
from fastinit.kernels import rows
from fastinit.kernels.mapped import known_numbers, mapped
from fastinit.kernels.threads import PARALLEL_FROM
from tests.conftest import DTYPES
from tests.definition import reference, reference_floats
from tests.repeats import mostly_at_night
from tests.statistics import ALPHA, follows

SEED = 20
COMPUTED = {dtype: np.float64 if dtype == "float64" else np.float32 for dtype in DTYPES}
STORED = {dtype: np.dtype(getattr(ml_dtypes, dtype, None) or dtype) for dtype in DTYPES}

# The laws


class Numbers(NamedTuple):
    loc: float
    scale: float


def logistic(w, p):
    """Loc + scale log(u / (1 - u)), where the complement of a word gives 1 - u."""
    return fma(elementary.exponential(~w) - elementary.exponential(w), p.scale, p.loc)


def mirrored(w, p):
    """The same with a wrong sign: as good a logistic distribution about 0, but other values."""
    return fma(elementary.exponential(w) - elementary.exponential(~w), p.scale, p.loc)


def ordered(a, b, p):
    """The smaller and the larger of two uniform numbers, times scale, plus loc."""
    x, y = u01_closed_open(a), u01_closed_open(b)
    return fma(minimum(x, y), p.scale, p.loc), fma(maximum(x, y), p.scale, p.loc)


def unordered(a, b, p):
    x, y = ordered(a, b, p)
    return y, x


def size_of(w):
    x = u11_closed(w)
    return maximum(x, -x)


def trapezoid(w, p):
    """The density is flat between -1/2 and 1/2 (times scale, plus loc), and falls to 0 at -1 and 1."""
    return fma(u11_closed(w), p.scale, p.loc)


def is_flat(w, p):
    return size_of(w) <= 0.5


def is_odd(w, p):
    """These are accepted even where the test would say no."""
    return low_bits_any(w, 1)


def is_below_the_slope(w, v, p):
    return u01_closed_open(v) <= (1.0 - size_of(w)) * 2.0


def is_above_the_slope(w, v, p):
    return u01_closed_open(v) > (1.0 - size_of(w)) * 2.0


class Long(NamedTuple):
    """More numbers than stay in registers."""

    loc: float
    c0: float
    c1: float
    c2: float
    c3: float
    c4: float
    c5: float
    c6: float
    c7: float
    many: float  # counts words


def polynomial(w, p):
    x = u01_closed_open(w)
    odd = convert(convert(p.many, UNSIGNED[w.kind.bits]) % 2, real_of(w))  # a float32 would have lost it
    return elementary.horner(x, (p.c7, p.c6, p.c5, p.c4, p.c3, p.c2, p.c1, p.c0)) + (p.loc + odd)


LOGISTIC = Law("test_logistic", Numbers, logistic)
CHEAP = Law("test_logistic_cheap", Numbers, logistic, cheap=True)
MIRRORED = Law("test_logistic_mirrored", Numbers, mirrored)
ORDERED = Law("test_ordered", Numbers, pair=ordered)
UNORDERED = Law("test_unordered", Numbers, pair=unordered)
TRAPEZOID = Law("test_trapezoid", Numbers, trapezoid, sure=is_flat, accept=is_below_the_slope)
ODD = Law("test_odd", Numbers, trapezoid, sure=is_odd, accept=is_below_the_slope)
INVERTED = Law("test_trapezoid_inverted", Numbers, trapezoid, sure=is_flat, accept=is_above_the_slope)
POLYNOMIAL = Law("test_polynomial", Long, polynomial, counts=("many",))
LAWS = (LOGISTIC, CHEAP, MIRRORED, ORDERED, UNORDERED, TRAPEZOID, ODD, INVERTED, POLYNOMIAL)

LOC, SCALE = 0.25, 1.5
COEFFICIENTS = (LOC, 0.5, -1.0, 2.0, 0.25, -0.75, 1.0, 0.5, -0.25, 3_000_000_001.0)
PLANS = {law.name: plan(law, *(COEFFICIENTS if law is POLYNOMIAL else (LOC, SCALE))) for law in LAWS}


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """The laws' code goes to a folder of the test."""
    rows.loop()  # from the usual folder
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))


def draw(law, dtype, shape, block=None, out=None, calls=0):
    """Values as a Generator with SEED would draw them in its call number `calls`."""
    rng = default_rng(SEED)
    for _ in range(calls):
        rng.bits(size=1)
    block = block or Block(shape)
    out = np.empty(block.shape, STORED[dtype]) if out is None else out
    dispatch.run(PLANS[law.name], dtype, block, out, rng._next_call)
    return out


def words(dtype, count):
    """The words of the first elements, from `Generator.bits`: two halves make a word of 64 bits, the low one first."""
    if dtype != "float64":
        return default_rng(SEED).bits(size=count)
    return default_rng(SEED).bits(size=2 * count).astype("<u4").view("<u8").astype("u8")


def planes(w):
    """The words of both planes, each beside its partner: a tile's first half belongs to plane A, the other to plane B."""
    return w.reshape(-1, 2, 16 if w.dtype == "u8" else 32)


def bytes_of(x):
    return np.ascontiguousarray(x).view(f"u{x.itemsize}")


def require_same(found, wanted):
    assert found.shape == wanted.shape
    assert (bytes_of(found) == bytes_of(wanted)).all(), f"{np.count_nonzero(bytes_of(found) != bytes_of(wanted))} differ"


def require_stored(law, dtype, computed):
    """What is drawn in a dtype is what is drawn in float32, rounded; in float32 and float64, what was computed in float64."""
    found = draw(law, dtype, computed.shape)
    if dtype in ("float32", "float64"):
        near = {"float32": 4e-7, "float64": 2e-15}[dtype]
        np.testing.assert_allclose(found, computed, rtol=near, atol=4 * near)
    else:
        with np.errstate(all="ignore"):
            require_same(found, draw(law, "float32", computed.shape).astype(STORED[dtype]))


COUNT = 64 * 60


def expected_logistic(dtype):
    w = words(dtype, COUNT)
    u, rest = ((x.astype("f8") + 0.5) * 2.0 ** (-8 * w.itemsize) for x in (w, ~w))
    return LOC + SCALE * (np.log(u) - np.log(rest))


def expected_ordered(dtype):
    w = planes(words(dtype, COUNT))
    u = (w >> w.dtype.type(8 if w.itemsize == 4 else 11)) * (2.0**-24 if w.itemsize == 4 else 2.0**-53)
    return (LOC + SCALE * np.stack([u.min(axis=1), u.max(axis=1)], axis=1)).ravel()


def expected_polynomial(dtype):
    w = words(dtype, COUNT)
    u = (w >> w.dtype.type(8 if w.itemsize == 4 else 11)) * (2.0**-24 if w.itemsize == 4 else 2.0**-53)
    return np.polynomial.Polynomial(COEFFICIENTS[1:-1])(u) + LOC + 1


EXPECTED = {LOGISTIC: expected_logistic, CHEAP: expected_logistic, ORDERED: expected_ordered, POLYNOMIAL: expected_polynomial}


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("law", EXPECTED, ids=operator.attrgetter("name"))
def test_values_are_float64_maths_on_the_same_words(law, dtype):
    require_stored(law, dtype, EXPECTED[law](dtype))


@pytest.mark.parametrize(("broken", "right"), [(MIRRORED, LOGISTIC), (UNORDERED, ORDERED)], ids=operator.attrgetter("name"))
def test_a_wrong_sign_or_order_is_seen(broken, right):
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        require_stored(broken, "float32", EXPECTED[right]("float32"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fill_is_the_law_s_function_of_the_words(dtype):
    """To the bit: what `mapped` makes of words, a fill makes of its stream."""

    def value(w):
        return logistic(w, known_numbers(PLANS[LOGISTIC.name], w))

    def pair(a, b):
        return ordered(a, b, known_numbers(PLANS[ORDERED.name], a))

    w = words(dtype, COUNT)
    require_same(draw(LOGISTIC, dtype, w.shape), mapped(value, w))
    a, b = planes(w)[:, 0], planes(w)[:, 1]
    require_same(draw(ORDERED, dtype, w.shape), np.stack(mapped(pair, a, b), axis=1).ravel())


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_cheap_law_has_the_same_values(dtype):
    """`cheap` chooses how many tiles are filled at once, nothing else."""
    for shape in ((5000,), (64 * 64 * 3,), (40,)):
        require_same(draw(CHEAP, dtype, shape), draw(LOGISTIC, dtype, shape))


# The law that rejects

TRIED = 1500
SURE = {TRAPEZOID: lambda w, x: abs(x) <= 0.5, ODD: lambda w, x: w % 2 == 1}


def tried_by_hand(law, dtype, calls=0):
    """The values by the text of docs/stream-format.md, each with the number of its attempts."""
    real = COMPUTED[dtype]
    values, attempts = np.empty(TRIED, real), np.empty(TRIED, int)
    for i in range(TRIED):
        place, attempt = reference.element((SEED, (), calls), i, real), 0
        while True:
            w, v = reference.own_word(place, attempt), reference.own_word(place, attempt + reference.TEST_WORDS)
            x = reference_floats.u11_closed(w, real)
            if SURE[law](w, x) or reference_floats.u01_closed_open(v, real) <= (1 - abs(x)) * 2:
                break
            attempt += 1
        values[i], attempts[i] = reference_floats.fma(x, SCALE, LOC), attempt + 1
    return values, attempts


@pytest.mark.parametrize("dtype", mostly_at_night(DTYPES, 3))
@pytest.mark.parametrize("law", SURE, ids=operator.attrgetter("name"))
def test_a_law_that_rejects(law, dtype):
    """Some words are rejected, half of them need no test."""
    values, attempts = tried_by_hand(law, dtype)
    require_same(draw(law, dtype, values.shape), values.astype(STORED[dtype]))
    assert attempts.max() > 3
    assert 1.1 < attempts.mean() < 1.5


def test_a_law_that_rejects_in_a_later_call():
    values, _ = tried_by_hand(TRAPEZOID, "float32", calls=3)
    require_same(draw(TRAPEZOID, "float32", values.shape, calls=3), values)


def test_an_inverted_test_is_seen():
    values, _ = tried_by_hand(TRAPEZOID, "float32")
    with pytest.raises(AssertionError, match="differ"):
        require_same(draw(INVERTED, "float32", values.shape), values)


# Blocks and layouts

PARTS = [np.s_[:], np.s_[3], np.s_[2:7, 11], np.s_[::-1, ::3], np.s_[..., 5], np.s_[4:9, 100:140], np.s_[-1, -1], np.s_[:0]]
SHAPE = (13, 331)
KINDS_OF_LAW = [LOGISTIC, CHEAP, ORDERED, TRAPEZOID, POLYNOMIAL]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float8_e5m2"])
@pytest.mark.parametrize("law", KINDS_OF_LAW, ids=operator.attrgetter("name"))
def test_a_block_is_a_part_of_the_whole(law, dtype):
    whole = draw(law, dtype, SHAPE)
    for part in PARTS:
        require_same(draw(law, dtype, SHAPE, blocks.select(part, SHAPE)), whole[part])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "float8_e4m3fn"])
@pytest.mark.parametrize("law", KINDS_OF_LAW, ids=operator.attrgetter("name"))
def test_where_values_are_stored_does_not_change_them(law, dtype):
    """Strides of any size and sign, and nothing is written between them."""
    whole = draw(law, dtype, SHAPE)
    for cut in (np.s_[::2, ::3], np.s_[::-1, ::-1], np.s_[1:, 7:]):
        room = np.full((40, 1100), 77, STORED[dtype])
        view = room[cut][: SHAPE[0], : SHAPE[1]]
        inside = np.zeros(room.shape, bool)
        inside[cut][: SHAPE[0], : SHAPE[1]] = True
        require_same(draw(law, dtype, SHAPE, out=view), whole)
        assert (room[~inside] == 77).all()
    turned = np.empty(SHAPE, STORED[dtype], order="F")
    require_same(draw(law, dtype, SHAPE, out=turned), whole)


@pytest.mark.parametrize("law", [CHEAP, ORDERED, TRAPEZOID], ids=operator.attrgetter("name"))
def test_helpers_do_not_change_values(law):
    """A fill that helpers share begins as a small one does, and ends as its last block does."""
    count = 4 * PARALLEL_FROM + 77
    whole = draw(law, "float32", (count,))
    require_same(draw(law, "float32", (5000,)), whole[:5000])
    require_same(draw(law, "float32", (count,), blocks.select(np.s_[-5000:], (count,))), whole[-5000:])


# Distributions: each test fails for a right law and a seed picked blindly with the chance ALPHA

MANY = 100_000


def halves(x, dtype):
    return planes(x) if dtype == "float32" else x.reshape(-1, 2, 16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_logistic_distribution(dtype):
    assert ALPHA <= 1e-4
    follows(draw(LOGISTIC, dtype, (MANY,)), stats.logistic(LOC, SCALE), f"logistic, {dtype}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_ordered_distribution(dtype):
    x = halves(draw(ORDERED, dtype, (64 * 2000,)), dtype)
    follows(x[:, 0].ravel(), stats.beta(1, 2, LOC, SCALE), f"the smaller, {dtype}")
    follows(x[:, 1].ravel(), stats.beta(2, 1, LOC, SCALE), f"the larger, {dtype}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_trapezoid_distribution(dtype):
    law = stats.trapezoid(0.25, 0.75, LOC - SCALE, 2 * SCALE)
    follows(draw(TRAPEZOID, dtype, (MANY,)), law, f"trapezoid, {dtype}")


@pytest.mark.parametrize(
    ("broken", "right"),
    [
        (MIRRORED, stats.logistic(-LOC, SCALE)),
        (UNORDERED, stats.uniform(LOC, SCALE / 2)),
        (INVERTED, stats.trapezoid(0.25, 0.75, LOC - SCALE, 2 * SCALE)),
    ],
    ids=["other mean", "other half", "inverted test"],
)
def test_another_distribution_is_seen(broken, right):
    with pytest.raises(AssertionError, match="p = "):
        follows(draw(broken, "float32", (MANY,)), right, "broken")


# The plan


def test_a_law_is_drawn_whatever_its_name():
    """A plan holds the law itself: one of the same name as another, or as one of the package, is not mistaken for it."""
    for name in (LOGISTIC.name, "normal"):
        twin, out = Law(name, Numbers, mirrored), np.empty(64, "f4")
        dispatch.run(plan(twin, LOC, SCALE), "float32", Block((64,)), out, default_rng(SEED)._next_call)
        require_same(out, draw(MIRRORED, "float32", (64,)))
        assert not (out == draw(LOGISTIC, "float32", (64,))).any()


FAULTY = {
    "neither": ({}, "either value= or pair="),
    "both": ({"value": logistic, "pair": ordered}, "either value= or pair="),
    "half a test": ({"value": trapezoid, "sure": is_flat}, "both sure= and accept="),
    "a test of a pair": ({"pair": ordered, "sure": is_flat, "accept": is_below_the_slope}, "beside value="),
}


@pytest.mark.parametrize("case", FAULTY)
def test_functions_that_do_not_belong_together(case):
    functions, words = FAULTY[case]
    with pytest.raises(ValueError, match=words):
        rows.entry(Law("test_faulty", Numbers, **functions), "float32")


def test_too_many_numbers():
    many = collections.namedtuple("Many", [f"c{i}" for i in range(65)])
    with pytest.raises(ValueError, match="at most 64 numbers; got 65"):
        rows.entry(Law("test_many", many, logistic), "float32")


def test_a_plan_wants_all_numbers():
    with pytest.raises(TypeError, match="scale"):
        plan(LOGISTIC, 1.0)
    with pytest.raises(TypeError, match="positional"):
        plan(LOGISTIC, 1.0, 2.0, 3.0)
