"""Files that are whole or not there: temporary names, renamed together when all is written, and disk space taken before."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

PathLike = str | os.PathLike[str]

#: Sizes of files are signed 64-bit integers.
MOST_BYTES = 2**63 - 1

#: What a filesystem answers that cannot reserve space.
_NO_RESERVING = (errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


def destination(path: PathLike, *, overwrite: bool = False) -> Path:
    """Find out which file a path names, links followed, and whether it may be written.

    Parameters
    ----------
    path : path-like
        Where the file shall be.
    overwrite : bool
        Whether a file may be there already.

    Returns
    -------
    pathlib.Path
        Absolute, without symbolic links.

    Raises
    ------
    OSError
        If the directory does not exist, if a file is there and may not be overwritten, or if what is there is not a file.
    """
    final = Path(path).resolve()
    if not final.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such directory", str(final.parent))
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if os.path.lexists(final):
        if not final.is_file():  # a device: it would be replaced, not written to
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        if not overwrite:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return final


def _part(final: Path) -> Path:
    # A part of a long name, so that the whole stays below the usual 255 bytes, however many a character takes.
    short = final.name.encode(errors="surrogateescape")[:50].decode(errors="ignore")
    return final.with_name(f".{short}.{secrets.token_hex(8)}.part")


@contextlib.contextmanager
def staged(paths: Sequence[PathLike], *, overwrite: bool = False) -> Iterator[list[Path]]:
    """Make temporary files that take their names when the `with` block ends well, and are removed when it does not.

    Parameters
    ----------
    paths : sequence of path-like
        The final names. Each temporary file lies in the same directory, as `.{name}.{random}.part`.
    overwrite : bool
        Whether files of these names are replaced; their permissions are kept.

    Yields
    ------
    list of pathlib.Path
        The temporary files, empty and closed. Whoever writes one also syncs it (`sync`).

    Raises
    ------
    OSError
        As `destination` does; and where a temporary file cannot be made or renamed.
    ValueError
        If two of the paths are one file.

    Notes
    -----
    The names are taken in the order of `paths`, one after the other, once all are known to be free: what holds the others
    together, an index, comes last.
    """
    finals = [destination(path, overwrite=overwrite) for path in paths]
    if len(set(finals)) < len(finals):
        raise ValueError(f"paths must be different files; got {', '.join(map(str, finals))}")
    parts = [_part(final) for final in finals]
    try:
        for part in parts:
            part.open("xb").close()
        yield parts
        for final, part in zip(finals, parts, strict=True):
            if os.path.lexists(destination(final, overwrite=overwrite)):  # again: it may have appeared since
                shutil.copymode(final, part)
        for final, part in zip(finals, parts, strict=True):
            part.replace(final)
    except BaseException:
        for part in parts:
            with contextlib.suppress(OSError):
                part.unlink()
        raise
    for directory in {final.parent for final in finals}:
        _sync_directory(directory)


@contextlib.contextmanager
def replacing(path: PathLike, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary file that takes its name when the `with` block ends well, and is removed when it does not.

    Parameters
    ----------
    path : path-like
        The final name.
    overwrite : bool
        Whether a file of that name is replaced; its permissions are kept.

    Yields
    ------
    binary file
        Empty, for reading and writing.

    Raises
    ------
    OSError
        As `staged` does; and where the file cannot be synced.

    Notes
    -----
    What is under the final name is complete at all times, after a loss of power too: the file is synced before it is renamed,
    and the directory after.
    """
    with staged([path], overwrite=overwrite) as (part,), part.open("r+b") as file:
        yield file
        sync(file)


def sync(file: BinaryIO) -> None:
    """Wait until the disk has what was written."""
    file.flush()
    os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # the files themselves are safe; some filesystems cannot sync a directory
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reserve(descriptor: int, size: int, directory: Path, needed: int) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
            return
        except OSError as error:
            if error.errno not in _NO_RESERVING:
                raise
    if shutil.disk_usage(directory).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(descriptor, size)


def allocate(file: BinaryIO, size: int, path: PathLike, needed: int | None = None) -> None:
    """Take the disk space now: writing to a page of a map that finds no room later would kill the process.

    Parameters
    ----------
    file : binary file
        The empty file.
    size : int
        Its size in bytes from now on.
    path : path-like
        Its final name, for messages.
    needed : int, optional
        Bytes that several files need together, where the system cannot reserve them.

    Raises
    ------
    OSError
        If there is no room; the message has both numbers.
    """
    directory = Path(path).resolve().parent
    try:
        _reserve(file.fileno(), size, directory, needed or size)
    except OSError as error:
        free = shutil.disk_usage(directory).free
        raise OSError(error.errno, f"{error.strerror}: {size:,} bytes needed, {free:,} free", str(path)) from None
