"""`fastinit fill` that is stopped or has no room, and what a terminal and a pipe show of it."""

import re
import signal
import sys
import time

import pytest

from fastinit.commands.main import main
from tests.commands.running import filling, names, on_a_terminal, run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("there", [False, True], ids=["new", "over another"])
def test_a_signal_leaves_nothing_behind(tmp_path, number, there):
    with filling(tmp_path) as child:
        if there:
            (tmp_path / "x.npy").write_bytes(b"theirs")
        child.send_signal(number)
        out, err = child.communicate(timeout=100)
    assert (child.returncode, out, err) == (128 + number, "", f"fastinit: stopped by {number.name}\n")
    assert names(tmp_path) == (["x.npy"] if there else [])


def test_an_impatient_user_leaves_nothing_behind(tmp_path):
    with filling(tmp_path) as child:
        for _ in range(20):
            child.send_signal(signal.SIGINT)
            time.sleep(0.005)
        assert child.communicate(timeout=100) == ("", "fastinit: stopped by SIGINT\n")
    assert child.returncode in (130, -signal.SIGINT)  # the latter if one came while Python was leaving
    assert names(tmp_path) == []


def test_a_killed_process_leaves_no_file_of_the_final_name(tmp_path):
    with filling(tmp_path) as child:
        child.kill()
        child.communicate(timeout=100)
    (left,) = names(tmp_path)
    assert re.fullmatch(r"\.x\.npy\.[0-9a-f]{16}\.part", left)
    (tmp_path / left).unlink()


def test_a_full_disk(small_disk):
    done = run("fill", "x.npy", "--shape", 2**21, "--dist", "normal", cwd=small_disk)
    free = 4 * 2**20
    assert (done.returncode, done.stdout) == (1, "")
    message = f"fastinit: error: x.npy: No space left on device: {2**23 + 128:,} bytes needed, {free:,} free\n"
    assert done.stderr == message
    assert names(small_disk) == []


def test_a_limit_on_the_size_of_files(tmp_path):
    script = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2**24, 2**24));"
        "os.execv(sys.executable, [sys.executable, '-m', 'fastinit', *sys.argv[1:]])"
    )
    command = (sys.executable, "-c", script)
    done = run("fill", "x.npy", "--shape", 2**22, "--dist", "normal", command=command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"fastinit: error: x.npy: File too large: {2**24 + 128:,} bytes needed")
    assert done.stderr.count("\n") == 1
    assert names(tmp_path) == []


def test_a_bar_on_a_terminal_only(tmp_path):
    arguments = ["fill", "x.npy", "--shape", "1000,1000", "--dist", "normal", "--force"]
    status, out, shown = on_a_terminal(*arguments, cwd=tmp_path)
    assert status == 0
    assert "0.00/4.00M" in shown
    assert "B/s]" in shown
    assert out.count("\n") == 1
    piped = run(*arguments, cwd=tmp_path)
    assert (piped.returncode, piped.stderr) == (0, "")


def test_without_tqdm_there_is_no_bar(tmp_path):
    script = "import sys; sys.modules['tqdm'] = None; from fastinit.commands.main import main; sys.exit(main())"
    arguments = ["fill", "x.npy", "--shape", "1000", "--dist", "normal"]
    status, out, shown = on_a_terminal(*arguments, command=(sys.executable, "-c", script), cwd=tmp_path)
    assert (status, shown) == (0, "")
    assert out.startswith("x.npy: shape=1000")


def test_names_that_would_break_the_line(tmp_path, capsys):
    assert main(["fill", str(tmp_path / "a b\n.npy"), "--shape", "3", "--dist", "normal", "--name", "x\ny"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert r"name='x\ny'" in out
    done = run("fill", "ü.npy", "--shape", 3, "--dist", "normal", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(r"\xfc.npy: shape=3")
