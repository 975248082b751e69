"""`fastinit check` in a terminal of 80 columns, and in a pipe, as a person sees it."""

import os
import re
import struct
import subprocess
import sys

import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")
pytest.importorskip("tqdm", reason="bars need tqdm")
fcntl = pytest.importorskip("fcntl", reason="needs a system with terminals")
termios = pytest.importorskip("termios", reason="needs a system with terminals")

COLUMNS = 80
COMMAND = [sys.executable, "-m", "fastinit", "check", "--samples", "1e6", "--dtype", "float64"]
ARGUMENTS = ("--sampler", "numpy,randomgen", "--dist", "uniform")


def in_terminal(*arguments):
    """What a command writes to a terminal, and its exit status."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    done = subprocess.Popen([*COMMAND, *arguments], stdin=slave, stdout=slave, stderr=slave, env={**env, "TERM": "xterm"})
    os.close(slave)
    data = b""
    try:
        while part := os.read(master, 1 << 16):
            data += part
    except OSError:  # the last writer has closed it
        pass
    os.close(master)
    return data.decode(), done.wait()


def seen(text):
    """The lines that stay on the screen: a carriage return overwrites, colours take no place."""
    for line in re.sub(r"\033\[\d*m", "", text).replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        yield shown.rstrip()


@pytest.mark.nightly
def test_in_a_terminal():
    """A bar with the time that is left, which is gone before a table is printed; colours for verdicts."""
    text, status = in_terminal(*ARGUMENTS)
    assert status == 0
    assert re.search(r"uniform float64: +50%\|.*1\.00M/2\.00M \[\d\d:\d\d<\d\d:\d\d, .*value/s\]", text)
    assert "\033[32mGOOD\033[0m" in text
    lines = list(seen(text))
    assert max(map(len, lines)) <= COLUMNS
    assert not [line for line in lines if "value/s" in line]
    assert "NumPy, 1,000,000 values of each" in lines


@pytest.mark.nightly
def test_in_a_pipe():
    """Neither colours nor bars, nor anything else that a file should not have."""
    done = subprocess.run([*COMMAND, *ARGUMENTS], capture_output=True, text=True, env={**os.environ, "TERM": "xterm"})
    assert done.returncode == 0
    assert done.stderr == ""
    assert re.fullmatch(r"[\n\x20-\x7e]*", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= COLUMNS
