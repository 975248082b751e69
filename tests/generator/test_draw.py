"""`Generator.draw`: wrong laws and arguments, dtypes that a law does not have, and what a call returns."""

import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import dtypes
from tests.conftest import DTYPES, LAW_ROWS, label
from tests.generator.refusals import INF, NAN, refused
from tests.repeats import mostly_at_night

LAWS = fi.laws
SIGNED = ("int8", "int16", "int32", "int64")
INTEGERS = (*SIGNED, "uint8", "uint16", "uint32", "uint64")
HEAVY = DTYPES[:4]
#: A law, and the dtypes that it has; the first one is the default.
HAS = {
    LAWS.uniform(): DTYPES, LAWS.normal(): DTYPES, LAWS.truncated_normal(): DTYPES, LAWS.exponential(): DTYPES,
    LAWS.laplace(): DTYPES, LAWS.logistic(): DTYPES, LAWS.gumbel(): DTYPES, LAWS.cauchy(): HEAVY, LAWS.lognormal(): HEAVY,
    LAWS.rademacher(): (*DTYPES, *SIGNED), LAWS.bernoulli(): (*DTYPES, *INTEGERS, "bool"),
    LAWS.integers(100): ("int64", *(name for name in INTEGERS if name != "int64")),
}  # fmt: skip
ALL = (*DTYPES, *INTEGERS, "bool", "complex64", "float128" if hasattr(np, "float128") else "complex128")


@pytest.mark.parametrize(
    "law", [None, 3, "laplace", "normal", (), np.array([1.0]), object(), LAWS.laplace, LAWS.normal], ids=label
)
def test_what_is_no_law(law):
    words = ["law must be a Distribution, such as fastinit.laws.laplace(scale=0.1); got"]
    if callable(law) and not isinstance(law, type):
        words.append(f"; write {law.__name__}(...)")
    refused(TypeError, words, "draw", law, size=4)


def test_the_law_comes_first():
    with pytest.raises(TypeError, match="law"):
        fi.default_rng(0).draw()


@pytest.mark.parametrize("law", HAS, ids=str)
def test_dtypes(law):
    """Each dtype of the law by name, by `out` and as the default; all others are refused by name and by `out`."""
    has = HAS[law]
    assert set(law.dtype_names) == set(has)
    assert fi.default_rng(0).draw(law, 3).dtype == np.dtype(has[0] if has[0] != "bool" else bool)
    for name in ALL:
        if name in has:
            dtype = dtypes.resolve(name, (name,)).dtype
            x = fi.default_rng(0).draw(law, 50, dtype=name)
            out = np.empty(50, dtype)
            assert fi.default_rng(0).draw(law, out=out) is out
            assert x.dtype == dtype
            assert x.tobytes() == out.tobytes()
        else:
            words = [f"dtype must be one of {', '.join(law.dtype_names)}", repr(name)]
            refused(TypeError, words, "draw", law, size=3, dtype=name)
            out = np.full(4, 1, name if name not in DTYPES else dtypes.resolve(name).dtype)
            refused(TypeError, [f"out must have one of the dtypes {', '.join(law.dtype_names)}", name], "draw", law, out=out)


@pytest.mark.parametrize(("name", "dtype"), mostly_at_night(LAW_ROWS, 4))
def test_out_of_another_dtype_or_shape(name, dtype):
    law = next(law for law in HAS if law.name == name)
    other = "float32" if dtype != "float32" else "float64"
    if other in law.dtype_names:
        refused(TypeError, [f"out must have dtype {dtype}"], "draw", law, dtype=dtype, out=np.ones(4, other))
    out = np.ones((4, 3), dtypes.resolve(dtype, (dtype,)).dtype)
    refused(ValueError, ["out must have shape (3, 4)"], "draw", law, (3, 4), out=out)


LOCATED = ("laplace", "logistic", "gumbel", "cauchy")
PARAMETERS = [("exponential", "scale"), *((law, name) for law in LOCATED for name in ("loc", "scale"))]
PARAMETERS += [("lognormal", "mean"), ("lognormal", "sigma"), ("bernoulli", "p")]


@pytest.mark.parametrize(("law", "name"), PARAMETERS)
def test_parameters_are_real_numbers(law, name):
    """When the law is made, before anything is drawn."""
    make = getattr(LAWS, law)
    for value in (None, "0.5", 1j, True, np.True_, [0.5], np.array([1.0]), {}):
        with pytest.raises(TypeError, match=f"{name} must be a real number; got"):
            make(**{name: value})
    with pytest.raises(ValueError, match=f"{name} must not be NaN"):
        make(**{name: NAN})
    with pytest.raises(ValueError, match=f"{name} must fit a double"):
        make(**{name: 10**400})


@pytest.mark.parametrize(("law", "name"), [row for row in PARAMETERS if row[1] != "p"])
def test_parameters_are_finite(law, name):
    make = getattr(LAWS, law)
    for value in (INF, -INF):
        with pytest.raises(ValueError, match=f"{name} must be finite"):
            make(**{name: value})
    wide = make(**{name: 1e39})
    assert not np.isnan(fi.default_rng(0).draw(wide, 9, dtype="float64")).any()
    for dtype in (None, "bfloat16"):
        refused(ValueError, [f"{name} must be finite and at most 3.40282e+38"], "draw", wide, size=3, dtype=dtype)
    if name in ("scale", "sigma"):
        with pytest.raises(ValueError, match=f"{name} must be at least 0; got -1e-300"):
            make(**{name: -1e-300})


@pytest.mark.parametrize("p", [-1e-300, 1.0000000000000002, -1, 2, INF, -INF])
def test_a_chance_is_from_0_to_1(p):
    with pytest.raises(ValueError, match="p must be from 0 to 1; got"):
        LAWS.bernoulli(p)


INTEGER_ERRORS = {
    "a float": ((1.0,), TypeError, "low must be an int; got 1.0"),
    "a text": (("1",), TypeError, "low must be an int; got '1'"),
    "a bool": ((True, 5), TypeError, "low must be an int; got True"),
    "a float above": ((0, 2.5), TypeError, "high must be an int; got 2.5"),
    "none": ((0,), ValueError, "low must be above 0; got 0"),
    "negative": ((-3,), ValueError, "low must be above 0; got -3"),
    "equal": ((5, 5), ValueError, "high must be above 5; got 5"),
    "turned": ((5, 4), ValueError, "high must be above 5; got 4"),
    "an array": ((np.array([3]),), TypeError, "low must be an int"),
}


@pytest.mark.parametrize("case", INTEGER_ERRORS)
def test_bounds_of_integers(case):
    arguments, error, words = INTEGER_ERRORS[case]
    with pytest.raises(error, match=words):
        LAWS.integers(*arguments)


def test_the_endpoint_of_integers():
    with pytest.raises(ValueError, match="high must be at least 5; got 4"):
        LAWS.integers(5, 4, endpoint=True)
    for value in (1, None, "yes"):
        with pytest.raises(TypeError, match="endpoint must be True or False; got"):
            LAWS.integers(0, 5, endpoint=value)
    assert set(fi.default_rng(0).draw(LAWS.integers(2, endpoint=True), 200).tolist()) == {0, 1, 2}
    assert set(fi.default_rng(0).draw(LAWS.integers(np.int8(-1), np.uint64(1)), 200).tolist()) == {-1, 0}


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_must_fit_their_dtype(dtype):
    """The least and the greatest are drawn; one more on either side is refused, whatever else the law could be drawn in."""
    info = np.iinfo(dtype)
    for low, high in ((info.min, info.min + 1), (info.max, info.max + 1)):
        assert fi.default_rng(0).draw(LAWS.integers(low, high), 9, dtype=dtype).tolist() == [low] * 9
    words = [f"integers from {info.min} to {info.max} for {dtype}"]
    if dtype not in ("int64", "uint64"):
        refused(ValueError, ["high must leave", *words], "draw", LAWS.integers(0, info.max + 2), size=3, dtype=dtype)
        refused(ValueError, ["low must leave", *words], "draw", LAWS.integers(info.min - 1, 1), size=3, dtype=dtype)


def test_integers_that_no_dtype_holds():
    for low, high in ((0, 2**64 + 1), (-(2**63) - 1, 0), (-1, 2**64)):
        with pytest.raises(ValueError, match="must leave integers from"):
            LAWS.integers(low, high)


def test_scalars_and_shapes():
    rng = fi.default_rng(5)
    one = rng.draw(LAWS.integers(10))
    assert isinstance(one, np.int64)
    assert isinstance(rng.draw(LAWS.bernoulli(), dtype=bool), np.bool_)
    assert isinstance(rng.draw(LAWS.laplace()), np.float32)
    assert rng.draw(LAWS.laplace(), ()).shape == ()
    assert rng.draw(LAWS.laplace(), (2, 0, 3)).shape == (2, 0, 3)
    assert rng.state["calls"] == 5
    whole = fi.default_rng(5).draw(LAWS.integers(1000), (50, 60))
    assert fi.default_rng(5).draw(LAWS.integers(1000), (50, 60), index=(7, 9)) == whole[7, 9]


def test_calls_are_counted_as_those_of_other_methods():
    """The second call's values do not depend on what the first one was."""
    first, second = fi.default_rng(6), fi.default_rng(6)
    first.draw(LAWS.integers(5), 100, dtype="int8")
    second.normal(size=3, dtype="float64")
    assert first.draw(LAWS.laplace(), 50).tobytes() == second.draw(LAWS.laplace(), 50).tobytes()
