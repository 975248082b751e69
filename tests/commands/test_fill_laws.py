"""`fastinit fill --dist LAW`: of the package or the user's own, with options or parentheses, in the law's dtypes."""

import sys
from pathlib import Path

import numpy as np
import pytest

import fastinit as fi
from fastinit import laws
from fastinit.commands.main import main
from fastinit.initializers.rules import TensorRule, parse
from tests.commands.running import call, run
from tests.initializers.test_any_law import LAWS
from tests.laws import own

OWN = "tests.laws.own"
FILL = ("--shape", "30,20", "--seed", "7")

#: --dist with options, and the law; its own dtype counts where there is no --dtype.
GIVEN = {
    "laplace --scale 0.1": laws.laplace(scale=0.1),
    "laplace(scale=0.1)": laws.laplace(scale=0.1),
    "gumbel --loc -1e-3 --scale 2": laws.gumbel(-1e-3, 2),
    "exponential --scale 2": laws.exponential(2),
    "integers --low 0 --high 10": laws.integers(0, 10),
    "integers(1,6,endpoint=true) --dtype uint8": laws.integers(1, 6, endpoint=True),
    "rademacher --dtype int8": laws.rademacher(),
    "bernoulli(0.25) --dtype bool": laws.bernoulli(0.25),
    "uniform --low 3 --high 4": laws.uniform(3, 4),
    "truncated_normal --a 0 --b inf --units absolute": laws.truncated_normal(0, np.inf, units="absolute"),
    f"{OWN}:triangular --dtype float64": own.triangular(),
    f"{OWN}:scaled --scale 3": own.scaled(3),
    f"{OWN}:NARROW": own.NARROW,
}


@pytest.mark.parametrize("arguments", GIVEN)
def test_values_are_those_of_one_call(tmp_path, capsys, arguments):
    law, path = GIVEN[arguments], tmp_path / "x.npy"
    dist, *more = arguments.split()
    assert main(["fill", str(path), "--name", "w", *FILL, "--dist", dist, *more]) == 0
    dtype = more[-1] if "--dtype" in more else law.dtype_names[0]
    whole = fi.default_rng(7).child("w").draw(law, (30, 20), dtype=dtype)
    values = np.load(path)
    assert values.dtype == whole.dtype
    assert values.tobytes() == whole.tobytes()
    assert f"shape=30,20 dtype={dtype} " in capsys.readouterr().out


@pytest.mark.parametrize("text", [text for text in LAWS if "normal" not in text])
def test_a_rule_of_a_law_is_of_draw(text):
    assert parse(text) == TensorRule("draw", (("law", LAWS[text]),))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (f"{OWN}:NARROW --scale 3", f"--scale: not for --dist {OWN}:NARROW, which takes its parameters, if any, in"),
        (f"{OWN}:triangular --scale 3", "--scale: not for --dist"),
        (f"{OWN}:scaled", "scaled: missing a required argument: 'scale'; its parameters are (scale)"),
        ("laplace --low 3", "--low: not for --dist laplace, which takes --loc, --scale"),
        ("integers --low 0.5 --high 3", "low must be an int; got 0.5"),
        ("integers(5) --dtype float32", "dtype must be one of int64"),
        ("cauchy --dtype float8_e5m2", "dtype must be one of float32, float64, float16, bfloat16"),
    ],
)
def test_wrong_arguments(tmp_path, capsys, arguments, words):
    status, out, err = call(capsys, "fill", tmp_path / "x.npy", *FILL, "--dist", *arguments.split())
    assert (status, out) == (2, "")
    assert words in err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def folder(tmp_path):
    """A current directory with a module of laws, and one that has the name of a library that it imports."""
    (tmp_path / "mylaws.py").write_text(f"import colorsys\n{Path(own.__file__).read_text()}")
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('the wrong colorsys')")
    return tmp_path


def check(path):
    assert np.array_equal(np.load(path), fi.default_rng(7).draw(own.triangular(2.0), (30, 20)))


def test_the_current_directory_is_searched_last(folder):
    script = "import sys; sys.path.pop(0); from fastinit.commands.main import main; sys.exit(main())"
    command = (sys.executable, "-c", script)  # as the script that pip installs, which does not search there
    done = run("fill", "x.npy", *FILL, "--dist", "mylaws:triangular(width=2)", command=command, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    check(folder / "x.npy")


def test_the_installed_script(folder):
    script = Path(sys.executable).with_name("fastinit")
    if not script.exists():
        pytest.skip("the script is not installed beside this Python")
    done = run("fill", "x.npy", *FILL, "--dist", "mylaws:triangular(width=2)", command=(str(script),), cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    check(folder / "x.npy")


def test_the_search_path_is_left_as_it_was(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    before = list(sys.path)
    assert call(capsys, "fill", "x.npy", *FILL, "--dist", "mylaws:triangular(width=2)")[0] == 0
    check("x.npy")
    assert call(capsys, "fill", "x.npy", *FILL, "--dist", "mylaws:triangle")[0] == 2
    assert sys.path == before
    sys.modules.pop("mylaws")
