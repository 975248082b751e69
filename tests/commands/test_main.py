"""`fastinit` itself: the list of commands, help, version, misspelled commands, and what is imported."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import fastinit
from fastinit.commands.main import COMMANDS
from tests.commands.running import COMMAND, call, environment, run

FILL = "fill x.npy --shape 3 --dist normal"


def test_the_list_of_commands(capsys):
    status, out, err = call(capsys)
    assert (status, err) == (0, "")
    assert re.findall(r"^ {4}(\w+)", out, re.MULTILINE) == list(COMMANDS)
    assert call(capsys, "help") == call(capsys, "--help") == (0, out, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(capsys, monkeypatch, command):
    for columns, width in ((80, 80), (200, 80), (50, 50)):
        monkeypatch.setenv("COLUMNS", str(columns))
        status, out, _ = call(capsys, "help", command)
        assert status == 0
        assert out.startswith(f"usage: fastinit {command} ")
        lines = [line for line in out.splitlines() if not line.startswith("  fastinit ")]  # examples keep their form
        assert max(map(len, lines)) <= width or columns == 50
        assert max(map(len, out.splitlines())) <= 80
        assert "docs/" not in out
        assert "``" not in out
    assert call(capsys, command, "--help")[0] == 0


def test_misspelled_commands(capsys):
    status, out, err = call(capsys, "fil", "x.npy")
    assert (status, out) == (2, "")
    assert err == "fastinit: error: there is no command 'fil'; did you mean fill?\ntry: fastinit --help\n"
    assert call(capsys, "help", "xyz")[2].startswith("fastinit: error: there is no command 'xyz'\n")


def test_a_reader_that_leaves():
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([*COMMAND, "info"], stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment())
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("closed", "arguments"), [(1, "info"), (1, "--version"), (1, FILL), (1, "warmup --dtype uint32"), (2, FILL)]
)
def test_a_process_without_a_standard_stream(tmp_path, closed, arguments):
    """It has none if the parent has closed it, as `>&-` does in a shell; the file that is written must not take its place."""
    script = "import os, sys; os.close(int(sys.argv[1])); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
    done = run(str(closed), "-m", "fastinit", *arguments.split(), command=(sys.executable, "-c", script), cwd=tmp_path)
    assert done.returncode == 0
    assert (done.stdout, done.stderr)[closed - 1] == ""
    assert "Traceback" not in done.stderr
    assert [np.load(path).shape for path in tmp_path.iterdir()] == ([(3,)] if "fill" in arguments else [])


def test_version(capsys):
    version = f"fastinit {fastinit.__version__} (stream version {fastinit.STREAM_VERSION})\n"
    assert call(capsys, "--version") == (0, version, "")


def test_the_library_imports_nothing_of_the_command_line():
    script = (
        "import sys, fastinit; print([name for name in ('fastinit.commands', 'fastinit.files', 'tqdm') if name in sys.modules])"
    )
    assert run(script, command=(sys.executable, "-c")).stdout == "[]\n"
