"""What the options of all commands take: counts, sizes, shapes, names. Each reader serves argparse as `type=`."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Mapping, Sequence

from fastinit.arguments.hints import hint
from fastinit.arguments.quantities import byte_size, whole
from fastinit.files.atomic import MOST_BYTES


def count(text: str, least: int = 1, most: int = MOST_BYTES) -> int:
    """A whole number: 67108864, 2**26, 2^26, 64Mi or 1e8."""
    number = whole(text)
    if number is None or not least <= number <= most:
        limits = f", at least {least}," if most == MOST_BYTES else f" from {least} to {most},"
        raise argparse.ArgumentTypeError(f"must be a whole number{limits} such as 65536, 2**20, 64Mi or 1e8; got {text!r}")
    return number


def counts(text: str) -> list[int]:
    """Whole numbers with commas, each at least 1."""
    return [count(part) for part in text.split(",")]


def size(text: str, least: int = 0) -> int:
    """A number of bytes: 4096, 64MiB, 5GB."""
    number = byte_size(text)
    if number is None or not least <= number <= MOST_BYTES:
        above = f", at least {least}" if least else ""
        raise argparse.ArgumentTypeError(f"must be a number of bytes{above}, such as 4096, 64MiB or 5GB; got {text!r}")
    return number


def shape(text: str) -> tuple[int, ...]:
    """Lengths of axes: 65536,16384 or 64Ki,16Ki or 4x4 or (4, 4); () has none."""
    brackets = re.fullmatch(r"\s*(?:\((.*)\)|\[(.*)\]|([^()\[\]]+))\s*", text)
    inner = "?" if brackets is None else next(group for group in brackets.groups() if group is not None)
    lengths = [whole(part) for part in re.split("[,xX]", re.sub(r",\s*$", "", inner))] if inner.strip() else []
    if any(length is None or length > MOST_BYTES for length in lengths):
        raise argparse.ArgumentTypeError(f"must be whole numbers with commas, such as 65536,16384 or 64Ki,16Ki; got {text!r}")
    return tuple(length for length in lengths if length is not None)


def name(allowed: Sequence[str], aliases: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """A reader of one of the allowed names; aliases are taken too."""

    def read(text: str) -> str:
        word = (aliases or {}).get(text, text)
        if word not in allowed:
            near = hint(text, [*allowed, *(aliases or {})])
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(allowed)}; got {text!r}{near}")
        return word

    return read


def names(allowed: Sequence[str], aliases: Mapping[str, str] | None = None, none: bool = False) -> Callable[[str], list[str]]:
    """A reader of names with commas, `all`, and perhaps `none`."""
    one = name([*allowed, "all", *(["none"] if none else [])], aliases)

    def read(text: str) -> list[str]:
        words = [one(word) for word in text.split(",")]
        return list(allowed) if "all" in words else [word for word in words if word != "none"]

    return read


def seconds(text: str) -> float:
    """A number of seconds above 0, at most 1e6."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, at most 1e6; got {text!r}")
    return value
