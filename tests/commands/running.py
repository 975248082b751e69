"""The command line in this process, or as one of its own where signals, terminals, pipes or limits matter."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import fastinit
from fastinit.commands.main import main

REPOSITORY = Path(fastinit.__file__).parents[1]
COMMAND = (sys.executable, "-m", "fastinit")
#: 256 MiB of a slow law. One thread is stopped long before it has filled them.
BIG = ("--shape", "8192,4096", "--dist", "gumbel", "--dtype", "float64", "--seed", "0")


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **more}


def run(*arguments, command=COMMAND, cwd=None, **more):
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, env=environment(**more))


def call(capsys, *arguments):
    """Status, stdout and stderr of the command line in this process."""
    try:
        status = main(list(map(str, arguments)))
    except SystemExit as leaving:
        status = leaving.code
    return (status, *capsys.readouterr())


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@contextlib.contextmanager
def filling(directory, arguments=("x.npy", *BIG)):
    """A process that has just begun to write its file, with the signals of a shell's foreground."""
    script = (
        "import os, signal, sys; [signal.signal(n, signal.SIG_DFL) for n in (1, 2, 15)];"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", script, "-m", "fastinit", "fill", *arguments]
    env = environment(NUMBA_NUM_THREADS="1")
    child = subprocess.Popen(command, cwd=directory, env=env, stdout=-1, stderr=-1, text=True)
    try:
        deadline = time.monotonic() + 100
        while not any(name.endswith(".part") for name in names(directory)):
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        yield child
    finally:
        child.kill()
        child.communicate()


def on_a_terminal(*arguments, command=COMMAND, cwd):
    """Status, stdout, and what stderr shows on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))  # a new terminal has no columns
    child = subprocess.Popen([*command, *arguments], cwd=cwd, env=environment(), stdout=-1, stderr=theirs, text=True)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal reads as an I/O error on Linux
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    out, _ = child.communicate()
    return child.returncode, out, shown.decode()
