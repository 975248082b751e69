"""The code cache serves the next process, notices an edited source, and works for several processes at once and for none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastinit.kernels import cache
from fastinit.kernels.rows import ROWS

PACKAGE = Path(__file__).parents[2] / "fastinit"

SCRIPT = """
import hashlib, sys
import fastinit
from fastinit.distributions import LAWS
from fastinit.kernels import cache, rows

asked = [("uniform", "float32"), ("bits", "uint32")]
for row in asked[int(sys.argv[1]) :] + asked[: int(sys.argv[1])]:
    rows.entry(LAWS[row[0]], row[1])
rng = fastinit.default_rng(5)
values = rng.uniform(size=500).tobytes() + rng.bits(500).tobytes() + rng.normal(0, 0, size=9).tobytes()
large = rng.uniform(size=1 << 17).tobytes()
found = hashlib.sha256(values + large).hexdigest()
print(len(cache.COMPILED), "numba" in sys.modules, found)
"""
ALL = 3  # the loop and two rows


@pytest.fixture
def package(tmp_path):
    """A copy of the package to edit, away from the one under test."""
    shutil.copytree(PACKAGE, tmp_path / "copy" / "fastinit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "copy"


def environment(package, folder):
    return {**os.environ, "PYTHONPATH": str(package), "NUMBA_CACHE_DIR": str(folder), "NUMBA_NUM_THREADS": "2"}


def start(package, folder, first=0):
    command = [sys.executable, "-c", SCRIPT, str(first)]
    return subprocess.Popen(
        command, env=environment(package, folder), cwd=package, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    """How much was compiled, and a hash of the values. Numba is imported only where the loop is compiled."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    compiled, numba, digest = out.split()
    assert numba == str(int(compiled) > 0)
    return int(compiled), digest


def test_second_process_reads_and_edited_source_compiles(package, tmp_path):
    folder = tmp_path / "cache"
    first, digest = finish(start(package, folder))
    assert first == ALL
    assert finish(start(package, folder)) == (0, digest)
    philox = package / "fastinit" / "arithmetic" / "philox.py"
    source = philox.read_text()
    assert "0x9E3779B9" in source
    philox.write_text(source.replace("0x9E3779B9", "0x9E3779BB"))
    compiled, edited = finish(start(package, folder))
    assert compiled == ALL
    assert edited != digest
    philox.write_text(source)
    assert finish(start(package, folder)) == (0, digest)


@pytest.mark.nightly
def test_processes_start_cold_together(package, tmp_path):
    """They compile the two rows in both orders, so a mixed-up file would give another row's values."""
    folder = tmp_path / "cache"
    together = [start(package, folder, first=i % 2) for i in range(8)]
    digests = {finish(process)[1] for process in together}
    compiled, after = finish(start(package, folder))
    assert digests == {after}
    assert compiled == 0
    assert len(list(folder.rglob("*"))) == 1 + ALL  # nothing half written is left


def read_only_prefix():
    """What makes a command unable to write where permissions forbid it: nothing for a user, fewer rights for root."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root can write anywhere, and setpriv (util-linux) is not there to take that right away")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override")


@pytest.mark.nightly
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
    compiled, _, digest = done.stdout.split()
    assert (int(compiled), digest) == (ALL, expected)
    assert list(locked.iterdir()) == []
    assert not list(package.rglob("*.fastinit"))


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The folder that NUMBA_CACHE_DIR names, empty, and nothing counted as compiled."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "COMPILED", set())
    return tmp_path / "fastinit"


def refuse():
    raise AssertionError("made again")


def test_what_is_stored_is_read(folder):
    assert cache.stored("a", lambda: b"code of a") == b"code of a"
    assert cache.stored("b", lambda: b"code of b") == b"code of b"
    assert {"a", "b"} == cache.COMPILED
    cache.COMPILED.clear()
    assert cache.stored("a", refuse) == b"code of a"
    assert set() == cache.COMPILED
    assert sorted(path.name for path in folder.iterdir()) == [cache.file_name("a"), cache.file_name("b")]


@pytest.mark.skipif(os.name == "nt", reason="files have no such permissions there")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_those_may_read_it_whom_the_umask_lets(folder, mask, mode):
    """Code that the installer compiles serves all users."""
    before = os.umask(mask)
    try:
        cache.stored("a", lambda: b"code of a")
    finally:
        os.umask(before)
    assert (folder / cache.file_name("a")).stat().st_mode & 0o777 == mode


def test_without_sources_nothing_is_kept(folder, monkeypatch, tmp_path):
    """As in a zip: the code of another version would have the same name."""
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "package.zip" / "fastinit" / "kernels" / "cache.py"))
    cache.digest.cache_clear()
    try:
        assert cache.digest() == ""
        assert list(cache.folders()) == []
        for code in (b"code of one version", b"code of another"):
            assert cache.stored("a", lambda: code) == code  # noqa: B023
        assert (cache.read("a"), cache.directory()) == (None, None)
    finally:
        cache.digest.cache_clear()
    assert not folder.exists()


@pytest.mark.parametrize("damage", [b"", b"x" * 31, b"x" * 32, b"x" * 99, None])
def test_a_damaged_file_is_made_again(folder, damage):
    """One of another content, one cut to the digest alone, one with a bit of its last byte changed."""
    cache.stored("a", lambda: b"code of a")
    path = folder / cache.file_name("a")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damage is None else damage)
    assert cache.stored("a", lambda: b"code of a") == b"code of a"
    assert path.read_bytes() == whole
    cache.COMPILED.clear()
    assert cache.stored("a", refuse) == b"code of a"
    assert set() == cache.COMPILED


def test_a_compiler_that_fails_leaves_nothing(folder):
    with pytest.raises(AssertionError, match="made again"):
        cache.stored("a", refuse)
    assert not folder.exists()


def test_the_folders_in_their_order(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert list(cache.folders()) == [tmp_path / "fastinit"]
    assert cache.directory() == tmp_path / "fastinit"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert list(cache.folders()) == [PACKAGE / "kernels" / "__pycache__", tmp_path / "xdg" / "fastinit"]


def test_the_first_folder_that_takes_it(monkeypatch, tmp_path):
    """Read from all, in their order; written to the first that can be; a file stands where the first folder should be."""
    places = [tmp_path / "file" / "a", tmp_path / "b", tmp_path / "c"]
    (tmp_path / "file").touch()
    monkeypatch.setattr(cache, "COMPILED", set())
    monkeypatch.setattr(cache, "folders", lambda: iter(places))
    assert cache.directory() == places[1]
    assert cache.stored("x", lambda: b"code") == b"code"
    assert [place.exists() and len(list(place.iterdir())) for place in places] == [False, 1, False]
    shutil.move(places[1], places[2])
    assert cache.stored("x", refuse) == b"code"


def test_no_two_rows_share_a_file():
    names = {cache.file_name(f"{law}-{dtype}") for law, dtype in ROWS} | {cache.file_name("loop")}
    assert len(names) == len(ROWS) + 1
    assert all(name.endswith(f".{cache.digest()}.fastinit") for name in names)


@pytest.mark.parametrize("what", ["source", "cpu", "numba", "llvmlite"])
def test_the_digest_names_all_that_code_comes_from(monkeypatch, tmp_path, what):
    digest = cache.digest.__wrapped__
    before = digest()
    assert before == digest()
    if what == "source":
        shutil.copytree(PACKAGE, tmp_path / "fastinit", ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(cache, "__file__", str(tmp_path / "fastinit" / "kernels" / "cache.py"))
        assert digest() == before
        for path in (
            "kernels/targets/vectors.py",
            "arithmetic/lanes.py",
            "distributions/law.py",
            "kernels/new.py",
            "torch/values/laws.py",
        ):
            earlier = digest()
            with (tmp_path / "fastinit" / path).open("a") as file:
                file.write("# edited\n")
            assert digest() != earlier
    elif what == "cpu":
        other = cache.machine.host()._replace(cpu="another")
        monkeypatch.setattr(cache.machine, "host", lambda: other)
    elif what == "numba":
        monkeypatch.setattr(cache, "version", lambda name: "0.0")
    else:
        monkeypatch.setattr(cache.llvmlite, "__version__", "0.0")
    assert digest() != before
