"""`fastinit bench` as a person runs it: its arguments and its output."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastinit
from fastinit.bench import plot, results
from fastinit.bench.measure import DTYPES
from fastinit.bench.samplers import TITLES
from fastinit.commands import bench as command
from fastinit.commands.main import main
from fastinit.peers.interface import LAWS, MORE
from tests.bench.test_yardsticks import machine_of

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


def run(*arguments, env=None, cwd=None):
    env = env or {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, env=env)


STAND_IN_RUN = ("--dist", "uniform", "--dtype", "float64", "--size", 1000, "--rounds", 2, "--peers", STANDS_IN)


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """What a small run prints, and the JSON that it writes."""
    path = tmp_path_factory.mktemp("bench") / "b.json"
    done = run("--size", "1Ki", "--rounds", 3, "--peers", "numpy,scipy", "--dist", "normal,truncated_normal", "--json", path)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, json.loads(path.read_text())


def per_value(row):
    return [each / row["values"] for each in row["seconds"]]


def test_the_table_shows_the_samples(document):
    printed, written = document
    assert (written["program"], written["schema"]) == (results.PROGRAM, results.SCHEMA)
    first, second = written["tables"]
    assert [row["library"] for row in first["rows"]] == ["store", "nontemporal", "fastinit", "numpy", "scipy"]
    assert (first["dist"], second["dist"], first["bytes"], first["values"]) == ("normal", "truncated_normal", 4096, 1024)
    roof = next(row for row in first["rows"] if row["library"] == first["roof"])
    for row in first["rows"][:4]:
        assert row["skipped"] is None
        assert len(row["seconds"]) == len(row["cores"]) == len(row["hertz"]) == 3
        whole = [each * 1024 / row["values"] for each in row["seconds"]]
        assert row["median_seconds"] == statistics.median(whole) > 0
        assert row["nanoseconds_per_value"] == pytest.approx(row["median_seconds"] * 1e9 / 1024)
        cycles = [a * b * c / 1024 for a, b, c in zip(whole, row["cores"], row["hertz"], strict=True)]
        assert row["cycles_per_value"] == pytest.approx(statistics.median(cycles))
        assert row["percent_of_roof"] == pytest.approx(100 * min(per_value(roof)) / statistics.median(per_value(row)))
        assert row["bytes_per_second"] == pytest.approx(4096 / row["median_seconds"])
        ratios = [a / b for a, b in zip(per_value(row), per_value(first["rows"][0]), strict=True)]
        assert row["times_store"] == pytest.approx(statistics.median(ratios))
        (line,) = [line for line in printed.splitlines() if line.startswith(f"| {TITLES[row['library']]} ")][:1]
        shown = line.split("|")[2].replace(",", "").replace("k", "e3")
        assert float(shown) == pytest.approx(row["nanoseconds_per_value"], rel=0.006)
    assert [row["overhead_seconds"] is None for row in first["rows"][:4]] == [True, True, False, False]
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
    parts = ["\n".join(re.findall(r"^\| (`.*?) \|", part, re.M)) for part in section.split("| key")[1:]]
    keys = [set(re.findall(r"`(\w+)`", part)) for part in parts]
    assert keys[0] == set(written) - {"program", "schema"}
    assert keys[1] == set(written["machine"])
    assert keys[2] == set(written["tables"][0])
    assert keys[3] == set(written["tables"][0]["rows"][2])


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
    "--peers numpy,curand": "randompack, cupy, all, none; got 'curand'",
    "--size 0": "argument --size: must be a whole number, at least 1",
    "--size 2**62": "error: --size: a buffer for each of",
    "--size l4": "such as 65536, 2**20, 64Mi or 1e8; got 'l4'; or bytes such as 1MiB, or l2, l3, ram",
    "--size 0B": "or bytes such as 1MiB",
    "--compare a.json": "argument --compare: expected 2 arguments",
    "--compare a b --dist normal": "error: --compare: not with --dist",
    "--compare a b --rounds 3": "error: --compare: not with --rounds",
    "--rounds 0": "argument --rounds: must be a whole number, at least 1",
    "--rounds x": "argument --rounds: must be a whole number, at least 1",
    "--threads 1,0": "argument --threads: must be a whole number, at least 1",
    "--threads 1,some": "argument --threads: must be a whole number, at least 1",
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
    monkeypatch.setattr(plot, "need", lambda extra, user: None)
    try:
        status = main(["bench", *arguments.split()])
    except SystemExit as leaving:
        status = leaving.code
    printed = capsys.readouterr()
    assert status == (1 if "No such" in WRONG[arguments] else 2)
    assert printed.out == ""
    assert WRONG[arguments] in printed.err
    assert list(tmp_path.iterdir()) == []


def planned(monkeypatch, *arguments, found):
    """The jobs of a command line on a machine of 8 CPUs with these caches, and what is left out."""
    monkeypatch.setattr(command.cpus, "usual", lambda: 8)
    monkeypatch.setattr(command.caches, "found", lambda: found)
    parser = command.add(argparse.ArgumentParser().add_subparsers())
    plan = command.plan(parser.parse_args([*arguments, "--peers", "none"]))
    return [(job.place, job.threads) for job in plan.jobs if job.law == "normal"], plan.left_out


def test_sizes_that_no_cache_holds_are_left_out(monkeypatch):
    """All threads together have as many bytes of L2 as there are of L3, as on most large servers."""
    server = machine_of(2, 16, 8)
    jobs, left_out = planned(monkeypatch, "--size", "l2,l3,ram", "--threads", "all", found=server)
    pairs = [(place, threads) for threads in (1, 2, 4, 8) for place in ("l2", "l3", "ram")]
    assert jobs == [pair for pair in pairs if pair not in (("l3", 4), ("l3", 8))]
    assert [line.partition(" threads")[0].rpartition(" ")[2] for line in left_out] == ["4", "8"]
    assert all(line.startswith("--size l3: nothing fits the L3 (16 MiB)") for line in left_out)
    with pytest.raises(ValueError, match="nothing fits the L3"):
        planned(monkeypatch, "--size", "l3", "--threads", "8", found=server)


def test_what_is_left_out_is_said(monkeypatch, capsys):
    monkeypatch.setattr(command.caches, "found", lambda: machine_of(2, 0, 8))
    monkeypatch.setattr(command, "measure", lambda plan, show: [])
    assert main(["bench", "--size", "l3,1Ki", "--dist", "normal", "--peers", "none"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Left out: --size l3: this system describes no L3 cache; pass a size in bytes, such as 1MiB." in said


def test_a_plot_needs_matplotlib_before_anything_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(command, "run", lambda plan: pytest.fail("something was measured"))
    assert main(["bench", "--plot", str(tmp_path / "b.png")]) == 2
    message = "error: --plot needs matplotlib, which is not installed: pip install 'fastinit-kernels[plot]'"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert list(tmp_path.iterdir()) == []
