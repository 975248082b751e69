"""Laws as text: read, never evaluated; what is read can be written, and read again."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastinit as fi
from fastinit import laws
from fastinit.laws.text import find, text_of
from tests.laws import own

OWN = "tests.laws.own"

READ = {
    "laplace": laws.laplace(),
    "laplace()": laws.laplace(),
    " laplace ( scale = 0.1 ) ": laws.laplace(scale=0.1),
    "laplace(1, 0.1)": laws.laplace(1.0, 0.1),
    "laplace(-1, scale=+2)": laws.laplace(-1.0, 2.0),
    "truncated_normal(a=-inf, b=1e-3, units='absolute')": laws.truncated_normal(-math.inf, 1e-3, units="absolute"),
    "truncated_normal(-1, Inf, units=absolute)": laws.truncated_normal(-1, math.inf, units="absolute"),
    "integers(5)": laws.integers(5),
    "integers(1, 6, endpoint=true)": laws.integers(1, 6, endpoint=True),
    "integers(0, 18446744073709551616)": laws.integers(0, 2**64),
    "integers(5, none)": laws.integers(5),
    "rademacher": laws.rademacher(),
    "bernoulli(p=.25)": laws.bernoulli(0.25),
    f"{OWN}:triangular": own.triangular(),
    f" {OWN} : triangular ( 0.5 , skew = 0 ) ": own.triangular(0.5, 0),
    f"{OWN}:scaled(2)": own.scaled(2),
    f"{OWN}:NARROW": own.triangular(0.25),
    f"{OWN}:NARROW()": own.triangular(0.25),
    f"{OWN}:Family.wide": own.scaled(9.0),
}


@pytest.mark.parametrize("text", READ)
def test_text(text):
    law = laws.parse(text)
    assert law == READ[text]
    assert law.dtype_names == READ[text].dtype_names
    assert laws.parse(text_of(law)) == law
    dtype = law.dtype_names[-1]
    assert np.array_equal(fi.default_rng(0).draw(law, 50, dtype=dtype), fi.default_rng(0).draw(READ[text], 50, dtype=dtype))


def test_a_distribution_is_returned():
    law = laws.gumbel(1, 2)
    assert laws.parse(law) is law


def test_every_law_of_the_package_has_its_name():
    public = {name for name in laws.__all__ if name.islower()} - {"law", "parse"}
    assert set(laws.BY_NAME) == public
    for name, function in laws.BY_NAME.items():
        assert getattr(laws, name) is function
        assert laws.parse(f"{name}(3)" if name == "integers" else name).name == name


@settings(max_examples=30)
@given(st.floats(-1e30, 1e30), st.floats(0, 1e30))
def test_numbers_survive(loc, scale):
    law = laws.logistic(loc, scale)
    assert laws.parse(text_of(law)) == law
    mine = own.triangular(loc, scale)
    assert text_of(mine) == f"{OWN}:triangular(width={loc!r}, skew={scale!r})"
    assert laws.parse(text_of(mine)) == mine


WRONG = {
    "": "law must be a name, or a call such as laplace(scale=0.1); got ''",
    "laplace(": "was never closed",
    "laplace)": "law must be a name, or a call",
    "laplace(scale=)": "law must be a name, or a call",
    "laplace + 1": "law must be a name, or a call",
    "laplace(1 + 1)": "an argument must be a number, a word or several of them in parentheses",
    "laplace(**x)": "an argument must not be behind **",
    "laplace(scale=1, scale=2)": "'scale' must be given once",
    "laplace(" + "1" * 2000: "more than 1000 characters",
    "laplac": "law must be one of bernoulli, cauchy, ",
    "laplac(1)": "or module:name of your own; got 'laplac'; did you mean laplace?",
    "gaussian": "got 'gaussian'; did you mean normal?",
    "__import__('os')": "law must be one of",
    "os.system('true')": "law must be a name, or a call",
    "laplace(sigma=1)": "laplace: got an unexpected keyword argument 'sigma'; its arguments are loc, scale",
    "laplace(1, 2, 3)": "laplace: too many positional arguments; its arguments are loc, scale",
    "laplace(loc='x')": "loc must be a real number; got 'x'",
    "laplace(scale=-1)": "scale must be at least 0; got -1.0",
    "integers": "integers: missing a required argument: 'low'; its arguments are low, high, endpoint",
    "nothing:law": "got 'nothing:law' (ModuleNotFoundError: No module named 'nothing')",
    "tests.laws.nothing:law": "(ModuleNotFoundError: No module named 'tests.laws.nothing')",
    f"{OWN}:": "law must be a name, or a call",
    ":laplace": "law must be a name, or a call",
    f"{OWN}:triangle": f"but {OWN} has triangular, scaled, NARROW; did you mean triangular?",
    "math:triangular": "but math has no laws",
    f"{OWN}:Family.narrow": f"but {OWN} has triangular, scaled, NARROW",
    f"{OWN}:ROOT": f"law must be a function decorated with fastinit.laws.law, or a Distribution; '{OWN}:ROOT' is a float",
    f"{OWN}:Failing()": f"'{OWN}:Failing' is a type",
    f"{OWN}:make()": f"'{OWN}:make' is a function",
    f"{OWN}:NARROW(1)": f"law '{OWN}:NARROW' has its arguments already, and takes no others; got [1]",
    f"{OWN}:NARROW(skew=1)": "takes no others; got ['skew']",
    f"{OWN}:scaled": "scaled: missing a required argument: 'scale'; its parameters are (scale)",
    f"{OWN}:scaled(inf)": "scale must be finite",
    f"{OWN}:triangular(wide=1)": "got an unexpected keyword argument 'wide'; its parameters are (width=1.0, skew=0.5)",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:30])
def test_wrong_text(text):
    with pytest.raises((TypeError, ValueError)) as caught:
        laws.parse(text)
    assert WRONG[text] in str(caught.value)
    assert len(str(caught.value)) < 1500
    assert own.Failing.called == 0


@pytest.mark.parametrize("law", [3, None, b"laplace", ("laplace",), {"law": "laplace"}, laws.laplace, own.triangular])
def test_what_is_neither_text_nor_a_distribution(law):
    with pytest.raises(TypeError, match="law must be a Distribution, such as "):
        laws.parse(law)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("def f(:", "SyntaxError"), ("raise KeyError(3)", "KeyError: 3")],
)
def test_a_module_that_fails(tmp_path, monkeypatch, code, reason):
    (tmp_path / "fails.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fails", raising=False)
    with pytest.raises(ValueError, match=f"law must be module:name .*{reason}"):
        laws.parse("fails:law")


def test_find_calls_nothing():
    assert find(f"{OWN}:triangular") is own.triangular
    with pytest.raises(TypeError, match="is a type"):
        find(f"{OWN}:Failing")
    assert own.Failing.called == 0


def test_a_law_without_a_name_in_its_module():
    with pytest.raises(ValueError, match=r"law must be found again by its text; got '.*<locals>\.inner"):
        text_of(own.make()())


def test_numbers_of_numpy_are_written_as_pythons():
    assert text_of(laws.laplace(np.float32(0.5), np.int64(2))) == "laplace(loc=0.5, scale=2)"


def test_a_law_that_another_one_has_replaced(monkeypatch):
    old = own.triangular(2.0)
    assert text_of(old) == f"{OWN}:triangular(width=2.0, skew=0.5)"
    twin = laws.law("u01_closed_open")(lambda u, width=1.0, skew=0.5: u * width * skew)
    monkeypatch.setattr(own, "triangular", twin)
    with pytest.raises(ValueError, match=r"law must be found again by its text; got .*, which is another"):
        text_of(old)
