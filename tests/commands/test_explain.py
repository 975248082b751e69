"""`fastinit explain`: code of any law and target."""

import pytest

from fastinit.commands.main import main
from tests.commands.running import call


@pytest.mark.parametrize("more", [[], ["--asm"], ["--target", "ptx", "--asm"], ["--target", "neon"]])
def test_explain(capsys, more):
    assert main(["explain", "normal", "--dtype", "bfloat16", *more]) == 0
    out = capsys.readouterr().out
    assert ("elements" if "ptx" in more else "attempt") in out
    assert ("fma.rn.f32" in out) == ("ptx" in more)
    assert ("define" in out) == ("--asm" not in more)


@pytest.mark.parametrize("law", [["laplace"], ["--law", "laplace"], ["--law", "tests.laws.own:triangular(width=2)"]])
def test_explain_any_law(capsys, law):
    plain, adding = (call(capsys, "explain", *law, "--target", "avx2", *more)[1] for more in ([], ["--add"]))
    assert plain.count("load <") < adding.count("load <")  # it reads what the output holds
    assert plain.count("store <") > 0


def test_explain_shows_what_is_drawn(capsys):
    """A row by its name, and what the law of that name needs for a dtype: bounds, where values are rounded twice."""
    row, law = (call(capsys, "explain", *each, "--dtype", "float16")[1] for each in (["uniform_within"], ["--law", "uniform"]))
    assert row == law != ""
    assert (
        call(capsys, "explain", "integers", "--target", "avx2")[1]
        == call(capsys, "explain", "--law", "integers(6)", "--dtype", "int64", "--target", "avx2")[1]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bits", "--dtype", "float32"], "--dtype must be one of uint32 for bits; got float32"),
        (["uniform", "--dtype", "float16"], "--dtype must be one of float32, float64 for uniform; got float16"),
        (["gamma"], "got 'gamma'"),
        (["normal", "--target", "neno"], "got 'neno'; did you mean neon?"),
        ([], "either LAW or --law must be given"),
        (["laplace", "--law", "laplace"], "either LAW or --law must be given"),
        (["bits", "--add"], "--add: only for laws of reals; got bits"),
        (["--law", "integers(6)", "--add"], "--add: only for laws of reals; got integers(6)"),
        (["cauchy", "--dtype", "float8_e5m2"], "--dtype must be one of float32, float64, float16, bfloat16 for cauchy"),
        (["--law", "laplace(scale=0)"], "--law: must not be a constant"),
        (["--law", "laplac"], "did you mean laplace?"),
    ],
)
def test_explain_refuses(capsys, arguments, said):
    status, out, err = call(capsys, "explain", *arguments)
    assert (status, out) == (2, "")
    assert said in err
