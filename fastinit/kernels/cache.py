"""Machine code kept on disk, so that only the first process compiles.

A name states the sources, the CPU and the compilers, so no two different codes share a file. Each file begins with a digest of
the rest: a damaged one would otherwise run, and crash or give wrong values.
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

_FOLDERS = ("arithmetic", "distributions", "kernels")
#: What this process has compiled, as it was not there.
COMPILED: set[str] = set()


@functools.cache
def digest() -> str:
    """Name the state of all sources that code comes from, and what compiles them for which CPU."""
    found, package = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(path for folder in _FOLDERS for path in (package / folder).rglob("*.py")):
        found.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    made_by = version("numba"), llvmlite.__version__, os.environ.get("NUMBA_OPT")
    found.update(repr((machine.host(), made_by)).encode())
    return found.hexdigest()[:16]


def _user_folder() -> Path:
    """Where this user's programs keep what they can make again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")) / "fastinit" / "Cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/fastinit")
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "fastinit"


def folders() -> Iterator[Path]:
    """Where code may lie, as Numba would choose: NUMBA_CACHE_DIR, else beside the sources, else the user's cache."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        yield Path(named) / "fastinit"
        return
    yield Path(__file__).parent / "__pycache__"
    with contextlib.suppress(RuntimeError):  # nobody's home is known
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
    """Write whole or not at all; no room, or no right to write, is no error."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
        return True
    return False


def file_name(name: str) -> str:
    """The file of one piece of code in the present state of sources and CPU."""
    return f"{name}.{digest()}.fastinit"


def stored(name: str, make: Callable[[], bytes]) -> bytes:
    """The code of that name: read, or made and kept."""
    paths = [folder / file_name(name) for folder in folders()]
    for path in paths:
        code = _read(path)
        if code is not None:
            return code
    COMPILED.add(name)
    code = make()
    any(_write(path, code) for path in paths)
    return code
