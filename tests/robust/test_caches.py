"""The compile cache damaged, taken away, full, read-only, older than the package, shared by two sorts of CPU: right values."""

import os
import resource
import shutil
import subprocess
import sys

import pytest

from tests.robust.common import environment, python, times
from tests.test_cache import package, read_only_prefix  # noqa: F401

DAMAGE = """
import os, random, sys, warnings
from pathlib import Path
import fastinit as fi
from fastinit import dispatch
from fastinit.kernels import rows

folder, repeats = Path(os.environ["NUMBA_CACHE_DIR"]), int(sys.argv[1])
ROW = ("bits", "uint32", False)
random.seed(repeats)
whole = lambda data: len(data)
DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "cut": lambda data: data[: random.randrange(len(data))],
    "one byte less": lambda data: data[:-1],
    "garbage": lambda data: random.randbytes(len(data)),
    "zeros": lambda data: bytes(len(data)),
    "text": lambda data: b"no such thing\\n" * 9,
    "hole": lambda data: hole(data, bytes),
    "garbage in a hole": lambda data: hole(data, random.randbytes),
    "bit": lambda data: bit(data),
    "longer": lambda data: data + b"x" * 100,
}
def hole(data, fill):
    size = min(4096, len(data) // 3)
    at = random.randrange(len(data) - size)
    return data[:at] + fill(size) + data[at + size :]
def bit(data):
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]

def values():
    rows.kernel.cache_clear(), dispatch.kernel.cache_clear()
    return fi.default_rng(1).bits(999).tobytes(), bool(rows.kernel(*ROW).stats.cache_hits)

expected, _ = values()
assert values() == (expected, True)
done = mended = 0
for _ in range(repeats):
    for name, damage in DAMAGES.items():
        for suffix in ("nbc", "nbi") if repeats > 1 or name in ("empty", "cut", "garbage") else ("nbc",):
            for path in folder.rglob(f"*.{suffix}"):
                if data := path.read_bytes():  # else of a function that a damaged index no longer names, emptied before
                    path.write_bytes(damage(data))
            print(name, suffix, flush=True)
            found, _ = values()
            assert found == expected, (name, suffix)
            found, hit = values()
            assert found == expected and hit, (name, suffix)         # the damaged file has been replaced
            done += 1
print(done)
"""


def test_any_damage(tmp_path):
    """Eleven sorts, to the code and to the index: never an error, a crash or another value."""
    printed = python(DAMAGE, times(1, 30), env=environment(NUMBA_CACHE_DIR=str(tmp_path)), timeout=3000)
    assert int(printed.split()[-1]) >= 14


TAKEN = """
import os, shutil
import fastinit as fi
from fastinit import dispatch
from fastinit.kernels import rows
folder = os.environ["NUMBA_CACHE_DIR"]
first = fi.default_rng(1).bits(99).tobytes()
shutil.rmtree(folder)
assert fi.default_rng(1).bits(99).tobytes() == first
rows.kernel.cache_clear(), dispatch.kernel.cache_clear()
assert fi.default_rng(1).bits(99).tobytes() == first            # compiled again, and the folder made
assert os.listdir(folder)
shutil.rmtree(folder)
with open(folder, "w"): pass                                    # a file where the folder should be
rows.kernel.cache_clear(), dispatch.kernel.cache_clear()
assert fi.default_rng(1).bits(99).tobytes() == first
print("done")
"""


def test_the_folder_is_taken_away(tmp_path):
    assert python(TAKEN, env=environment(NUMBA_CACHE_DIR=str(tmp_path / "cache"))) == "done\n"


VALUES = """
import hashlib
import fastinit as fi
from fastinit.kernels.rows import kernel
values = fi.default_rng(5).bits(500).tobytes()
hits = len(kernel("bits", "uint32", False).stats.cache_hits)
print(hits, hashlib.sha256(values).hexdigest())
"""


def values(**more):
    hits, found = python(VALUES, env=environment(**more)).split()
    return int(hits), found


def test_no_room_for_it(tmp_path):
    """A limit on the size of files stands for a full disk: the write fails midway."""
    _, expected = values(NUMBA_CACHE_DIR=str(tmp_path / "ample"))
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    for _ in range(2):
        found = python(limit + VALUES, env=environment(NUMBA_CACHE_DIR=str(tmp_path / "narrow"))).split()
        assert found == ["0", expected]
    assert all(path.stat().st_size <= 20_000 for path in (tmp_path / "narrow").rglob("*") if path.is_file())
    assert values(NUMBA_CACHE_DIR=str(tmp_path / "narrow")) == (0, expected)
    assert values(NUMBA_CACHE_DIR=str(tmp_path / "narrow")) == (1, expected)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20_000


PLAIN = "from fastinit.kernels import rows; from numba.core.caching import IndexDataCacheFile as P; rows._CheckedFile = P\n"


def test_files_of_an_older_format(tmp_path):
    """As Numba writes them, without the digest: they are replaced."""
    env = environment(NUMBA_CACHE_DIR=str(tmp_path))
    _, expected = python(PLAIN + VALUES, env=env).split()
    assert python(PLAIN + VALUES, env=env).split() == ["1", expected]
    assert values(NUMBA_CACHE_DIR=str(tmp_path)) == (0, expected)
    assert values(NUMBA_CACHE_DIR=str(tmp_path)) == (1, expected)


PLAINEST = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}


def state(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.nb?")}


def test_two_sorts_of_cpu_share_no_file(tmp_path):
    """Else two that start at once could each store what the other's index names, and run instructions that they lack."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    _, expected = values(**cache)
    host = state(tmp_path)
    assert values(**cache, **PLAINEST) == (0, expected)
    both = state(tmp_path)
    assert host.items() <= both.items()
    assert len(both) == 2 * len(host)
    assert values(**cache) == values(**cache, **PLAINEST) == (1, expected)
    assert state(tmp_path) == both


def test_two_sorts_of_cpu_start_cold_together(tmp_path):
    _, expected = values(NUMBA_CACHE_DIR=str(tmp_path / "alone"))
    env = [environment(NUMBA_CACHE_DIR=str(tmp_path / "shared"), **(PLAINEST if i % 2 else {})) for i in range(times(4, 16))]
    command = [sys.executable, "-c", VALUES]
    together = [subprocess.Popen(command, env=e, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for e in env]
    for process in together:
        out, err = process.communicate(timeout=1200)
        assert process.returncode == 0, err
        assert out.split()[1] == expected
    for more in ({}, PLAINEST):
        assert values(NUMBA_CACHE_DIR=str(tmp_path / "shared"), **more) == (1, expected)


@pytest.mark.parametrize("home", ["locked", "absent", "writable"])
def test_read_only_packages(package, tmp_path, home):  # noqa: F811
    """Installed where nobody may write, with no directory named for the cache: a home that can be written serves, if any."""
    _, expected = values(NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    for path in list(package.rglob("__pycache__")):
        shutil.rmtree(path)
    where = tmp_path / "home"
    if home != "absent":
        where.mkdir(mode=0o555 if home == "locked" else 0o755)
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    env = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    env |= {"HOME": str(where), "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    tmp_path.chmod(0o555)
    try:
        found = [python(VALUES, env=env, cwd=package, prefix=read_only_prefix()).split() for _ in range(2)]
    finally:
        for folder in (*folders, tmp_path):
            folder.chmod(0o755)
    assert found == [["0", expected], ["1" if home == "writable" else "0", expected]]
    assert not list(package.rglob("*.nbi"))
    assert bool(list(where.rglob("*.nbi"))) == (home == "writable")
