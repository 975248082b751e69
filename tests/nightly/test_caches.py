"""The code cache damaged, taken away, full, read-only, beside older files, shared by two sorts of CPU: right values."""

import hashlib
import os
import resource
import shutil
import subprocess
import sys

import pytest

import fastinit as fi
from tests.processes.scripts import environment, python
from tests.processes.test_cache import package, read_only_prefix  # noqa: F401
from tests.repeats import times

pytestmark = pytest.mark.nightly

FORGET = """
from fastinit import dispatch
from fastinit.kernels import cache, rows
def forget():
    rows.entry.cache_clear(), rows.loop.cache_clear(), dispatch.compiled.cache_clear(), cache.COMPILED.clear()
"""

DAMAGE = f"""{FORGET}
import os, random, sys
from pathlib import Path
import fastinit as fi

folder, repeats = Path(os.environ["NUMBA_CACHE_DIR"]), int(sys.argv[1])
random.seed(repeats)
DAMAGES = {{
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
    "digest alone": lambda data: data[:32],
    "digest of nothing": lambda data: __import__("hashlib").sha256(b"").digest(),
}}
def hole(data, fill):
    size = min(4096, len(data) // 3)
    at = random.randrange(len(data) - size)
    return data[:at] + fill(size) + data[at + size :]
def bit(data):
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]

def values():
    forget()
    return fi.default_rng(1).bits(999).tobytes(), set(cache.COMPILED)

expected, compiled = values()
assert compiled == {{"loop", "bits-uint32"}} and values() == (expected, set())
done = 0
for _ in range(repeats):
    for name, damage in DAMAGES.items():
        for kind in ("loop", "bits-uint32") if repeats > 1 or name in ("cut", "bit") else ("bits-uint32",):
            (path,) = folder.rglob(f"{{kind}}.*")
            path.write_bytes(damage(path.read_bytes()))
            print(name, kind, flush=True)
            assert values() == (expected, {{kind}}), (name, kind)       # compiled again
            assert values() == (expected, set()), (name, kind)        # the damaged file has been replaced
            done += 1
print(done)
"""


def test_any_damage(tmp_path):
    """Thirteen sorts, to a row and to the loop: never an error, a crash or another value."""
    printed = python(DAMAGE, times(1, 30), env=environment(NUMBA_CACHE_DIR=str(tmp_path)), timeout=3000)
    assert int(printed.split()[-1]) >= 15


TAKEN = f"""{FORGET}
import os, shutil
import fastinit as fi
folder = os.environ["NUMBA_CACHE_DIR"]
first = fi.default_rng(1).bits(99).tobytes()
shutil.rmtree(folder)
assert fi.default_rng(1).bits(99).tobytes() == first
forget()
assert fi.default_rng(1).bits(99).tobytes() == first            # compiled again, and the folder made
assert len(os.listdir(folder + "/fastinit")) == len(cache.COMPILED) == 2
shutil.rmtree(folder)
with open(folder, "w"): pass                                    # a file where the folder should be
forget()
assert fi.default_rng(1).bits(99).tobytes() == first
assert len(cache.COMPILED) == 2
print("done")
"""


def test_the_folder_is_taken_away(tmp_path):
    assert python(TAKEN, env=environment(NUMBA_CACHE_DIR=str(tmp_path / "cache"))) == "done\n"


VALUES = """
import hashlib
import fastinit as fi
from fastinit.kernels import cache
values = fi.default_rng(5).bits(500).tobytes()
print(len(cache.COMPILED), hashlib.sha256(values).hexdigest())
"""
ALL = 2  # the loop and a row


def expected():
    """The hash that is right, by this process."""
    return hashlib.sha256(fi.default_rng(5).bits(500).tobytes()).hexdigest()


def values(**more):
    """How much was compiled, and a hash of the values."""
    compiled, found = python(VALUES, env=environment(**more)).split()
    return int(compiled), found


def test_no_room_for_it(tmp_path):
    """A limit on the size of files stands for a full disk: the write fails midway, of the loop and of the row."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))\n"
    narrow = {"NUMBA_CACHE_DIR": str(tmp_path / "narrow")}
    for _ in range(2):
        found = python(limit + VALUES, env=environment(**narrow)).split()
        assert found == [str(ALL), expected()]
    assert not [path for path in (tmp_path / "narrow").rglob("*") if path.is_file()]  # what was begun is taken away
    assert values(**narrow) == (ALL, expected())
    assert values(**narrow) == (0, expected())
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 3_000


def test_files_of_other_states_are_left_alone(tmp_path):
    """Numba's files of an older fastinit, code of another state of the sources, and what a killed process had begun."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert values(**cache) == (ALL, expected())
    (row,) = tmp_path.rglob("bits-uint32.*")
    others = [
        row.with_name("bits-uint32.0123456789abcdef.fastinit"),
        row.with_name("rows.bits-uint32.nbi"),
        row.with_name("bits-uint32.x.tmp"),
    ]
    for other in others:
        other.write_bytes(b"other")
    assert values(**cache) == (0, expected())
    row.unlink()
    assert values(**cache) == (1, expected())
    assert [other.read_bytes() for other in others] == [b"other"] * 3


PLAINEST = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}


def state(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.fastinit")}


def test_two_sorts_of_cpu_share_no_file(tmp_path):
    """Else one would run instructions that it lacks."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert values(**cache) == (ALL, expected())
    host = state(tmp_path)
    assert values(**cache, **PLAINEST) == (ALL, expected())
    both = state(tmp_path)
    assert host.items() <= both.items()
    assert len(both) == 2 * len(host)
    assert values(**cache) == values(**cache, **PLAINEST) == (0, expected())
    assert state(tmp_path) == both


def test_two_sorts_of_cpu_start_cold_together(tmp_path):
    env = [environment(NUMBA_CACHE_DIR=str(tmp_path / "shared"), **(PLAINEST if i % 2 else {})) for i in range(times(4, 16))]
    command = [sys.executable, "-c", VALUES]
    together = [subprocess.Popen(command, env=e, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for e in env]
    for process in together:
        out, err = process.communicate(timeout=1200)
        assert process.returncode == 0, err
        assert out.split()[1] == expected()
    for more in ({}, PLAINEST):
        assert values(NUMBA_CACHE_DIR=str(tmp_path / "shared"), **more) == (0, expected())


@pytest.mark.parametrize("home", ["locked", "writable"])
def test_read_only_packages(package, tmp_path, home):  # noqa: F811
    """Installed where nobody may write, with no directory named for the cache: a home that can be written serves, if any."""
    for path in list(package.rglob("__pycache__")):
        shutil.rmtree(path)
    where = tmp_path / "home"
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
    assert found == [[str(ALL), expected()], ["0" if home == "writable" else str(ALL), expected()]]
    assert not list(package.rglob("*.fastinit"))
    assert len(list(where.rglob("*.fastinit"))) == (ALL if home == "writable" else 0)
