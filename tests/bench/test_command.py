"""`fastinit bench` as a person runs it: its arguments, its output, its peers, and how it stops."""

import contextlib
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fastinit
from fastinit.bench import plot, table
from fastinit.bench.measure import DTYPES, Job
from fastinit.bench.samplers import TITLES
from fastinit.bench.session import Row, Table
from fastinit.commands import bench as command
from fastinit.commands.main import main
from fastinit.peers.interface import LAWS, MORE
from tests.repeats import mostly_at_night

REPOSITORY = Path(fastinit.__file__).parents[1]
COMMAND = (sys.executable, "-m", "fastinit", "bench")
#: A library that the machine does not have, under the name of one that the command knows, float64 only.
STANDS_IN = "mkl_random"


def library(directory, body):
    """Put a module `mkl_random` into a directory: `body` is what a draw does, with `n` values wanted and `calls` made."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    (directory / f"{STANDS_IN}.py").write_text(
        "import os, signal, sys, time\nimport numpy as np\nfrom pathlib import Path\n"
        "HERE = Path(__file__).parent\nHERE.joinpath('pid').write_text(str(os.getpid()))\n"
        "class MKLRandomState:\n    def __init__(self, seed):\n        self.calls = 0\n"
        f"    def random_sample(self, n):\n        self.calls += 1\n        calls = self.calls\n{lines}\n"
    )
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(directory), str(REPOSITORY)))}


def paragraphs(printed):
    """The lines of a text, without the breaks inside an item of a list."""
    return re.sub(r"\n  +", " ", printed).splitlines()


def run(*arguments, env=None, cwd=None):
    env = env or {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, env=env)


def ended(pid):
    """Whether a process ends within a minute; one that nobody has waited for yet has ended too."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.05)
    return False


STAND_IN_RUN = ("--dist", "uniform", "--dtype", "float64", "--size", 1000, "--rounds", 2, "--peers", STANDS_IN)


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """What a small run prints, and the JSON that it writes."""
    path = tmp_path_factory.mktemp("bench") / "b.json"
    done = run("--size", "1Ki", "--rounds", 3, "--peers", "numpy,scipy", "--dist", "normal,truncated_normal", "--json", path)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, json.loads(path.read_text())


def test_the_table_shows_the_samples(document):
    printed, written = document
    assert written["schema"] == table.SCHEMA
    first, second = written["tables"]
    assert [row["library"] for row in first["rows"]] == ["store", "fastinit", "numpy", "scipy"]
    assert (first["dist"], second["dist"], first["bytes"], first["values"]) == ("normal", "truncated_normal", 4096, 1024)
    for row in first["rows"][:3]:
        assert row["skipped"] is None
        assert len(row["seconds"]) == len(row["cores"]) == 3
        assert row["median_seconds"] == statistics.median(row["seconds"]) > 0
        assert row["bytes_per_second"] == pytest.approx(4096 / row["median_seconds"])
        ratios = [a / b for a, b in zip(row["seconds"], first["rows"][0]["seconds"], strict=True)]
        assert row["times_store"] == pytest.approx(statistics.median(ratios))
        (line,) = [line for line in printed.splitlines() if line.startswith(f"| {TITLES[row['library']]} ")][:1]
        assert float(line.split("|")[2].replace(",", "")) == pytest.approx(row["median_seconds"] * 1e3, rel=0.006)
    assert "- NumPy standard_normal" in printed
    assert "- SciPy: skipped: has no normal" in printed.splitlines()
    assert "- SciPy: skipped: makes float64 only" in printed.splitlines()
    assert printed.startswith(written["machine"]["cpu"])
    assert max(map(len, printed.splitlines()[:-1])) <= 80
    assert printed.splitlines()[-1].startswith("wrote ")
    assert written["machine"]["versions"]["numpy"] == np.__version__


def test_the_page_describes_the_json(document):
    """The keys in docs/benchmarks.md are those that are written, no more and no less."""
    _, written = document
    section = (REPOSITORY / "docs/benchmarks.md").read_text().partition("## JSON")[2].partition("\n## ")[0]
    top, of_table, of_row = ["\n".join(re.findall(r"^\| (`.*?) \|", part, re.M)) for part in section.split("| key")[1:]]
    keys = [set(re.findall(r"`(\w+)`", part)) for part in (top, of_table, of_row)]
    assert keys[0] == set(written) - {"schema"}
    assert keys[1] == set(written["tables"][0])
    assert keys[2] == set(written["tables"][0]["rows"][1])


BROKEN = {
    "return np.ones(n)": None,
    "print('noise', flush=True)\nos.write(1, b'{}')\nreturn np.ones(n)": None,
    "raise RuntimeError('no\\nluck')": "RuntimeError: no luck",
    "raise MemoryError": "MemoryError",
    "if calls > 2: raise ValueError('late')\nreturn np.ones(n)": "ValueError: late",
    "os.kill(os.getpid(), signal.SIGSEGV)": "died of SIGSEGV",
    "print('last words', file=sys.stderr, flush=True)\nos._exit(3)": "died with exit status 3 (last words)",
    "sys.exit(5)": "died with exit status 5",
}


@pytest.mark.nightly
@pytest.mark.parametrize("body", mostly_at_night(BROKEN, 3))
def test_a_peer_that_fails_is_a_line(tmp_path, body):
    done = run(*STAND_IN_RUN, env=library(tmp_path, body))
    assert (done.returncode, done.stderr) == (0, "")
    lines = paragraphs(done.stdout)
    assert sum(line.startswith("| fastinit ") for line in lines) == 1
    skipped = [line for line in lines if "skipped" in line]
    if BROKEN[body] is None:
        assert skipped == []
        assert sum(line.startswith("| mkl_random ") for line in lines) == 1
        assert sum(line.startswith("- mkl_random random_sample: allocates") for line in lines) == 1
    else:
        assert skipped == [f"- mkl_random random_sample: skipped: {BROKEN[body]}"]


@pytest.mark.nightly
def test_a_peer_whose_import_fails_is_a_line(tmp_path):
    env = library(tmp_path, "return np.ones(n)")
    (tmp_path / f"{STANDS_IN}.py").write_text("import a_module_that_nobody_has")
    done = run(*STAND_IN_RUN, env={**env, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    reason = "ModuleNotFoundError: No module named 'a_module_that_nobody_has'"
    assert f"- mkl_random random_sample: skipped: {reason}" in paragraphs(done.stdout)


@pytest.mark.nightly
def test_a_reason_that_the_terminal_cannot_show(tmp_path):
    env = library(tmp_path, "raise RuntimeError('\\N{SNOWMAN}')")
    done = run(*STAND_IN_RUN, env={**env, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "skipped: RuntimeError: \\u2603" in done.stdout


@pytest.mark.nightly
def test_a_peer_that_hangs_is_killed(tmp_path):
    done = run(*STAND_IN_RUN, "--limit", 2, env=library(tmp_path, "time.sleep(1000)"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "- mkl_random random_sample: skipped: no answer within 2 s, killed" in paragraphs(done.stdout)
    assert ended(int((tmp_path / "pid").read_text()))


@pytest.mark.nightly
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_kills_the_workers(tmp_path, number):
    """Also what a worker has started."""
    body = (
        "import subprocess\nHERE.joinpath('child').write_text(str(subprocess.Popen(['sleep', '1000']).pid))\ntime.sleep(1000)"
    )
    # As a shell's foreground process: a background one ignores SIGINT.
    start = f"import os, signal, sys; signal.signal({number:d}, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", start, *COMMAND, *map(str, STAND_IN_RUN)]
    child = subprocess.Popen(command, env=library(tmp_path, body), stdout=-1, stderr=-1, text=True)
    deadline = time.monotonic() + 100
    while not ((tmp_path / "child").exists() and (tmp_path / "child").read_text()):
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(number)
    _, err = child.communicate(timeout=100)
    assert (child.returncode, err) == (128 + number, f"fastinit: stopped by {number.name}\n")
    assert ended(int((tmp_path / "pid").read_text()))
    assert ended(int((tmp_path / "child").read_text()))


@pytest.mark.nightly
def test_only_what_is_asked_for_is_imported(tmp_path):
    env = library(tmp_path, "return np.ones(n)")
    marker = "from pathlib import Path\nPath(__file__).with_suffix('.imported').touch()\n"
    for name in ("torch", "jax", "tensorflow", "randomgen"):
        (tmp_path / f"{name}.py").write_text(marker)
    done = run("--dist", "uniform", "--size", 1000, "--rounds", 1, "--peers", STANDS_IN, "--dtype", "float64", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "- mkl_random random_sample: allocates" in done.stdout
    assert list(tmp_path.glob("*.imported")) == []
    done = run("--dist", "uniform", "--size", 1000, "--rounds", 1, "--peers", "torch", env=env)
    assert "- torch uniform_: skipped: AttributeError" in done.stdout
    assert (tmp_path / "torch.imported").exists()


def test_threads_reach_the_worker(tmp_path):
    names = "('NUMBA', 'OMP', 'MKL')"
    body = f"HERE.joinpath('threads').write_text(' '.join(os.environ[x + '_NUM_THREADS'] for x in {names}))\nreturn np.ones(n)"
    done = run(*STAND_IN_RUN, "--threads", 1, env=library(tmp_path, body))
    assert (done.returncode, done.stderr) == (0, "")
    assert "touched buffer, 1 thread," in done.stdout
    assert (tmp_path / "threads").read_text() == "1 1 1"


WRONG = {
    "--dist gamma": f"argument --dist: must be one of {', '.join((*LAWS, *MORE))}, all; got 'gamma'",
    "--dist uniform,,normal": f"argument --dist: must be one of {', '.join((*LAWS, *MORE))}, all; got ''",
    "--dtype int4": f"argument --dtype: must be one of {', '.join(DTYPES)}, int8, int16",
    "--dtype float8_e5m2": "bool, all; got 'float8_e5m2'",
    "--dtype int8": "bfloat16, float8_e4m3fn, float8_e5m2 for uniform; got int8",
    "--dist integers --dtype float32": "error: --dtype: must be one of int64, int8",
    "--law laplace --dist normal": "error: --law: not with --dist",
    "--law laplac": "did you mean laplace?",
    "--law tests.laws.own:nothing": "law must be in its module; got 'tests.laws.own:nothing'",
    "--peers numpy,curand": "randomgen, cupy, all, none; got 'curand'",
    "--size 0": "argument --size: must be a whole number, at least 1",
    "--size 2**62": "error: --size: a buffer for each of",
    "--rounds 0": "argument --rounds: must be a whole number, at least 1",
    "--rounds x": "argument --rounds: must be a whole number, at least 1",
    "--threads 1,0": "argument --threads: must be a whole number, at least 1",
    "--threads 100000": "error: --threads: must be at most",
    "--limit 0": "argument --limit: must be a number of seconds above 0, at most 1e6; got '0'",
    "--limit nan": "argument --limit: must be a number of seconds above 0",
    "--buffer cold": "argument --buffer: invalid choice: 'cold'",
    "--plot bars.jpg": "error: --plot: must end in .png, .svg, .pdf; got 'bars.jpg'",
    "--plot no/bars.png": "no: No such directory",
    "--json no/b.json": "no: No such directory",
    "--rou 3": "unrecognized arguments: --rou 3",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "run", lambda plan: pytest.fail("something was measured"))
    monkeypatch.setattr(plot, "installed", lambda module: True)
    try:
        status = main(["bench", *arguments.split()])
    except SystemExit as leaving:
        status = leaving.code
    printed = capsys.readouterr()
    assert status == (1 if "No such" in WRONG[arguments] else 2)
    assert printed.out == ""
    assert WRONG[arguments] in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_plot_needs_matplotlib_before_anything_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(command, "run", lambda plan: pytest.fail("something was measured"))
    assert main(["bench", "--plot", str(tmp_path / "b.png")]) == 2
    message = "error: --plot: needs matplotlib, which is not installed: pip install 'fastinit-kernels[plot]'"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert list(tmp_path.iterdir()) == []


def tables(ratios):
    """A table in which each library takes so many times the store's second."""
    rows = {name: Row(name, f"{name} fill", values=8, seconds=[ratio] * 3, cores=[1.0] * 3) for name, ratio in ratios.items()}
    return Table(Job("normal", 8, "float32", "touched", 2), 3, rows)


@pytest.mark.parametrize(
    "ratios", [{"store": 1.0, "fastinit": 1.5, "numpy": 12.34}, {"store": 1.0, "fastinit": 1.5, "torch": 431.0}]
)
def test_the_picture_names_and_measures_every_sampler(tmp_path, ratios):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    machine = {"cpu": "A CPU", "logical_cpus": 2}
    with matplotlib.rc_context({"svg.fonttype": "none"}), (tmp_path / "b.svg").open("wb") as file:
        plot.draw([tables(ratios)], machine, file, "svg")
    drawn = (tmp_path / "b.svg").read_text()
    for text in ("normal, float32, 2 threads", "A CPU", *(f"{name} fill" for name in ratios)):
        assert text in drawn
    shown = re.findall(r">([\d.,]+)</text>", drawn)
    assert {"1.0", "1.5", "12.3" if "numpy" in ratios else "431"} <= set(shown)
    assert ("logarithmic" in drawn) == (max(ratios.values()) > plot.LOGARITHMIC)


def test_a_picture_of_nothing(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    empty = tables({"store": math.inf})
    empty.rows["store"].skipped = "died"
    with (tmp_path / "b.png").open("wb") as file:
        plot.draw([empty], {"cpu": "A CPU", "logical_cpus": 2}, file, "png")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")
