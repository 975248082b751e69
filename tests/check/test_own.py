"""`fastinit check --law`: laws of one's own against a distribution function, by text, as a person gives both."""

import math
import re

import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

from scipy import stats

import fastinit as fi
from fastinit.arithmetic import select
from fastinit.check import numeric, own, subjects, verdict
from fastinit.commands.main import main
from tests.repeats import mostly_at_night

HERE = "tests.check.test_own"
TRIANGULAR = "tests.laws.own:triangular"


@fi.laws.law("u01_closed_open")
def ternary(u, p=0.25):
    return select(u < p, u.constant(-1.0), select(u < 1.0 - p, u.constant(0.0), u.constant(1.0)))


def parabola(x):
    """The distribution function of `triangular(skew=1)`, for one float."""
    return 0.0 if x <= 0 else 1.0 if x >= 1 else x * x


def bent(exponent):
    """A distribution function of arrays."""
    return lambda x: np.clip(x, 0.0, 1.0) ** exponent


def falling(x):
    return 1.0 - parabola(x)


def narrow(x):
    """It fails far out, where nobody needs it."""
    return 1.0 / (1.0 + math.exp(-x))


THREE = "scipy.stats.rv_discrete(values=((-1, 0, 1), (0.25, 0.5, 0.25)))"
RIGHT = [
    (f"{TRIANGULAR}(width=2)", "scipy.stats.triang(0.5, scale=2)"),
    (f"{TRIANGULAR}(skew=1)", f"{HERE}:parabola"),
    (f"{TRIANGULAR}(skew=1)", f"{HERE}:bent(2)"),
    (f"{HERE}:ternary", THREE),
    ("tests.laws.own:scaled(3)", "scipy.stats.norm(scale=3)"),
    ("logistic", f"{HERE}:narrow"),
    ("integers(0, 6)", "scipy.stats.randint(0, 6)"),
    ("truncated_normal(0, inf)", "scipy.stats.halfnorm"),
    ("laplace(scale=0.1)", None),
]
WRONG = [
    (f"{TRIANGULAR}(width=2.02)", "scipy.stats.triang(0.5, scale=2)"),
    (f"{TRIANGULAR}(skew=0.99)", f"{HERE}:parabola"),
    (f"{TRIANGULAR}(skew=1)", f"{HERE}:bent(2.01)"),
    (f"{HERE}:ternary(p=0.255)", THREE),
    ("exponential(1.01)", "scipy.stats.expon"),
]


def judged(law, cdf, size=1 << 18):
    checked = own.law(law, cdf)
    return verdict.judge([subjects.check(checked, checked.reals[0].name, size=size)])


@pytest.mark.parametrize(("law", "cdf"), mostly_at_night(RIGHT, 3))
def test_a_right_law_passes(law, cdf):
    found = judged(law, cdf)
    assert found.good, found.failed
    assert found.tests >= 17


@pytest.mark.parametrize(("law", "cdf"), mostly_at_night(WRONG, 3))
def test_a_wrong_law_fails(law, cdf):
    """Seen by chi-squared or the moments, which every law has."""
    groups = {row.group for _, row in judged(law, cdf, 1 << 20).failed}
    assert groups & {"chi2", "moments"}, groups


@pytest.mark.parametrize("dtype", mostly_at_night(["float64", "float16", "bfloat16", "float8_e5m2"], 2))
def test_every_dtype(dtype):
    law = own.law(f"{TRIANGULAR}(width=2)", "scipy.stats.triang(0.5, scale=2)")
    found = verdict.judge([subjects.check(law, dtype, size=1 << 18)])
    assert found.good, found.failed


@pytest.mark.parametrize("known", [stats.logistic(1, 0.1), stats.t(2), stats.uniform(-1, 2), stats.lognorm(1)])
def test_quantiles_from_the_function_alone(known):
    mine, q = numeric.Numeric(known.cdf), np.array([1e-9, 1e-5, 0.3, 0.5, 0.7, 1 - 1e-5])
    assert mine.ppf(q) == pytest.approx(known.ppf(q), rel=1e-9)
    assert mine.isf(q[2:]) == pytest.approx(known.isf(q[2:]), rel=1e-9)
    assert mine.sf(known.ppf(q)) == pytest.approx(1 - q, rel=1e-9)


def test_a_function_is_called_with_arrays_only_if_it_takes_them():
    shapes = []

    def together(x):
        shapes.append(np.shape(x))
        return np.clip(x, 0, 1)

    numeric.Numeric(together).ppf(np.linspace(0.1, 0.9, 9))
    assert shapes[-1] == (9,)
    assert numeric.Numeric(parabola).ppf(np.array([0.25])) == 0.5


def test_the_command(capsys):
    arguments = ["check", "--samples", "65536", "--dtype", "float32,float8_e5m2"]
    assert main([*arguments, "--law", f"{TRIANGULAR}(width=2)", "--cdf", "scipy.stats.triang(0.5, scale=2)"]) == 0
    out = capsys.readouterr().out
    assert f"values of each: {TRIANGULAR}(width=2) against scipy.stats.triang(0.5, scale=2)" in re.sub(r"\n(?=\S)", " ", out)
    assert re.search(r"^\| promises +\|", out, re.M)
    assert re.search(r"^\| triangular float8_e5m2 +\|.*\| GOOD \|$", out, re.M)
    assert max(map(len, out.splitlines())) <= 80
    assert main([*arguments, "--law", f"{TRIANGULAR}(width=2.2)", "--cdf", "scipy.stats.triang(0.5, scale=2)"]) == 1
    assert "BAD" in capsys.readouterr().out


REFUSED = {
    (TRIANGULAR,): "--cdf: must be given for a law of your own, such as scipy.stats.rayleigh(scale=2)",
    ("laplac",): "did you mean laplace?",
    ("laplace(scale=0)",): "law must not be a constant",
    (TRIANGULAR, "nope"): "--cdf: must be module:name, or such as",
    (TRIANGULAR, "scipy.stats.nope(3)"): "raises AttributeError",
    (TRIANGULAR, "scipy.stats.norm("): "--cdf must be a name, or a call such as",
    (TRIANGULAR, "no_such_module:cdf"): "raises ModuleNotFoundError",
    (TRIANGULAR, "math:pi"): "--cdf: must be a function of floats, or have a method cdf; got 'math:pi'",
    (TRIANGULAR, "math:exp"): "--cdf: must rise from 0 to 1",
    (TRIANGULAR, f"{HERE}:falling"): "--cdf: must rise from 0 to 1",
    (TRIANGULAR, f"{HERE}:RIGHT"): "--cdf: must be a function of floats, or have a method cdf",
    (TRIANGULAR, "builtins:open"): "raises",
    (TRIANGULAR, "scipy.stats.zipf(1.5)"): "--cdf: must have at most 65536 points, or a cdf in closed form",
}


@pytest.mark.parametrize("texts", REFUSED, ids=str)
def test_what_is_refused(texts, capsys):
    assert main(["check", *(word for pair in zip(("--law", "--cdf"), texts, strict=False) for word in pair)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert REFUSED[texts] in printed.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--cdf", "scipy.stats.norm"), "--cdf: only with --law"),
        (("--law", "laplace", "--dist", "normal"), "--law: not with --dist, --a or --b"),
        (("--law", "laplace", "--a", "1"), "--law: not with --dist, --a or --b"),
        (("--law", "laplace", "--sampler", "numpy"), "--law: only for --sampler fastinit; got numpy"),
        (("--dist", "laplace", "--dtype", "int8"), "--dtype: must be one of float32, float64"),
        (("--law", "integers(300)", "--dtype", "int8"), "--dtype: must be one of int16"),
    ],
)
def test_arguments_that_do_not_go_together(arguments, complaint, capsys):
    assert main(["check", *arguments]) == 2
    assert complaint in capsys.readouterr().err
