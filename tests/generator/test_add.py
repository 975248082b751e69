"""`add=`: values are added to what `out` holds, in float32 or float64, and rounded once to the dtype."""

import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import dtypes
from tests.conftest import DTYPES
from tests.definition import reference, reference_laws
from tests.repeats import mostly_at_night
from tests.values.defined import INF, as_stored, require_same_bits

COMPUTED = {dtype: np.float64 if dtype == "float64" else np.float32 for dtype in DTYPES}
#: A call for each kernel: how it draws, given a Generator and keywords.
CALLS = {
    "uniform": lambda rng, **o: rng.uniform(-1, 1, **o),
    "uniform of subnormals": lambda rng, **o: rng.uniform(0, 1e-37, **o),
    "normal": lambda rng, **o: rng.normal(0, 0.5, **o),
    "constant": lambda rng, **o: rng.normal(0.1, 0, **o),
    "central": lambda rng, **o: rng.truncated_normal(-1, 1, 0, 0.5, **o),
    "tails": lambda rng, **o: rng.truncated_normal(0.5, INF, 0, 0.5, **o),
    "unbounded": lambda rng, **o: rng.truncated_normal(-INF, INF, **o),
    "flat": lambda rng, **o: rng.truncated_normal(0.125, 0.125 + 2.0**-45, -(2.0**41), 2.0**44, **o),
    "exponential": lambda rng, **o: rng.draw(fi.laws.exponential(0.3), **o),
    "laplace": lambda rng, **o: rng.draw(fi.laws.laplace(), **o),
    "logistic": lambda rng, **o: rng.draw(fi.laws.logistic(1, 2), **o),
    "gumbel": lambda rng, **o: rng.draw(fi.laws.gumbel(), **o),
    "cauchy": lambda rng, **o: rng.draw(fi.laws.cauchy(), **o),
    "lognormal": lambda rng, **o: rng.draw(fi.laws.lognormal(), **o),
    "rademacher": lambda rng, **o: rng.draw(fi.laws.rademacher(), **o),
    "bernoulli": lambda rng, **o: rng.draw(fi.laws.bernoulli(0.3), **o),
}
#: Dtypes that a law lacks.
LACKS = dict.fromkeys(("cauchy", "lognormal"), ("float8_e4m3fn", "float8_e5m2"))
CASES = [(name, dtype) for name in CALLS for dtype in DTYPES if dtype not in LACKS.get(name, ())]


def old_values(shape, dtype):
    """Values between -3 and 3, and among them zeros of both signs, infinities and NaN."""
    x = fi.default_rng(9).uniform(-3, 3, shape, dtype=dtype)
    special = np.array([0.0, -0.0, INF, -INF, np.nan], dtypes.resolve(dtype).dtype)
    x.reshape(-1)[5 : 5 + 60 : 12] = special[: max(0, min(5, -(-(x.size - 5) // 12)))]
    return x


def expected_sum(old, values, dtype):
    """Both in the computing type, one rounding there and one to the dtype. Right for add=True, whose product is exact."""
    with np.errstate(all="ignore"):
        return (old.astype(COMPUTED[dtype]) + values).astype(old.dtype)


def require_sums(found, wanted):
    """The same bits, and NaN where NaN is wanted."""
    nan = np.isnan(wanted.astype(np.float32))
    assert np.array_equal(np.isnan(found.astype(np.float32)), nan)
    require_same_bits(found[~nan], wanted[~nan])


def require_add(name, dtype, shape, place=np.s_[...], make=None):
    """A block is added to, and nothing else is written."""
    whole = old_values(shape, dtype) if make is None else make(old_values(shape, dtype))
    before = whole.copy()
    target = whole[place]
    index = None if place is np.s_[...] else place
    values = CALLS[name](fi.default_rng(2), size=shape, index=index, dtype=COMPUTED[dtype])
    returned = CALLS[name](fi.default_rng(2), size=shape, index=index, dtype=dtype, out=target, add=True)
    assert returned is target
    wanted = before.copy()
    wanted[place] = expected_sum(before[place], values, dtype)
    require_sums(whole, wanted)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_the_sum_is_numpy_s(name, dtype):
    """That of the float32 (float64) draw and the old values: also for narrow dtypes, whose own draw is not what is added."""
    require_add(name, dtype, (3001,))


@pytest.mark.parametrize("size", [0, 1, 11, 12, 63, 64, 65, 127, 129, 4095, 4096, 4097, 8193, 2**16 - 1, 2**16, 3 * 2**16 + 77])
@pytest.mark.parametrize(
    ("name", "dtype"), mostly_at_night([("tails", "float64"), ("normal", "bfloat16"), ("tails", "float32"), *CASES[::7]], 5)
)
def test_sizes(name, dtype, size):
    """Around tiles, regions and the size from which threads help."""
    require_add(name, dtype, (size,))


PLACES = {
    "rows": np.s_[3:8],
    "columns": np.s_[:, 5:200],
    "every third": np.s_[::2, ::3],
    "backwards": np.s_[::-1, ::-2],
    "a column": np.s_[:, 7],
    "nothing": np.s_[:0],
    "short runs": np.s_[:, 4:11],
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "dtype"),
    mostly_at_night([("tails", "float64"), ("normal", "bfloat16"), ("central", "float8_e5m2"), *CASES[::7]], 3),
)
def test_places(name, dtype, place):
    require_add(name, dtype, (31, 331), PLACES[place])


def misaligned(x):
    """A copy that begins at an odd address."""
    room = np.zeros(x.nbytes + 64, np.uint8)
    view = room[1 : 1 + x.nbytes].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "misaligned": misaligned,
    "a field of records": lambda x: _field(x),
}


def _field(x):
    records = np.zeros(x.shape, [("pad", "u1"), ("value", x.dtype)])
    records["value"] = x
    return records["value"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("name", "dtype"), [("tails", "float32"), ("normal", "float64"), ("bernoulli", "float16")])
def test_layouts(name, dtype, layout):
    require_add(name, dtype, (40, 211), make=LAYOUTS[layout])


_NUMBERS = (-1.0, 0.1, 3, -2.5e-3, 1e30, np.float32(0.7))
#: Each dtype with two factors, and each factor with two dtypes.
FACTORS = [(dtype, _NUMBERS[(i + j) % 6]) for i, dtype in enumerate(DTYPES) for j in (0, 3)]


@pytest.mark.nightly
@pytest.mark.parametrize(("dtype", "factor"), FACTORS)
def test_a_factor_by_the_definition(dtype, factor):
    """One fma with the factor rounded to the computing type: the twin's exact arithmetic."""
    old, real = old_values((120,), dtype), COMPUTED[dtype]
    calls = {"normal": (0.5, 2.0), "uniform": (-0.3, 0.7), "truncated_normal": (0.3, 9.0, 0.0, 0.5, "std"), "laplace": (0, 1)}
    for name, arguments in calls.items():
        out = old.copy()
        if name == "laplace":
            fi.default_rng(2).draw(fi.laws.laplace(), out=out, add=factor)
        else:
            getattr(fi.default_rng(2), name)(*arguments[:4], out=out, add=factor)
        terms = [_term(name, i, arguments, real) for i in range(120)]
        pairs = zip(old.astype(float).tolist(), terms, strict=True)
        require_sums(out, as_stored([reference_laws.added(x, y, factor, dtype) for x, y in pairs], dtype))


def _term(name, i, arguments, real):
    if name in ("normal", "uniform"):
        return real(getattr(reference, name)(2, (), 0, i, *arguments, real.__name__))
    return reference_laws.term(name, 2, (), 0, i, arguments, real)


def test_one_rounding_in_float32():
    """Product and sum are rounded together: a product that is rounded first gives other last digits."""
    old, factor = fi.default_rng(9).uniform(-1, 1, 10_000), 0.1
    z = fi.default_rng(2).normal(size=10_000)
    out = old.copy()
    fi.default_rng(2).normal(out=out, add=factor)
    exact = (old.astype(float) + z.astype(float) * float(np.float32(factor))).astype(np.float32)
    twice = old + z * np.float32(factor)
    assert np.count_nonzero(out != exact) <= 2  # where float64 itself rounds
    assert np.count_nonzero(out != twice) > 500


def test_the_values_are_not_rounded_to_the_dtype_first():
    old = np.full(4000, 1.0, dtypes.resolve("bfloat16").dtype)
    out = old.copy()
    fi.default_rng(2).normal(0, 0.01, out=out, add=True)
    rounded = fi.default_rng(2).normal(0, 0.01, 4000, dtype="bfloat16").astype(np.float32)
    assert np.count_nonzero(out != (1 + rounded).astype(out.dtype)) > 0


@pytest.mark.parametrize("no", [False, np.False_])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_false_adds_nothing(dtype, no):
    """The values are those of a call without the argument, within the bounds of the dtype."""
    wanted = fi.default_rng(0).uniform(size=300_000, dtype=dtype)
    out = np.full(300_000, 7, wanted.dtype)
    fi.default_rng(0).uniform(out=out, add=no)
    require_same_bits(out, wanted)
    require_same_bits(fi.default_rng(0).uniform(size=300_000, dtype=dtype, add=no), wanted)
    assert out.astype(float).max() < 1


@pytest.mark.parametrize("yes", [True, np.True_, 1, 1.0, np.float64(1)])
def test_true_is_one(yes):
    out = np.arange(500, dtype=np.float32)
    fi.default_rng(0).normal(out=out, add=yes)
    require_same_bits(out, np.arange(500, dtype=np.float32) + fi.default_rng(0).normal(size=500))


def test_zero_is_a_factor():
    """It draws, and leaves the numbers; -0.0 may become 0.0."""
    out = old_values((400,), "float32")
    before, rng = out.copy(), fi.default_rng(0)
    rng.normal(out=out, add=0)
    assert np.array_equal(out, before, equal_nan=True)
    assert rng.state["calls"] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_and_infinity_stay(dtype):
    for value in (np.nan, -np.nan, INF, -INF):
        out = np.full(333, value, dtypes.resolve(dtype).dtype)
        before = out.astype(float)
        fi.default_rng(0).normal(out=out, add=True)
        assert np.array_equal(out.astype(float), before, equal_nan=True)


def test_an_infinity_and_its_opposite_are_nan():
    """The lognormal values exp(200 + z) are infinite in float32."""
    for old in (-INF, INF):
        out = np.full(1000, old, np.float32)
        fi.default_rng(0).draw(fi.laws.lognormal(200, 0.5), out=out, add=True)
        assert np.isnan(out).all() if old < 0 else np.isposinf(out).all()


def test_a_product_that_overflows_is_no_infinity():
    """It is not rounded: 3e38 times 3e38 leaves minus infinity as it is."""
    out = np.full(1000, -INF, np.float32)
    fi.default_rng(0).uniform(3e38, 3.4e38, out=out, add=3e38)
    assert np.isneginf(out).all()


def test_past_the_largest_number():
    """float16 and float8_e5m2 have infinity there, float8_e4m3fn has NaN; both signs."""
    for dtype, largest in (("float16", 65504.0), ("float8_e5m2", 57344.0), ("float8_e4m3fn", 448.0), ("float32", 3e38)):
        for sign in (1, -1):
            out = np.full(200, sign * largest, dtypes.resolve(dtype).dtype)
            fi.default_rng(0).uniform(0.5, 0.75, out=out, add=sign * largest)
            x = out.astype(np.float64)
            assert np.isnan(x).all() if dtype == "float8_e4m3fn" else (x == sign * INF).all(), dtype
            if dtype == "float8_e4m3fn":
                assert (out.view(np.uint8) == (0x7F if sign > 0 else 0xFF)).all()
