"""`fastinit bench` with peers that raise, die, hang or cannot be imported, and how it stops."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fastinit.bench import session, table
from fastinit.bench.measure import Job
from tests.bench.test_command import COMMAND, STAND_IN_RUN, STANDS_IN, library, run


def paragraphs(printed):
    """The lines of a text, without the breaks inside an item of a list."""
    return re.sub(r"\n  +", " ", printed).splitlines()


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
@pytest.mark.parametrize("body", BROKEN)
def test_a_peer_that_fails_is_a_line(tmp_path, monkeypatch, capfd, body):
    library(tmp_path, body)
    monkeypatch.syspath_prepend(tmp_path)  # of its worker too
    result = session.measure(Job("uniform", 1000, "float64", "touched", 1), [STANDS_IN], 2, 100.0)
    lines = paragraphs(table.text(result))
    rows, notes = ([line for line in lines if line.startswith(start)] for start in ("| mkl_random ", "- mkl_random "))
    if BROKEN[body] is None:
        assert (len(rows), len(notes)) == (1, 1)
        assert notes[0].startswith("- mkl_random random_sample: allocates")
    else:
        assert (rows, notes) == ([], [f"- mkl_random random_sample: skipped: {BROKEN[body]}"])
    assert capfd.readouterr() == ("", "")  # what it prints goes elsewhere


@pytest.mark.nightly
def test_the_others_are_measured_all_the_same(tmp_path):
    done = run(*STAND_IN_RUN, env=library(tmp_path, "if calls > 2: raise ValueError('late')\nreturn np.ones(n)"))
    assert (done.returncode, done.stderr) == (0, "")
    lines = paragraphs(done.stdout)
    assert sum(line.startswith("| fastinit ") for line in lines) == 1
    assert [line for line in lines if "skipped" in line] == ["- mkl_random random_sample: skipped: ValueError: late"]


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
def test_a_killed_run_leaves_no_files(tmp_path):
    """The workers see that it has gone, and remove what they printed."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = library(tmp_path, "time.sleep(0.1)\nreturn np.ones(n)") | {"TMPDIR": str(scratch)}
    child = subprocess.Popen([*COMMAND, *map(str, STAND_IN_RUN)], env=env, stdout=-1, stderr=-1)
    deadline = time.monotonic() + 100
    while not (tmp_path / "pid").exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert list(scratch.glob("fastinit-bench-*"))
    child.kill()
    child.communicate(timeout=100)
    while left := list(scratch.glob("fastinit-bench-*")):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


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
