"""What `bench` and `check` share: their text on stdout, and the JSON and the picture that they write."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from fastinit.bench import plot
from fastinit.commands import terminal
from fastinit.files import atomic

COLOURS = {"GOOD": 32, "BAD": 31, "FAIL": 31}


class Files(NamedTuple):
    """The files that are written, or None."""

    json: str | None
    plot: str | None
    junit: str | None = None


def add(parser: argparse.ArgumentParser, data: str, picture: str) -> None:
    """Register --json and --plot; the texts say what they write."""
    parser.add_argument("--json", metavar="FILE", help=f"write {data}")
    parser.add_argument("--plot", metavar="FILE", help=f"draw {picture} (.png, .svg or .pdf; needs matplotlib)")


def add_device(parser: argparse.ArgumentParser, help: str) -> None:
    """Register --device."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help=f"cuda: {help}; default cpu")


def use_device(args: argparse.Namespace) -> bool:
    """Whether a CUDA device is asked for, for which kernels are switched on; ValueError if none is served."""
    if args.device != "cuda":
        return False
    from fastinit.gpu import driver  # LLVM's writer, imported only where a GPU is filled

    reason = driver.reason_against(0)
    if reason is not None:
        raise ValueError(f"--device cuda: {reason}")
    os.environ["FASTINIT_GPU"] = "1"
    return True


def files(args: argparse.Namespace) -> Files:
    """The files; ValueError or OSError if one cannot be written."""
    if args.plot is not None:
        plot.check(args.plot)
    files = Files(args.json, args.plot, getattr(args, "junit", None))
    for path in files:
        if path is not None:
            atomic.destination(path, overwrite=True)
    return files


def write(
    files: Files,
    document: Callable[[], Any],
    draw: Callable[[BinaryIO, str], object],
    junit: Callable[[BinaryIO], object] | None = None,
) -> None:
    """Write the files, and say so."""
    writers: list[tuple[str | None, Callable[[BinaryIO], object]]] = [
        (files.json, lambda file: file.write((json.dumps(document(), indent=1, allow_nan=False) + "\n").encode())),
        (files.plot, lambda file: draw(file, Path(str(files.plot)).suffix[1:])),
    ]
    if junit is not None:
        writers.append((files.junit, junit))
    for path, writer in writers:
        if path is not None:
            with atomic.replacing(path, overwrite=True) as file:
                writer(file)
            show(f"wrote {path}")


def show(text: str) -> None:
    """Print at once; errors of other libraries are escaped.

    Verdicts are coloured on a terminal, unless NO_COLOR is set or TERM is "dumb".
    """
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        text = re.sub(rf"\b({'|'.join(COLOURS)})\b", lambda word: f"\033[{COLOURS[word[0]]}m{word[0]}\033[0m", text)
    terminal.show(text)


def once(words: Sequence[Any] | None, default: Sequence[Any]) -> list[Any]:
    """The words without repetitions, or the default if there are none."""
    return list(dict.fromkeys(words if words is not None else default))
