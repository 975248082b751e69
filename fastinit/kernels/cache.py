"""The compile cache: machine code on disk, so that only the first process compiles.

A file's name has a digest of the sources, the CPU and the compilers, so different codes never share a file. A file begins
with a checksum of the rest, because damaged code would crash or give wrong values.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import llvmlite

from fastinit.kernels import machine

_FOLDERS = ("arithmetic", "distributions", "kernels", "gpu", "torch/values")
#: Names of the code that this process compiled because no folder had it.
COMPILED: set[str] = set()


@functools.cache
def digest() -> str:
    """The digest of all sources that code comes from, of the compilers, and of the CPU; empty without sources."""
    found, package = hashlib.sha256(), Path(__file__).parents[1]
    sources = sorted(path for folder in _FOLDERS for path in (package / folder).rglob("*.py"))
    if not sources:  # they are in a zip, or only bytecode: nothing tells code of this version from that of another
        return ""
    for path in sources:
        found.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    made_by = version("numba"), llvmlite.__version__, os.environ.get("NUMBA_OPT")
    found.update(repr((machine.host(), made_by)).encode())
    return found.hexdigest()[:16]


def _user_folder() -> Path:
    """The cache folder of this user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")) / "fastinit" / "Cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/fastinit")
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "fastinit"


def folders() -> Iterator[Path]:
    """The folders of the cache, as Numba chooses them: NUMBA_CACHE_DIR, else beside the sources, else the user's cache.

    There is none if no digest can name the files.
    """
    if not digest():
        return
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        yield Path(named) / "fastinit"
        return
    yield Path(__file__).parent / "__pycache__"
    with contextlib.suppress(RuntimeError):  # there is no home folder
        yield _user_folder().expanduser()


def directory() -> Path | None:
    """The first folder that can be written to, or None."""
    for folder in folders():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
    return None


def _read(path: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        content = path.read_bytes()
        if len(content) > 32 and hashlib.sha256(content[32:]).digest() == content[:32]:
            return content[32:]
    return None


def _write(path: Path, code: bytes) -> bool:
    """Write the whole file or nothing. A full disk and a read-only folder are no errors."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.stem}.{os.urandom(8).hex()}.tmp")
        try:
            with temporary.open("xb") as file:  # not mkstemp, whose files nobody else may read
                file.write(hashlib.sha256(code).digest() + code)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return True
    return False


def file_name(name: str) -> str:
    """The file of this code for the present sources and CPU."""
    return f"{name}.{digest()}.fastinit"


def read(name: str) -> bytes | None:
    """The code of that name, if it is kept."""
    codes = (_read(folder / file_name(name)) for folder in folders())
    return next((code for code in codes if code is not None), None)


def stored(name: str, make: Callable[[], bytes]) -> bytes:
    """The code of this name: read from a file, or compiled and written to one."""
    code = read(name)
    if code is None:
        COMPILED.add(name)
        code = make()
        any(_write(folder / file_name(name), code) for folder in folders())
    return code
