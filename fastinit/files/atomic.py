"""Files that are complete or absent: temporary names until all is written, and disk space reserved before anything is."""

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

#: Errors of a filesystem that cannot reserve space.
_CANNOT_RESERVE = (errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


def resolved(path: PathLike) -> Path:
    """A path with its links followed; OSError if they lead in a circle."""
    try:
        return Path(path).resolve()
    except RuntimeError:  # Python before 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def destination(path: PathLike, *, overwrite: bool = False) -> Path:
    """Resolve the path of a file to write, links followed, and check that it may be written.

    OSError if the directory does not exist, if the file exists and `overwrite` is False, or if it is no regular file.
    """
    final = resolved(path)
    if not final.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such directory", str(final.parent))
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if os.path.lexists(final):
        if not final.is_file():  # a rename would replace a device instead of writing to it
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        if not overwrite:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return final


def part_of(final: Path) -> Path:
    """A temporary name beside the final one: only the beginning of a long name, to stay below 255 bytes."""
    start = final.name.encode(errors="surrogateescape")[:50].decode(errors="ignore")
    return final.with_name(f".{start}.{secrets.token_hex(8)}.part")


@contextlib.contextmanager
def staged(paths: Sequence[PathLike], *, overwrite: bool = False) -> Iterator[list[Path]]:
    """Create temporary files. They get their final names if the `with` block succeeds, and are removed if it fails.

    Parameters
    ----------
    paths : sequence of path-like
        The final names. Each temporary file is in the same directory, as `.{name}.{random}.part`.
    overwrite : bool
        Whether existing files of these names are replaced; their permissions are kept.

    Yields
    ------
    list of pathlib.Path
        The temporary files, empty and closed. Call `sync` on each after writing it.

    Raises
    ------
    OSError
        As `destination`, or if a temporary file cannot be created or renamed.
    ValueError
        If two of the paths are the same file.

    Notes
    -----
    The files are renamed in the order of `paths`, after a check that all final names are free. Put an index last, so that it
    never names a file that is not there yet.
    """
    finals = [destination(path, overwrite=overwrite) for path in paths]
    if len(set(finals)) < len(finals):
        raise ValueError(f"paths must be different files; got {', '.join(map(str, finals))}")
    parts = [part_of(final) for final in finals]
    try:
        for part in parts:
            part.open("xb").close()
        yield parts
        for final, part in zip(finals, parts, strict=True):
            if os.path.lexists(destination(final, overwrite=overwrite)):  # checked again: it may have appeared since
                shutil.copymode(final, part)
        for final, part in zip(finals, parts, strict=True):
            part.replace(final)
    except BaseException:
        for part in parts:
            with contextlib.suppress(OSError):
                part.unlink()
        raise
    for directory in {final.parent for final in finals}:
        sync_directory(directory)


@contextlib.contextmanager
def replacing(path: PathLike, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open one temporary file as `staged` does, and sync it before it gets its final name.

    Parameters
    ----------
    path : path-like
        The final name.
    overwrite : bool
        Whether an existing file of that name is replaced; its permissions are kept.

    Yields
    ------
    binary file
        Empty, for reading and writing.

    Raises
    ------
    OSError
        As `staged`, or if the file cannot be synced.

    Notes
    -----
    The file of the final name is complete at all times, even after a power failure: the new file is synced before the rename,
    the directory after it.
    """
    with staged([path], overwrite=overwrite) as (part,), part.open("r+b") as file:
        yield file
        sync(file)


def sync(file: BinaryIO) -> None:
    """Wait until all that was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Wait until the directory's new names are on the disk, where the system can do that."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # some filesystems cannot sync a directory; the files are safe anyway
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refusal(number: int, path: PathLike, needed: int) -> OSError:
    free = shutil.disk_usage(resolved(path).parent).free
    return OSError(number, f"{os.strerror(number)}: {needed:,} bytes needed, {free:,} free", str(path))


def require_space(path: PathLike, needed: int) -> None:
    """Check that the disk of a file has room for so many bytes, before anything is written to it; OSError if not."""
    usage = shutil.disk_usage(resolved(path).parent)
    if usage.total and usage.free < needed:  # some network filesystems report a total of 0
        raise _refusal(errno.ENOSPC, path, needed)


def allocate(file: BinaryIO, size: int, path: PathLike) -> None:
    """Reserve a file's disk space, or raise OSError; `path` is its final name, for the message.

    Without this a write to a memory map that finds the disk full would kill the process.
    """
    try:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
                return
            except OSError as error:
                if error.errno not in _CANNOT_RESERVE:
                    raise
        os.ftruncate(file.fileno(), size)
    except OSError as error:
        raise _refusal(error.errno or errno.EIO, path, size) from None
