"""Folders that are complete or absent: a temporary name until all their files are written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from fastinit.files.atomic import PathLike, part_of, resolved, sync_directory


def folder_destination(path: PathLike, is_old: Callable[[Path], bool], *, overwrite: bool = False) -> Path:
    """Resolve the path of a folder to write, links followed, and check that it may be written.

    OSError if the folder above it does not exist, or if it exists: with `overwrite` only if it is not of the kind that may be
    replaced, which `is_old` tells. An empty folder may always be.
    """
    final = resolved(path)
    if not final.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such directory", str(final.parent))
    if not os.path.lexists(final):
        return final
    if not final.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if any(final.iterdir()):
        if not overwrite:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        if not is_old(final):
            raise FileExistsError(errno.EEXIST, "Another kind of directory is there, which is not replaced", str(path))
    return final


def new_folder(final: Path) -> Path:
    """Make an empty folder with a temporary name beside the final one."""
    part = part_of(final)
    part.mkdir()
    return part


def publish(part: Path, final: Path, is_old: Callable[[Path], bool], *, overwrite: bool = False) -> None:
    """Give a folder, whose files are on the disk, its final name, in the place of an older one if that may be replaced."""
    sync_directory(part)
    folder_destination(final, is_old, overwrite=overwrite)  # checked again: something may have appeared since
    if final.is_dir() and any(final.iterdir()):
        old = part_of(final)
        final.replace(old)
        try:
            part.replace(final)
        except BaseException:
            with contextlib.suppress(OSError):
                old.replace(final)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        part.replace(final)
    sync_directory(final.parent)


def discard(part: Path) -> None:
    """Remove a folder with a temporary name, if it is still there."""
    shutil.rmtree(part, ignore_errors=True)
