"""`fastinit warmup`: which kernels it compiles, and what it leaves when it cannot or must stop."""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from fastinit.commands import warmup
from fastinit.kernels import cache, rows
from tests.commands.running import REPOSITORY, call, environment, on_a_terminal, run


@pytest.mark.nightly
def test_warmup_serves_the_next_process(tmp_path):
    more = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": "3"}
    first, second = (run("warmup", "--dtype", "float64", **more) for _ in range(2))
    count = 6  # the loop, and uniform, its bounded form, normal, and two truncated normals: enough for two processes
    assert first.stderr == f"compiling {count} kernels, 2 at a time, into {tmp_path}/fastinit\n"
    assert second.stderr == ""
    assert first.stdout.startswith(f"kernels={count} compiled={count} cached=0 seconds=")
    assert second.stdout.startswith(f"kernels={count} compiled=0 cached={count} seconds=")
    for done in (first, second):
        assert done.returncode == 0
        assert f" cache={tmp_path}" in done.stdout
    sizes = [path.stat().st_size for path in tmp_path.rglob("*.fastinit")]
    report = json.loads(run("info", "--json", **more).stdout)
    assert report["cached"] == {"kernels": count, "bytes": sum(sizes)}


def kernels(*arguments):
    """The kernels that a run would have in the cache at its end."""
    parser = warmup.add(argparse.ArgumentParser().add_subparsers())
    return sorted(warmup.plan(parser.parse_args(arguments)).kernels)


def test_warmup_compiles_the_weights_kernels_by_default():
    usual = kernels()
    assert len(usual) == 34
    assert {name.rpartition("-")[0] for name in usual} == {
        *("", "bits", "uniform", "uniform_within", "normal", "normal_within"),
        *("truncated_symmetric", "truncated_central", "truncated_tails"),
    }
    assert set(usual) < set(kernels("--dist", "all")) < set(kernels("--dist", "all", "--add"))
    assert {name for name in kernels("--dist", "all") if name != "loop"} == {f"{law}-{dtype}" for law, dtype in rows.ROWS}


def test_warmup_of_other_laws():
    assert kernels("--dist", "laplace,integers", "--dtype", "float32,int8") == ["integers-int8", "laplace-float32", "loop"]
    assert kernels("--dist", "uniform", "--dtype", "bfloat16", "--add") == [
        "loop", "uniform-bfloat16-add", "uniform_within-bfloat16", "uniform_within-bfloat16-add",
    ]  # fmt: skip
    assert kernels("--law", "uniform(2, 2)") == ["loop"]  # a constant needs none
    (_, own) = kernels("--law", "tests.laws.own:triangular", "--dtype", "float16")
    assert (
        re.fullmatch(r"triangular-float16\.[0-9a-f]{16}", own)[0]
        == kernels("--law", "tests.laws.own:triangular(width=3)", "--dtype", "float16")[-1]
    )


@pytest.mark.nightly
def test_warmup_keeps_what_a_process_draws(tmp_path):
    """Whatever a law needs, its values and those that are added: nothing is left to compile."""
    more = {"NUMBA_CACHE_DIR": str(tmp_path)}
    laws = ("--dist", "uniform,rademacher", "--law", "tests.laws.own:triangular", "--add")
    done = run("warmup", *laws, "--dtype", "float32,float16,int8", cwd=REPOSITORY, **more)
    assert (done.returncode, done.stdout.split()[0]) == (0, "kernels=17"), done.stderr
    script = """
import numpy as np, fastinit as fi
from fastinit.kernels import cache
from tests.laws.own import triangular
rng = fi.default_rng(0)
for law in (fi.laws.uniform(-1, 1), fi.laws.rademacher(), triangular(width=5)):
    for dtype in ("float32", "float16"):
        out = rng.draw(law, size=1000, dtype=dtype)
        rng.draw(law, out=out, add=True)
rng.draw(fi.laws.rademacher(), size=10, dtype="int8")
print(cache.COMPILED)
"""
    assert run(script, command=(sys.executable, "-c"), cwd=REPOSITORY, **more).stdout == "set()\n"


@pytest.mark.nightly
def test_warmup_shows_names_on_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    status, out, shown = on_a_terminal("warmup", "--dtype", "uint32,float16", cwd=tmp_path)
    assert status == 0
    assert "normal-float16:" in shown
    assert "compiling" not in shown
    assert out.startswith("kernels=")


def test_warmup_without_a_cache_compiles_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "file" / "cache"]))
    monkeypatch.setattr(warmup, "_compile", None)
    (tmp_path / "file").touch()
    status, out, err = call(capsys, "warmup")
    assert (status, out) == (1, "")
    assert err == (
        "fastinit: error: no folder of the cache can be written, so no kernel would be kept: "
        f"{tmp_path}/file/cache; set NUMBA_CACHE_DIR\n"
    )


def processes_of(group):
    """Command lines of the processes of a group that run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
    return found


@pytest.mark.nightly
def test_warmup_on_a_full_disk(small_disk):
    (small_disk / "fastinit").mkdir()
    with (small_disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    done = run("warmup", "--dtype", "uint32", NUMBA_CACHE_DIR=str(small_disk))
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not be written to" in done.stderr


@pytest.mark.nightly
@pytest.mark.parametrize("moment", [0.05, 0.1, 0.2, "compiling"])
def test_warmup_stops_at_once(tmp_path, moment):
    """Ctrl-C goes to all processes of a terminal, but only the first one reports it."""
    script = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "os.execv(sys.executable, [sys.executable, '-m', 'fastinit', 'warmup'])"
    )
    more = environment(NUMBA_CACHE_DIR=str(tmp_path), NUMBA_NUM_THREADS="2")
    child = subprocess.Popen([sys.executable, "-c", script], env=more, stdout=-1, stderr=-1, text=True, start_new_session=True)
    assert child.stderr.readline().startswith("compiling")
    deadline = time.monotonic() + 100
    while moment == "compiling" and not list(tmp_path.rglob("*.fastinit")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0 if moment == "compiling" else moment)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=100)
    assert (child.returncode, out, err) == (130, "", "fastinit: stopped by SIGINT\n")
    deadline = time.monotonic() + 100
    while left := processes_of(child.pid):  # what tracks the semaphores ends when it sees that the others have
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
