"""The disk full, the file or its folder gone, permission lost, while `fastinit fill` writes: an error, and no file of the name.

A full disk that is found before, and a limit on the size of files, are in `test_fill_ends.py` and `test_files.py`.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

import fastinit as fi
from tests.commands.running import names
from tests.processes.scripts import environment
from tests.processes.test_cache import read_only_prefix

pytestmark = pytest.mark.nightly

SHAPE = ("--shape", "262144", "--dist", "normal", "--seed", "0")
SMALL = ("--shape", "1000", "--dist", "normal", "--seed", "0")


STOPPED = """
import os, signal, sys
from fastinit.commands import main as cli
real = os.posix_fallocate
def then_stop(*arguments):
    real(*arguments)
    os.kill(os.getpid(), signal.SIGSTOP)
os.posix_fallocate = then_stop
sys.exit(cli.main(sys.argv[1:]))
"""


@contextlib.contextmanager
def filling(directory, *options, prefix=(), shape=SHAPE):
    """A process that has taken its space in `directory` and stopped: the block's end, or SIGCONT, lets it go on."""
    command = [*prefix, sys.executable, "-c", STOPPED, "fill", str(directory / "x.npy"), *shape, *options]
    child = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), child.communicate()
        assert any(name.endswith(".part") for name in names(directory))
        yield child
    finally:
        child.send_signal(signal.SIGCONT)
        child.kill()
        child.communicate()


def one_error(child, *words):
    child.send_signal(signal.SIGCONT)
    out, err = child.communicate(timeout=1000)
    assert (child.returncode, out) == (1, ""), err
    assert err.startswith("fastinit: error: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_the_temporary_file_is_removed(tmp_path):
    with filling(tmp_path) as child:
        for path in tmp_path.iterdir():
            path.unlink()
        one_error(child, "No such file or directory")
    assert names(tmp_path) == []


def test_the_folder_is_removed(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with filling(folder) as child:
        shutil.rmtree(folder)
        one_error(child, "No such ")
    assert names(tmp_path) == []


def test_the_folder_is_renamed(tmp_path):
    """The name that was asked for is not there; the temporary file, whose place is not known any more, is left."""
    (tmp_path / "folder").mkdir()
    with filling(tmp_path / "folder") as child:
        (tmp_path / "folder").rename(tmp_path / "other")
        one_error(child, "No such ")
    assert names(tmp_path) == ["other"]
    assert "x.npy" not in names(tmp_path / "other")


@pytest.mark.parametrize("there", [False, True], ids=["new", "over another"])
def test_permission_is_lost(tmp_path, there):
    """The folder may not be written any more: what was under the name stays, or nothing appears."""
    folder = tmp_path / "folder"
    folder.mkdir()
    if there:
        (folder / "x.npy").write_bytes(b"theirs")
    try:
        with filling(folder, *(["--force"] if there else []), prefix=read_only_prefix()) as child:
            folder.chmod(0o555)
            one_error(child, "Permission denied")
    finally:
        folder.chmod(0o755)
    final = [name for name in names(folder) if not name.endswith(".part")]  # the temporary file cannot be removed either
    assert final == (["x.npy"] if there else [])
    if there:
        assert (folder / "x.npy").read_bytes() == b"theirs"


def test_a_folder_takes_the_name(tmp_path):
    with filling(tmp_path, "--force") as child:
        (tmp_path / "x.npy").mkdir()
        one_error(child, "x.npy")
    assert names(tmp_path) == ["x.npy"]
    assert names(tmp_path / "x.npy") == []


def test_another_process_fills_the_disk(small_disk):
    """The space was taken before: the fill ends well."""
    with filling(small_disk) as child:
        with contextlib.suppress(OSError), (small_disk / "other").open("wb") as other:
            while True:
                other.write(bytes(1 << 16))
        child.send_signal(signal.SIGCONT)
        out, err = child.communicate(timeout=1000)
    assert (child.returncode, err) == (0, "")
    assert "x.npy" in out
    assert np.load(small_disk / "x.npy").tobytes() == fi.default_rng(0).normal(size=262144).tobytes()


def run(*arguments, **options):
    command = [sys.executable, "-m", "fastinit", *map(str, arguments)]
    return subprocess.run(command, env=environment(), stderr=subprocess.PIPE, text=True, timeout=100, **options)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")  # noqa: PTH110
def test_dev_full(tmp_path):
    device = tmp_path / "full.npy"
    device.symlink_to("/dev/full")
    done = run("fill", device, *SMALL, "--force", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"fastinit: error: {device}: Not a regular file\n"
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run("fill", tmp_path / "x.npy", *SMALL, stdout=full)  # the file is whole; what cannot be said is the report
    assert (done.returncode, done.stderr) == (1, "fastinit: error: [Errno 28] No space left on device\n")
    assert np.load(tmp_path / "x.npy").tobytes() == fi.default_rng(0).normal(size=1000).tobytes()


def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o555)
    try:
        command = [*read_only_prefix(), sys.executable, "-m", "fastinit", "fill", str(tmp_path / "x.npy"), *SMALL]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=1000)
    finally:
        tmp_path.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Permission denied" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(tmp_path) == []


def test_a_truncated_temporary_file_never_gets_the_name(tmp_path):
    """Whoever cuts off a mapped file kills the process that writes it (SIGBUS), or finds the write refused."""
    with filling(tmp_path) as child:
        for path in tmp_path.iterdir():
            os.truncate(path, 4096)
        child.send_signal(signal.SIGCONT)
        child.communicate(timeout=1000)
    assert child.returncode in (1, -signal.SIGBUS)
    assert "x.npy" not in names(tmp_path)
