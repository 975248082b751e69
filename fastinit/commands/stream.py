"""`fastinit stream`: the raw words of streams on standard output, for batteries of tests."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit import Generator, default_rng

NOTES = """\
The words are those of fastinit.default_rng(SEED).child(NAME).bits(...), 32 bits each, little endian, in the order of the
array's elements, without end unless --bytes says where. With --interleave N the first word of each of N streams comes first,
then the second word of each, and so on: of N numbered children (--of children), of calls 0 .. N - 1 (--of calls), or of
the seeds SEED .. SEED + N - 1 (--of seeds).

  fastinit stream --seed 1 | dieharder -a -g 200
  fastinit stream --seed 1 --interleave 64 | RNG_test stdin32

Exit status: 0 all bytes written, or the reader left; 1 they could not be written; 2 wrong arguments; 130 interrupted.
"""

WORD = 4
#: Words written at a time; a multiple of it is what one of the interleaved streams gives.
BLOCK = 1 << 20
MOST_STREAMS = 1 << 16
KINDS = ("children", "calls", "seeds")
UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
#: Words that a stream gives before it ends: 2^64 bytes.
END = 2**62

Draw = Callable[[int, npt.NDArray[Any]], object]


class Plan(NamedTuple):
    """The streams to take words from in turn, and how many bytes to write; None is without end."""

    draws: tuple[Draw, ...]
    size: int | None


def _bytes(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,19})(|Ki|Mi|Gi|Ti)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"must be a whole number of bytes, such as 4096, 64Mi or 1Gi; got {text!r}")
    return int(found[1]) * UNITS[found[2]]


def _streams(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST_STREAMS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_STREAMS}; got {text!r}")
    return int(text)


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command to the others; what it returns has yet to be told what to run."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "stream",
        help="write raw random words to a pipe, for test batteries",
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--seed", type=int, default=0, help="default 0")
    parser.add_argument("--child", action="append", metavar="NAME", help="of the child of this name; repeatable, a path")
    parser.add_argument("--interleave", type=_streams, default=1, metavar="N", help="N streams in turn, word by word")
    parser.add_argument("--of", choices=KINDS, default="children", help="what the N streams are of (default %(default)s)")
    parser.add_argument("--bytes", type=_bytes, metavar="N", help="stop after so many, such as 4096, 64Mi, 1Gi")
    return parser


def _follow(rng: Generator, call: int = 0) -> Draw:
    """What writes the words of one call from a place on."""
    state = {**rng.state, "calls": call}

    def draw(start: int, out: npt.NDArray[Any]) -> object:
        rng.state = state  # each piece belongs to the same call
        return rng.bits(END, index=slice(start, start + out.size), out=out)

    return draw


def _root(seed: int, path: list[str] | None) -> Generator:
    rng = default_rng(seed)
    for name in path or ():
        rng = rng.child(name)
    return rng


def streams(seed: int, path: list[str] | None, count: int, kind: str) -> tuple[Draw, ...]:
    """What draws from each of `count` streams of a kind."""
    root = _root(seed, path)
    if count == 1:
        return (_follow(root),)
    if kind == "children":
        return tuple(_follow(child) for child in root.spawn(count))
    if kind == "calls":
        return tuple(_follow(_root(seed, path), call) for call in range(count))
    return tuple(_follow(_root(seed + i, path)) for i in range(count))


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together.

    Parameters
    ----------
    args : argparse.Namespace
        As the parser of `add` makes it.

    Returns
    -------
    Plan
        For `run`.

    Raises
    ------
    ValueError
        For a negative seed, or where standard output is a terminal.
    """
    if sys.stdout.isatty():
        raise ValueError("standard output must be a pipe or a file; it is a terminal, which raw words would upset")
    return Plan(streams(args.seed, args.child, args.interleave, args.of), args.bytes)


def write(plan: Plan, file: BinaryIO) -> None:
    """Write the words of a plan; an OSError of the file, a closed pipe's included, goes to the caller."""
    count = len(plan.draws)
    rows = max(1, BLOCK // count)
    block = np.empty((rows, count), "<u4" if sys.byteorder == "little" else np.uint32)
    left, start = plan.size, 0
    while (left is None or left > 0) and start < END:
        for i, draw in enumerate(plan.draws):
            draw(start, block[:, i])
        words = block if sys.byteorder == "little" else block.byteswap()
        data = words.reshape(-1).view(np.uint8).data
        if left is not None:
            data = data[:left]
            left -= len(data)
        file.write(data)
        start += rows
    file.flush()


def run(plan: Plan) -> None:
    """Write to standard output until the end, or until the reader leaves.

    Parameters
    ----------
    plan : Plan
        As `plan` makes it.

    Raises
    ------
    OSError
        If the words cannot be written, for another reason than that the reader has closed the pipe.
    """
    try:
        write(plan, sys.stdout.buffer)
    except BrokenPipeError:  # a battery that has seen enough; without this Python complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
