"""What a law of the user's own cannot do: each refusal names the law and its line, and no kernel is made."""

import functools
import inspect
import math
import random
import subprocess
import sys
import time

import numpy as np
import pytest

import fastinit as fi
from fastinit.arithmetic import bitcast, convert, real_of, sqrt
from fastinit.arithmetic.lanes import f32
from fastinit.distributions.law import MOST_NUMBERS
from tests.processes.scripts import environment

#: A law's function, its source, and words of the message.
REFUSED = {
    "a function of the C library": (lambda u: math.log(u), "u01_open_closed", "is not known before its kernel runs"),
    "NumPy": (lambda u: np.exp(u), "u01_open_closed", "does not support ufuncs"),
    "an array": (lambda u: np.ones(3) * u, "u01_open_closed", "unsupported operand|ufuncs|must be an int or a float"),
    "if": (lambda u: u if u > 0.5 else 1.0 - u, "u01_open_closed", r"use select\(condition, a, b\)"),
    "and": (lambda u: u * (u > 0.5 and u < 0.7), "u01_open_closed", r"use select\(condition, a, b\)"),
    "max": (lambda u: max(u, 0.5), "u01_open_closed", r"use select\(condition, a, b\)"),
    "a loop over lanes": (lambda u: sum(u), "u01_open_closed", "lanes have no order"),
    "a Python number": (lambda u: float(u), "u01_open_closed", "convert"),
    "an index": (lambda w: [1.0, 2.0][w], "words", "convert"),
    "power": (lambda u, k=2: u**k, "normal", r"unsupported operand type\(s\) for \*\*"),
    "a word": (lambda w: w, "words", r"not reals \(f32\): convert\(x, real_of\(word\)\) makes them"),
    "a condition": (lambda u: u > 0.5, "u01_open_closed", r"not reals \(f32\)"),
    "nothing": (lambda u: None, "normal", "it returned None, not a value that depends on its first parameter"),
    "a constant": (lambda u: 3.0, "normal", "it returned 3.0, not a value that depends"),
    "two values": (lambda u: (u, u), "normal", "not a value that depends on its first parameter"),
    "a parameter's kind": (lambda w, p: w * p, "words", "convert one to the kind of the other"),
    "a constant that does not fit": (lambda u: u * 1e39, "normal", r"1e\+39 does not fit f32"),
    "a negative word": (lambda w: convert(w + -1, real_of(w)), "words", "does not fit u32"),
    "division by words": (lambda w: convert(w // (w & 3), real_of(w)), "words", "// must have a known integer above 0"),
    "remainder by words": (lambda w: convert(w % (w | 1), real_of(w)), "words", "% must have a known integer above 0"),
    "division by 0": (lambda w: convert(w // 0, real_of(w)), "words", "by 0 has no result"),
    "division by a constant 0": (
        lambda w: convert(w % w.constant(0), real_of(w)),
        "words",
        "% must have a known integer above 0",
    ),
    "a shift by words": (lambda w: convert(w << (w & 31), real_of(w)), "words", "<< must have a known integer from 0 to 31"),
    "a shift by too much": (lambda w: convert(w >> 40, real_of(w)), "words", "only 0 to 31 have a result"),
    "a shift by a constant too much": (
        lambda w: convert(w >> w.constant(99), real_of(w)),
        "words",
        ">> must have a known integer",
    ),
    "an error of its own": (lambda u: 1 / 0, "normal", "division by zero"),
    "a name that is not there": (lambda u: u * nowhere, "normal", "name 'nowhere' is not defined"),  # noqa: F821
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_line_is_named(case):
    function, source, words = REFUSED[case]
    with pytest.raises(TypeError, match=words) as caught:
        fi.laws.law(source)(function)
    line = inspect.getsourcelines(function)[1]
    message = str(caught.value)
    assert message.startswith("law 'law' does what a kernel cannot do, in ")
    assert f"{__file__}, line {line}: `" in message
    assert "a law may use + - * / and comparisons" in message


def test_the_line_is_the_one_inside_a_longer_law():
    def long_law(u, scale=1.0):
        half = u * 0.5
        wrong = math.sqrt(half)
        return wrong * scale

    with pytest.raises(TypeError) as caught:
        fi.laws.law("normal")(long_law)
    line = inspect.getsourcelines(long_law)[1] + 2
    assert f"law 'long_law' does what a kernel cannot do, in {__file__}, line {line}: `wrong = math.sqrt(half)`" in str(
        caught.value
    )


def test_the_line_is_that_of_the_law_where_a_helper_fails():
    """Of two files, the law's own is named."""
    with pytest.raises(TypeError) as caught:
        fi.laws.law(lambda w: sqrt(w))
    assert f"{__file__}, line " in str(caught.value)


def test_a_fault_only_in_words_of_64_bits_is_found():
    """Both widths are tried when the law is defined, not when float64 is drawn."""
    with pytest.raises(TypeError, match=r"not reals \(f64\)"):
        fi.laws.law(lambda w: bitcast(w, f32))


COUNTED: list[int] = []
CHANGING = {
    "random": lambda u: u * random.random(),
    "time": lambda u: u + time.perf_counter(),
    "a counter": lambda u: (COUNTED.append(1), u + len(COUNTED))[1],
}


@pytest.mark.parametrize("case", CHANGING)
def test_a_law_that_is_not_pure(case):
    with pytest.raises(TypeError, match="law 'law' must do the same in every call; it did not: it uses something that changes"):
        fi.laws.law("normal")(CHANGING[case])


SIGNATURES = {
    "no parameter": (lambda: 1.0, "must take the random value as its first parameter"),
    "any number of values": (lambda *u: u[0], "must take the random value as its first parameter"),
    "a value by name": (lambda *, u: u, "must take the random value as its first parameter"),
    "any number of parameters": (lambda u, *p: u, "must name each of its parameters, not 'p'"),
    "any names": (lambda u, **p: u, "must name each of its parameters, not 'p'"),
    "a private name": (lambda u, _k=1: u, "must name each of its parameters, not '_k'"),
    "the dtype's name": (lambda u, real=1: u, "must name each of its parameters, not 'real'"),
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_signatures(case):
    function, words = SIGNATURES[case]
    with pytest.raises(TypeError, match=words) as caught:
        fi.laws.law("normal")(function)
    assert "law 'law'" in str(caught.value)
    assert str(inspect.signature(function)) in str(caught.value)


def with_parameters(count):
    names = [f"p{i}" for i in range(count)]
    return eval(f"lambda u, {', '.join(names)}: u + {' + '.join(names)}")


def test_parameters_have_an_end():
    law = fi.laws.law("u01_closed_open")(with_parameters(MOST_NUMBERS))
    total = sum(range(MOST_NUMBERS))
    x = fi.default_rng(0).draw(law(*range(MOST_NUMBERS)), 1000, dtype="float64")
    np.testing.assert_allclose(x, fi.default_rng(0).uniform(size=1000, dtype="float64") + total, rtol=1e-12)
    with pytest.raises(TypeError, match=f"must have at most {MOST_NUMBERS} parameters; got {MOST_NUMBERS + 1}"):
        fi.laws.law("normal")(with_parameters(MOST_NUMBERS + 1))


class Callable:
    """A callable without a name."""

    def __call__(self, u):
        return u


NO_FUNCTIONS = {
    "a function of C": (math.sqrt, "^law 'sqrt' does what a kernel cannot do\n"),
    "a ufunc": (np.sqrt, "^law 'sqrt' "),
    "a partial function": (functools.partial(lambda u, p: u * p, p=2.0), "^law must decorate a function, .*partial"),
    "an object": (Callable(), "^law must decorate a function, made by def or lambda; got <.*Callable"),
    "a type": (int, "^law 'int' must "),
    "a number": (3, "^law must decorate a function, made by def or lambda; got 3"),
}


@pytest.mark.parametrize("case", NO_FUNCTIONS)
def test_what_is_no_function(case):
    function, words = NO_FUNCTIONS[case]
    with pytest.raises(TypeError, match=words):
        fi.laws.law("normal")(function)


@pytest.mark.parametrize("source", ["uniform", "Words", "", "pair"])
def test_an_unknown_source(source):
    with pytest.raises(ValueError, match=r"source must be one of 'words', 'u01_closed_open'.*'normal'; got"):
        fi.laws.law(source)


@pytest.mark.parametrize("source", [None, 3, 1.5])
def test_a_source_is_a_name(source):
    with pytest.raises(TypeError, match="source must be one of 'words'"):
        fi.laws.law(source)


CRASH = """
import fastinit as fi
from fastinit.arithmetic import convert, real_of
try:
    law = fi.laws.law(lambda w: convert(w // (w & 3), real_of(w)))
    fi.default_rng(0).draw(law(), 1000)
except TypeError as error:
    print("refused")
"""


def test_no_law_stops_the_interpreter():
    """In a process of its own: a division of integers by 0 would end it."""
    done = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, env=environment(), timeout=120)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
