"""`fastinit check --peer` and `--command`: samplers of somebody else, as functions and as programs."""

import importlib.metadata
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

from fastinit.arguments import dtypes
from fastinit.check import functions, programs, subjects
from fastinit.check.results import SamplerError
from fastinit.commands.main import main

SCRIPT = Path(__file__).with_name("samplers.py")
PEERS = "tests.check.samplers"
FLOAT32 = dtypes.resolve("float32")
FEW = ("--samples", "65536")


def check(*arguments):
    return main(["check", *FEW, *arguments])


def command(kind, rest="{count} {seed}"):
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(SCRIPT))} {kind} {rest}"


def test_functions(capsys):
    arguments = ("--peer", f"{PEERS}:normal,{PEERS}:wide", "--dist", "normal", "--dtype", "float32,float64,float16")
    assert check(*arguments) == 1
    good, bad = re.split(r"^tests\.check\.samplers:wide, 65,536", capsys.readouterr().out, flags=re.M)
    assert "tests.check.samplers:normal, 65,536 values of each\n" in good
    assert re.search(r"^\| normal float64 .* GOOD \|$", good, re.M)
    assert "- not tested, since it makes float32 and float64 only: normal float16" in good
    assert "BAD" not in good
    assert re.search(r"^\| normal float32 .* BAD \|$", bad, re.M)
    assert "moment 2: standard deviation 1.046" in bad


def test_each_call_has_its_own_seed(monkeypatch):
    monkeypatch.setattr(subjects, "BLOCK", 1 << 15)
    seeds = []

    def sampler(count, seed, dtype):
        seeds.append((count, seed, dtype))
        return __import__(PEERS, fromlist=["x"]).normal(count, seed, dtype)

    monkeypatch.setattr(functions, "find", lambda text: sampler)
    assert check("--peer", "x:y", "--dist", "normal", "--seed", "5", "--dtype", "float64") == 0
    assert seeds == [(1 << 15, 5, "float64"), (1 << 15, 6, "float64")]


@pytest.mark.parametrize(
    ("function", "law", "dtype"),
    [
        ("gamma", ("--cdf", "scipy.stats.gamma(2.5)"), "float32"),
        ("die", ("--law", "integers(0, 6)"), "int8"),
        ("die", ("--cdf", "scipy.stats.randint(0, 6)"), "int64"),
    ],
)
def test_laws_of_functions(function, law, dtype, capsys):
    given = ("--dtype", dtype) if dtype == "int8" else ()
    assert check("--peer", f"{PEERS}:{function}", *law, *given) == 0
    assert re.search(rf" {dtype} +\|.* GOOD", capsys.readouterr().out)


def test_an_entry_point(monkeypatch, capsys):
    point = importlib.metadata.EntryPoint("mine", f"{PEERS}:normal", functions.GROUP)
    monkeypatch.setattr(functions.metadata, "entry_points", lambda group: importlib.metadata.EntryPoints([point]))
    assert check("--peer", "mine", "--dist", "normal") == 0
    assert check("--peer", "nine", "--dist", "normal") == 2
    assert "it has mine); got 'nine'; did you mean mine?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("function", "said"),
    [("short", "returned 65,535 values of float32, not 65,536 of float32"), ("faulty", "raises ZeroDivisionError: no luck")],
)
def test_a_function_that_fails_is_bad(function, said, capsys):
    assert check("--peer", f"{PEERS}:{function}", "--dist", "normal") == 1
    assert f"- FAIL normal float32: {said}" in re.sub(r"\n +", " ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--peer", f"{PEERS}:normal"), "need the one law that they follow"),
        (("--peer", f"{PEERS}:normal", "--dist", "normal,uniform"), "need the one law that they follow"),
        (("--peer", f"{PEERS}:normal", "--dist", "normal", "--sampler", "numpy"), "--sampler: not with --peer"),
        (("--peer", f"{PEERS}:normal", "--dist", "normal", "--cdf", "scipy.stats.norm"), "--cdf: not with --dist"),
        (("--peer", f"{PEERS}:normal", "--dist", "normal", "--dtype", "int8"), "--dtype: must be one of float32"),
        (("--peer", "no_such_module:f", "--dist", "normal"), "raises ModuleNotFoundError"),
        (("--peer", f"{PEERS}:nothing", "--dist", "normal"), "raises AttributeError"),
        (("--peer", f"{PEERS}:NOTHING", "--dist", "normal"), "must be a function of (count, seed, dtype)"),
        (("--peer", "nobody", "--dist", "normal"), "must be module:function or an entry point of fastinit.samplers"),
        (("--command", "", "--dist", "normal"), "--command: must name a program"),
        (("--command", "'a", "--dist", "normal"), "--command: No closing quotation"),
        (("--command", "no_such_program {count}", "--dist", "normal"), "there is no program 'no_such_program'"),
        (("--command", "cat {Count}", "--dist", "normal"), "has the places {count}, {seed} and {dtype}; got {Count}"),
    ],
)
def test_what_is_refused(arguments, complaint, capsys):
    assert main(["check", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint in printed.err


@pytest.mark.parametrize("kind", ["right {count}", "endless 0"])
def test_a_program(kind, capsys):
    assert check("--command", command(kind, "{seed}"), "--dist", "normal") == 0
    assert re.search(r"^\| normal float32 .* GOOD \|$", capsys.readouterr().out, re.M)


FAULTS = {
    "few": "wrote 262,104 bytes, 40 too few, and ended with status 0",
    "many": "writes more than the 262,144 bytes that {count} asks for",
    "fails": "wrote all values, but ended with status 3",
    "waits": "neither writes nor ends 1 seconds after its last value",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_program_that_is_wrong(kind, monkeypatch, capsys):
    monkeypatch.setattr(programs, "AT_END", 1.0 if kind == "waits" else 60.0)
    assert check("--command", command(kind), "--dist", "normal") == 1
    assert f"- FAIL normal float32: {FAULTS[kind]}" in re.sub(r"\n +", " ", capsys.readouterr().out)


def test_a_program_that_cannot_be_started(tmp_path):
    path = tmp_path / "nonsense"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with (
        programs.Program(programs.words(f"{path} {{count}}"), FLOAT32, 0, 9) as draw,
        pytest.raises(SamplerError, match="cannot be"),
    ):
        draw(9)


def test_no_shell_reads_the_command(tmp_path):
    """Signs of a shell are plain words; braces of others stay."""
    script = "import sys; sys.stdout.buffer.write(bytes(4 * int(sys.argv[1]))); print(sys.argv[2:], file=sys.stderr)"
    path = tmp_path / "script.py"
    path.write_text(script)
    text = f"{shlex.quote(sys.executable)} {shlex.quote(str(path))} {{count}} ';' '$HOME' '{{print}}' '{{dtype}}-{{seed}}' > x"
    parts = programs.words(text)
    program = programs.Program(parts, FLOAT32, 7, 9)
    assert program._words[3:] == [";", "$HOME", "{print}", "float32-7", ">", "x"]
    with program as draw:
        assert draw(9).tolist() == [0.0] * 9


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
@pytest.mark.parametrize(("kind", "number", "patience"), [("silent", signal.SIGTERM, 60), ("deaf", signal.SIGKILL, 0.5)])
def test_a_program_that_hangs_is_stopped(kind, number, patience, monkeypatch):
    monkeypatch.setattr(programs, "AT_ONCE", patience)
    with programs.Program(programs.words(command(kind)), FLOAT32, 0, 9) as draw:
        process = draw._started()
        assert kind == "silent" or process.stdout.read(1) == b"."  # it ignores the signal by now
    assert process.returncode == -number
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_what_a_program_has_started_is_stopped_with_it(tmp_path, monkeypatch):
    """A child keeps the output open after the program has ended."""
    monkeypatch.setattr(programs, "AT_END", 0.5)
    monkeypatch.setattr(programs, "AT_ONCE", 0.5)
    script = f"sleep 600 & echo $! > {shlex.quote(str(tmp_path / 'pid'))}; head -c $((4 * {{count}})) /dev/zero"
    with (
        programs.Program(programs.words(f"sh -c {shlex.quote(script)}"), FLOAT32, 0, 9) as draw,
        pytest.raises(SamplerError, match="neither writes nor ends"),
    ):
        draw(9)
    child = int((tmp_path / "pid").read_text())
    for _ in range(600):
        if not Path(f"/proc/{child}").exists() or "(zombie)" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"{child} still runs")


#: It tells its number once three blocks of 2^22 values are read, but for what fits a pipe.
SLOW = """
import itertools, os, pathlib, sys, time
import numpy as np
rng = np.random.default_rng(0)
for number in itertools.count(1):
    sys.stdout.buffer.write(rng.standard_normal(1 << 20, np.float32).tobytes())
    if number == 13:
        pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(0.05)
"""


@pytest.mark.nightly
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_an_interrupt_leaves_results_and_no_process(tmp_path):
    """Ctrl-C in the middle of 10^11 values: the tests of what is there, all files, and the program is gone."""
    script, pid, path, junit = (tmp_path / name for name in ("slow.py", "pid", "check.json", "check.xml"))
    script.write_text(SLOW)
    text = shlex.join([sys.executable, str(script), str(pid)])
    arguments = [
        "check",
        "--command",
        text,
        "--dist",
        "normal",
        "--samples",
        "1e11",
        "--json",
        str(path),
        "--junit",
        str(junit),
    ]
    run = subprocess.Popen(
        [sys.executable, "-m", "fastinit", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not pid.exists() or not pid.read_text():
        assert run.poll() is None
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=600)
    assert run.returncode == 130
    assert "stopped by SIGINT" in err
    assert re.search(r"Interrupted: normal float32 has [\d,]+ of 100,000,000,000 values", out)
    values = json.loads(path.read_text())["subjects"][0]["values"]
    assert 0 < values < 10**11
    assert ElementTree.parse(junit).getroot().get("tests") != "0"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_an_interrupt_in_the_middle_counts_what_was_counted(monkeypatch, capsys):
    """Of fastinit: two blocks, then Ctrl-C; the subjects that follow are named as not tested."""
    monkeypatch.setattr(subjects, "BLOCK", 1 << 15)
    right, calls = subjects._fastinit, []

    def stopping(*arguments):
        draw = right(*arguments)

        def drawn(count):
            calls.append(count)
            if len(calls) == 3:
                raise KeyboardInterrupt(int(signal.SIGINT))
            return draw(count)

        return drawn

    monkeypatch.setattr(subjects, "_fastinit", stopping)
    assert main(["check", "--samples", "1e6", "--law", "laplace", "--dtype", "float32,float64"]) == 130
    printed = capsys.readouterr()
    assert "Interrupted: laplace float32 has 65,536 of 1,000,000 values" in printed.out.replace("\n", " ")
    assert "1 of 2 subjects were not tested" in printed.out.replace("\n", " ")
    assert "GOOD: " in printed.out


#: The elements of a JUnit document, and the attributes that each may have, as Jenkins's schema (junit-10.xsd) has them.
JUNIT = {
    "testsuites": {"name", "time", "tests", "failures", "disabled", "errors"},
    "testsuite": {
        "name",
        "tests",
        "failures",
        "errors",
        "time",
        "disabled",
        "skipped",
        "timestamp",
        "hostname",
        "id",
        "package",
    },
    "testcase": {"name", "assertions", "time", "classname", "status"},
    "failure": {"message", "type"},
    "skipped": {"message"},
}


def test_a_junit_document(tmp_path, capsys):
    path = tmp_path / "check.xml"
    arguments = ("--peer", f"{PEERS}:normal,{PEERS}:wide,{PEERS}:faulty", "--dist", "normal", "--dtype", "float32,float16")
    assert check(*arguments, "--junit", str(path)) == 1
    assert f"wrote {path}" in capsys.readouterr().out
    top = ElementTree.parse(path).getroot()
    for element in top.iter():
        assert set(element.keys()) <= JUNIT[element.tag]
    suites = {suite.get("name"): suite for suite in top}
    assert list(suites) == [
        f"{PEERS}:{name}: normal {dtype}" for name in ("normal", "wide", "faulty") for dtype in ("float32", "float16")
    ]
    for suite in top:
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped"))
    for key in ("tests", "failures"):
        assert int(top.get(key)) == sum(int(suite.get(key)) for suite in top)
    assert suites[f"{PEERS}:normal: normal float32"].get("failures") == "0"
    assert (
        suites[f"{PEERS}:normal: normal float16"].find("testcase/skipped").get("message") == "it makes float32 and float64 only"
    )
    case = suites[f"{PEERS}:wide: normal float32"].find("testcase[@name='moment 2']/failure")
    assert case.get("message").startswith("standard deviation 1.046")
    assert suites[f"{PEERS}:faulty: normal float32"].find("testcase/failure").get("type") == "bounds"
