"""The compile cache: it hits in the next process, sees an edited source, and bears company and having no room."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastinit.kernels.rows import ROWS, cache_name

PACKAGE = Path(__file__).parents[1] / "fastinit"

SCRIPT = """
import hashlib, sys
import fastinit
from fastinit.kernels.rows import kernel

rows = [("uniform", "float32"), ("normal", "float32"), ("normal", "bfloat16")]
for row in rows[int(sys.argv[1]) :] + rows[: int(sys.argv[1])]:
    kernel(*row, False)
hits = sum(sum(kernel(*row, False).stats.cache_hits.values()) for row in rows)
rng = fastinit.default_rng(5)
values = rng.uniform(size=500).tobytes() + rng.normal(size=500).tobytes() + rng.normal(size=500, dtype="bfloat16").tobytes()
print(hits, hashlib.sha256(values).hexdigest())
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the package to edit, away from the one under test."""
    shutil.copytree(PACKAGE, tmp_path / "copy" / "fastinit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "copy"


def environment(package, cache):
    return {**os.environ, "PYTHONPATH": str(package), "NUMBA_CACHE_DIR": str(cache)}


def start(package, cache, first=0):
    command = [sys.executable, "-c", SCRIPT, str(first)]
    return subprocess.Popen(
        command, env=environment(package, cache), cwd=package, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    hits, digest = out.split()
    return int(hits), digest


def test_second_process_hits_and_edited_source_misses(package, tmp_path):
    cache = tmp_path / "cache"
    misses, first = finish(start(package, cache))
    hits, second = finish(start(package, cache))
    assert (misses, hits) == (0, 3)
    assert second == first
    # Numba itself watches rows.py only, where the kernels stand; the edit is in a file they call.
    philox = package / "fastinit" / "kernels" / "philox.py"
    source = philox.read_text()
    philox.write_text(source.replace("0x9E3779B9", "0x9E3779BB"))
    hits, edited = finish(start(package, cache))
    assert hits == 0
    assert edited != first
    philox.write_text(source)
    assert finish(start(package, cache)) == (3, first)


def test_eight_processes_start_cold_together(package, tmp_path):
    """They compile the three rows in three orders, so a mixed-up file would give another row's values."""
    cache = tmp_path / "cache"
    together = [start(package, cache, first=i % 3) for i in range(8)]
    digests = {finish(process)[1] for process in together}
    hits, after = finish(start(package, cache))
    assert digests == {after}
    assert hits == 3


def read_only_prefix():
    """What makes a command unable to write where permissions forbid it: nothing for a user, fewer rights for root."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root can write anywhere, and setpriv (util-linux) is not there to take that right away")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override")


def test_no_directory_is_writable(package, tmp_path):
    expected = finish(start(package, tmp_path / "cache"))[1]
    shutil.rmtree(tmp_path / "cache")
    locked = tmp_path / "locked"
    locked.mkdir()
    for path in list(package.rglob("__pycache__")):
        shutil.rmtree(path)
    folders = [locked, package, package / "fastinit", package / "fastinit" / "kernels"]
    for folder in folders:
        folder.chmod(0o555)
    try:
        command = [*read_only_prefix(), sys.executable, "-B", "-c", SCRIPT, "0"]
        env = environment(package, locked / "cache") | {"HOME": str(locked), "XDG_CACHE_HOME": str(locked / "xdg")}
        done = subprocess.run(command, env=env, cwd=package, capture_output=True, text=True, timeout=300)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", expected]
    assert list(locked.iterdir()) == []
    assert not list(package.rglob("*.nbi"))


def test_no_two_kernels_share_cache_files():
    names = {cache_name(*row, parallel) for row in ROWS for parallel in (False, True)}
    assert len(names) == 2 * len(ROWS)
