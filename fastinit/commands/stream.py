"""`fastinit stream`: the raw words of streams on standard output, for test batteries."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit import Generator, default_rng
from fastinit.commands import parsers, values

NOTES = """\
The words are those of fastinit.default_rng(SEED).child(NAME).bits(...), of 32 bits each, little-endian, in the order of the
array's elements. They have no end unless --bytes sets one. With --interleave N the first word of each of N streams comes first,
then the second word of each, and so on. The streams are N numbered children (--of children), the calls 0 to N - 1 (--of calls),
or the seeds SEED to SEED + N - 1 (--of seeds).

examples:
  fastinit stream --seed 1 | dieharder -a -g 200
  fastinit stream --seed 1 --interleave 64 | RNG_test stdin32

Exit status: 0 all bytes written, or the reader closed the pipe; 1 an error in writing; 2 wrong arguments; 130 interrupted.
"""

WORD = 4
#: Words written at a time, of all streams together.
BLOCK = 1 << 20
MOST_STREAMS = 1 << 16
KINDS = ("children", "calls", "seeds")
#: Words in a stream: 2^64 bytes.
END = 2**62

Draw = Callable[[int, npt.NDArray[Any]], object]


class Plan(NamedTuple):
    """The streams to take words from in turn, and how many bytes to write (None: no end)."""

    draws: tuple[Draw, ...]
    size: int | None


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "stream", "write raw random words to a pipe, for test batteries", NOTES)
    add = parser.add_argument
    add("--seed", type=int, default=0, help="default 0")
    add("--child", action="append", metavar="NAME", help="of the child of this name; repeatable, for a path of names")
    some = functools.partial(values.count, most=MOST_STREAMS)
    add("--interleave", type=some, default=1, metavar="N", help="N streams in turn, word by word")
    add("--of", type=values.name(KINDS), default="children", metavar="KIND", help=f"{', '.join(KINDS)}: what the N streams are")
    add("--bytes", type=values.size, metavar="N", help="stop after so many, such as 4096, 64MiB, 1GB")
    return parser


def _follow(rng: Generator, call: int = 0) -> Draw:
    """A function that writes the words of one call from any word on."""
    state = {**rng.state, "calls": call}

    def draw(start: int, out: npt.NDArray[Any]) -> object:
        rng.state = state  # all pieces belong to the same call
        return rng.bits(END, index=slice(start, start + out.size), out=out)

    return draw


def _root(seed: int, path: list[str] | None) -> Generator:
    rng = default_rng(seed)
    for name in path or ():
        rng = rng.child(name)
    return rng


def streams(seed: int, path: list[str] | None, count: int, kind: str) -> tuple[Draw, ...]:
    """Functions that draw from each of `count` streams of a kind."""
    root = _root(seed, path)
    if count == 1:
        return (_follow(root),)
    if kind == "children":
        return tuple(_follow(child) for child in root.spawn(count))
    if kind == "calls":
        return tuple(_follow(_root(seed, path), call) for call in range(count))
    return tuple(_follow(_root(seed + i, path)) for i in range(count))


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together; standard output must not be a terminal."""
    if sys.stdout.isatty():
        raise ValueError("standard output must be a pipe or a file, not a terminal, which raw words would garble")
    return Plan(streams(args.seed, args.child, args.interleave, args.of), args.bytes)


def write(plan: Plan, file: BinaryIO) -> None:
    """Write the words of a plan to a file."""
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
    """Write to standard output until the end, or until the reader closes the pipe."""
    try:
        write(plan, sys.stdout.buffer)
    except BrokenPipeError:  # the battery has seen enough; without this Python complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
