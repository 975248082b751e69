"""`fastinit stream`, as a process with a pipe: its words, its ends, and what it refuses."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastinit as fi
from fastinit.check import pit
from fastinit.commands import stream as stream_command
from fastinit.commands.main import main

REPOSITORY = Path(fi.__file__).parents[1]
COMMAND = (sys.executable, "-m", "fastinit", "stream")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture
def written(capsysbinary):
    """Standard output of the command in this process."""

    def call(*arguments):
        assert main(["stream", *map(str, arguments)]) == 0
        out, err = capsysbinary.readouterr()
        assert err == b""
        return out

    return call


@pytest.fixture
def words(written):
    return lambda *arguments: np.frombuffer(written(*arguments), "<u4")


def test_as_a_process():
    done = subprocess.run([*COMMAND, "--seed", "5", "--bytes", "1KiB"], capture_output=True, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == fi.default_rng(5).bits(256).astype("<u4").tobytes()


def test_the_words_of_a_seed(words):
    assert np.array_equal(words("--seed", 5, "--bytes", "4Ki"), fi.default_rng(5).bits(1024))


def test_more_than_a_block_of_a_child(words):
    size = stream_command.BLOCK + 12345
    expected = fi.default_rng(2**70).child("a").child("größe").bits(size)
    assert np.array_equal(words("--seed", 2**70, "--child", "a", "--child", "größe", "--bytes", 4 * size), expected)


def test_bytes_that_end_within_a_word(written):
    assert written("--bytes", "7") == fi.default_rng(0).bits(2).astype("<u4").tobytes()[:7]
    assert written("--bytes", "0") == b""


def streams_of(kind, count, size):
    root = fi.default_rng(3)
    if kind == "children":
        return [child.bits(size) for child in root.spawn(count)]
    if kind == "calls":
        return [root.bits(size) for _ in range(count)]
    return [fi.default_rng(3 + i).bits(size) for i in range(count)]


@pytest.mark.parametrize("kind", stream_command.KINDS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_interleaved(kind, count, tmp_path):
    """Word by word, over the end of a block."""
    rows = stream_command.BLOCK // count + 100
    plan = stream_command.Plan(stream_command.streams(3, None, count, kind), 4 * rows * count)
    with (tmp_path / "words").open("wb") as file:
        stream_command.write(plan, file)
    got = np.fromfile(tmp_path / "words", "<u4").reshape(rows, count)
    expected = [fi.default_rng(3).bits(rows)] if count == 1 else streams_of(kind, count, rows)
    for i, stream in enumerate(expected):
        assert np.array_equal(got[:, i], stream)


def test_interleaved_from_the_shell(words):
    got = words("--seed", 3, "--interleave", 3, "--of", "calls", "--bytes", 48).reshape(-1, 3)
    assert np.array_equal(got.T, streams_of("calls", 3, 4))


def test_more_streams_than_words_in_a_block(monkeypatch, tmp_path):
    monkeypatch.setattr(stream_command, "BLOCK", 4)
    plan = stream_command.Plan(stream_command.streams(1, ["x"], 6, "children"), 96)
    with (tmp_path / "words").open("wb") as file:
        stream_command.write(plan, file)
    got = np.fromfile(tmp_path / "words", "<u4").reshape(4, 6)
    assert np.array_equal(got.T, [child.bits(4) for child in fi.default_rng(1).child("x").spawn(6)])


def test_a_closed_pipe_is_the_end():
    """The reader takes 100 bytes of an endless stream."""
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    assert len(process.stdout.read(100)) == 100
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


def test_a_terminal_is_refused():
    leader, follower = pty.openpty()
    try:
        done = subprocess.run(COMMAND, stdout=follower, stderr=subprocess.PIPE, env=ENVIRONMENT)
    finally:
        os.close(follower)
        os.close(leader)
    assert done.returncode == 2
    assert b"not a terminal" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "--bytes", "8Mi"], stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT)
    assert done.returncode == 1
    assert b"No space left" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--bytes", "-1"), "--bytes"),
        (("--bytes", "1e3x"), "number of bytes"),
        (("--interleave", "0"), "from 1 to 65536"),
        (("--interleave", "65537"), "from 1 to 65536"),
        (("--interleave", "two"), "from 1 to 65536"),
        (("--of", "words"), "must be one of children, calls, seeds"),
        (("--seed", "x"), "invalid int"),
    ],
)
def test_wrong_arguments(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["stream", *arguments])
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_negative_seed(capsys):
    assert main(["stream", "--seed=-1", "--bytes", "4"]) == 2
    assert "seed must hold non-negative integers" in capsys.readouterr().err


def test_a_child_that_is_no_text(capsys):
    assert main(["stream", "--child", "\udc80", "--bytes", "4"]) == 2
    assert "UTF-8" in capsys.readouterr().err


def test_values_of_a_law(written):
    got = np.frombuffer(written("--seed", 4, "--dist", "truncated_normal(-1, 2)", "--bytes", 400), "<f4")
    assert np.array_equal(got, fi.default_rng(4).truncated_normal(-1, 2, size=100))
    got = np.frombuffer(written("--seed", 4, "--dist", "integers(7)", "--dtype", "int8", "--bytes", 50), np.int8)
    assert np.array_equal(got, fi.default_rng(4).draw(fi.laws.integers(7), 50, dtype="int8"))


def test_values_of_interleaved_streams(written):
    got = np.frombuffer(written("--seed", 3, "--interleave", 3, "--dist", "normal", "--bytes", 48), "<f4").reshape(-1, 3)
    assert np.array_equal(got.T, [child.normal(size=4) for child in fi.default_rng(3).spawn(3)])


@pytest.mark.parametrize(("dtype", "word"), [("float32", "<u2"), ("float64", "<u4")])
def test_words_of_values(written, dtype, word):
    law = fi.laws.normal()
    got = np.frombuffer(written("--seed", 2, "--dist", "normal", "--dtype", dtype, "--pit", "--bytes", 4000), word)
    values = fi.default_rng(2).normal(size=stream_command.BLOCK, dtype=dtype)
    assert np.array_equal(got, pit.words(law, dtype, 2)(values)[: len(got)])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--pit",), "--pit: only with --dist"),
        (("--dtype", "float64"), "--dtype: only with --dist"),
        (("--dist", "bernoulli", "--dtype", "float32", "--pit"), "continuous"),
        (("--dist", "normal", "--dtype", "int8"), "dtype must be one of"),
    ],
)
def test_laws_that_cannot_be_streamed(arguments, complaint, capsys):
    assert main(["stream", "--bytes", "8", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_law_that_is_none(capsys):
    with pytest.raises(SystemExit):
        main(["stream", "--dist", "nromal"])
    assert "did you mean normal?" in capsys.readouterr().err
