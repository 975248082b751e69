"""`fastinit check` as a person runs it: its exit status, table, document, picture, and what it refuses."""

import contextlib
import json
import math
import re
import struct
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")


from fastinit.check import laws, promises, run, subjects, verdict, words
from fastinit.check.results import Result, Row, Subject
from fastinit.commands import reports
from fastinit.commands.main import main

SMALL = ("--samples", "65536")


def check(*arguments):
    return main(["check", *SMALL, *arguments])


@pytest.fixture
def few(monkeypatch):
    """Nothing is tested of fastinit as a whole."""
    monkeypatch.setattr(promises, "cases", lambda subjects: [])


def test_a_good_verdict(monkeypatch, capsys):
    """All of it, for one law in one dtype: words and promises too."""
    monkeypatch.setattr(words, "STREAMS", 32)
    assert check("--dist", "normal", "--dtype", "float16", "--all") == 0
    out = capsys.readouterr().out
    assert "\nfastinit, 65,536 values of each\n" in out
    assert re.search(r"^\| normal float16 +\| +\d+ \| .* \| GOOD \|$", out, re.M)
    assert re.search(r"^GOOD: \d+ tests\. A test fails if its p is below \de-\d", out, re.M)
    assert max(map(len, out.splitlines())) <= 80
    assert "\033" not in out
    out = re.sub(r"\n  +", " ", out)
    for name in ("Kolmogorov-Smirnov", "attempts in turn", "Random123, counter 243f6a88", "normal float16, rounding"):
        assert name in out


def test_a_document(few, tmp_path, capsys):
    path = tmp_path / "check.json"
    assert check("--dist", "uniform,bits", "--dtype", "float32,float8_e5m2", "--json", str(path)) == 0
    document = json.loads(path.read_text())
    titles = [subject["subject"] for subject in document["subjects"]]
    assert titles[:2] == ["uniform float32", "uniform float8_e5m2"]
    assert titles[-1] == "bits uint32"
    assert document["good"] is True
    tests = [test for subject in document["subjects"] for test in subject["tests"]]
    (verdict,) = document["verdicts"]
    assert (verdict["sampler"], verdict["good"]) == ("fastinit", True)
    assert verdict["tests"] == sum(test["counted"] for test in tests)
    assert verdict["threshold"] == pytest.approx(1e-3 / verdict["tests"])
    assert all(0 <= test["p"] <= 1 for test in tests)


def test_a_picture(few, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="--plot needs matplotlib")
    path = tmp_path / "check.png"
    assert check("--dist", "normal", "--dtype", "float32,bfloat16", "--plot", str(path)) == 0
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width > 900
    assert height > 400


@pytest.fixture
def broken(monkeypatch, few):
    """A sampler of the test in the place of NumPy's."""

    def put(make):
        monkeypatch.setattr(subjects, "_peer", lambda library, law, real, seed: make(law, real))

    return put


def test_a_bad_verdict(broken, tmp_path, capsys):
    broken(lambda law, real: lambda count: np.full(count, 0.25, real.dtype))
    path = tmp_path / "bad.json"
    assert check("--sampler", "numpy", "--dist", "uniform", "--dtype", "float64", "--json", str(path)) == 1
    out = capsys.readouterr().out
    assert re.search(r"^BAD, \d+ failed", out, re.M)
    assert "- FAIL uniform float64: Kolmogorov-Smirnov" in out
    assert json.loads(path.read_text())["good"] is False


def test_each_sampler_has_a_verdict_of_its_own():
    def result(sampler, p):
        return Result(Subject(sampler, None, None, "normal"), 0, 0.0, tuple(Row("chi2", "a", math.inf, p) for _ in range(10)))

    both = [result("a", 8e-5), result("b", 0.5)]
    document = verdict.document(both, {})
    assert verdict.judge(both).good, "together no test fails"
    assert [(each["sampler"], each["good"]) for each in document["verdicts"]] == [("a", False), ("b", True)]
    assert document["good"] is False
    assert json.loads(json.dumps(document, allow_nan=False))["subjects"][0]["tests"][0]["statistic"] is None


def test_a_sampler_that_raises(broken, capsys):
    def draw(count):
        raise OverflowError("no\nluck")

    broken(lambda law, real: draw)
    assert check("--sampler", "numpy", "--dist", "normal", "--dtype", "float32") == 1
    assert "- FAIL normal float32: raises OverflowError: no luck" in capsys.readouterr().out


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_sampler_that_makes_no_numbers(broken, value, dtype, capsys):
    broken(lambda law, real: lambda count: np.full(count, value, real.dtype))
    assert check("--sampler", "numpy", "--dist", "normal", "--dtype", dtype) == 1
    assert "outside the bounds, or not finite: 65536" in capsys.readouterr().out


def test_what_a_library_lacks_is_said(few, capsys):
    assert check("--sampler", "numpy,scipy", "--dist", "truncated_normal,normal", "--dtype", "float16,float32") == 0
    out = capsys.readouterr().out
    assert "- not tested, since it has no truncated_normal: truncated_normal -2 2 float16" in re.sub(r"\n  +", " ", out)
    assert "Nothing was tested." in out


def good(capsys):
    """The subjects that were tested, all of which are good; status 0 is also that of no test."""
    out = capsys.readouterr().out
    assert re.search(r"^GOOD: [1-9]\d* tests", out, re.M)
    return re.findall(r"^\| (\S.*?) +\| .* GOOD \|$", out, re.M)


def test_a_right_peer_passes(few, capsys):
    assert check("--sampler", "numpy", "--dist", "uniform,normal,bits", "--dtype", "float32,float64") == 0
    assert good(capsys) == ["uniform float32", "uniform float64", "normal float32", "normal float64", "bits uint32"]


def test_bounds_of_ones_own(few, capsys):
    assert check("--a", "-inf", "--b", "-1.5", "--dtype", "float32,float8_e4m3fn") == 0
    assert "truncated -inf -1.5 float32" in capsys.readouterr().out
    assert run.bounded(1.0, 2.0).title == "truncated_normal 1 2"
    assert run.bounded(-2.12345, 3.14159).title == "truncated -2.123 3.142"
    assert run.bounded(-0.000123456, 3.14159).title == "truncated_normal"
    assert check("--a", "3", "--b", "3.25", "--dtype", "float8_e5m2") == 0  # one number lies there
    assert good(capsys) == ["truncated_normal 3 3.25 float8_e5m2"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--samples", "1000"), "from 65536"),
        (("--samples", "1e99"), "from 65536"),
        (("--samples", "many"), "from 65536"),
        (("--sampler", "excel"), "must be one of fastinit, numpy"),
        (("--dist", "gamma"), "must be one of bits, uniform"),
        (("--dtype", "int4"), "must be one of float32"),
    ],
)
def test_arguments_that_the_parser_refuses(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["check", *arguments])
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--a", "2", "--b", "2"), "a must be less than b"),
        (("--a", "nan"), "a must be less than b"),
        (("--a", "38"), "within 37 deviations"),
        (("--a", "1", "--b", "1.0001"), "0.001 apart"),
        (("--a", "1", "--dist", "normal"), "only for --dist truncated_normal; got normal"),
        (("--seed", "-1"), "--seed: must be from 0"),
        (("--plot", "x.bmp"), "--plot: must end in"),
    ],
)
def test_arguments_that_do_not_go_together(arguments, complaint, capsys):
    assert main(["check", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_cannot_be_written(tmp_path, capsys):
    assert main(["check", "--json", str(tmp_path / "none" / "x.json")]) == 1


def test_verdicts_have_colours_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    reports.show("GOOD, BAD and FAIL")
    assert capsys.readouterr().out == "\033[32mGOOD\033[0m, \033[31mBAD\033[0m and \033[31mFAIL\033[0m\n"
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
        reports.show("GOOD")
        assert capsys.readouterr().out == "GOOD\n"
        monkeypatch.setenv("TERM", "xterm")


def test_the_bar_moves_before_the_first_values(monkeypatch, capsys):
    """Each stage is named before it begins, and all of them together make the total."""
    steps = []

    @contextlib.contextmanager
    def progress(total, unit, **options):
        steps.append((total, "total"))
        yield lambda done, text=None: steps.append((done, text))

    monkeypatch.setattr(run, "progress", progress)
    monkeypatch.setattr(words, "STREAMS", 32)
    monkeypatch.setattr(words, "VALUES", 32 * words.LENGTH)
    assert check("--dist", "normal", "--dtype", "float16") == 0
    assert steps[1] == (0, "streams of seeds")
    assert (0, "promises, normal") in steps
    assert (0, "normal float16") in steps
    assert sum(done for done, _ in steps[1:]) == steps[0][0]


def test_a_sampler_of_ones_own():
    rng = np.random.default_rng(1)
    good = subjects.check(laws.UNIFORM, "float32", lambda count: rng.random(count, np.float32), size=1 << 18)
    assert verdict.judge([good]).good
    bad = subjects.check(laws.UNIFORM, "float32", lambda count: rng.random(count, np.float32) ** 1.02, size=1 << 18)
    assert {row.group for _, row in verdict.judge([bad]).failed} >= {"KS", "AD", "moments"}


def test_scipy_is_not_imported_for_the_arguments():
    script = "import sys; import fastinit.commands.check as c; print('scipy.stats' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_peer_is_not_compared_with_other_uniforms():
    result = subjects.check(laws.uniform(-1.5, 2.5), "float32", "numpy", size=1 << 16)
    assert result.skipped == "is compared with other parameters only"
