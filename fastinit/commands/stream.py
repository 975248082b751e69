"""`fastinit stream`: raw words, values, or words of values on standard output, for test batteries."""

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
from fastinit.arguments import dtypes
from fastinit.check import pit
from fastinit.commands import parsers, values
from fastinit.laws import Distribution, parse
from fastinit.peers.libraries import need

NOTES = """\
The words are those of fastinit.default_rng(SEED).child(NAME).bits(...), of 32 bits each, little-endian, in the order of the
array's elements. They have no end unless --bytes sets one. With --interleave N the first word of each of N streams comes first,
then the second word of each, and so on. The streams are N numbered children (--of children), the calls 0 to N - 1 (--of calls),
or the seeds SEED to SEED + N - 1 (--of seeds).

With --dist the values of a law take the place of the words, in its own dtype or in --dtype, little-endian. With --pit
(probability integral transform) each value goes through the exact distribution function of the law to a word: of 16 bits from
float32, of 32 from float64. So batteries for words judge samplers. It needs SciPy.

examples:
  fastinit stream --seed 1 | dieharder -a -g 200
  fastinit stream --seed 1 --interleave 64 | RNG_test stdin32
  fastinit stream --seed 1 --dist normal --pit | RNG_test stdin16
  fastinit stream --dist 'truncated_normal(-2, 2)' --bytes 4GiB > values

Exit status: 0 all bytes written, or the reader closed the pipe; 1 an error in writing; 2 wrong arguments; 130 interrupted.
"""

#: Words written at a time, of all streams together.
BLOCK = 1 << 20
MOST_STREAMS = 1 << 16
KINDS = ("children", "calls", "seeds")
#: Elements of a stream, which may have 8 bytes each: 2^64 bytes.
END = 2**61
WORDS = np.dtype(np.uint32)

Draw = Callable[[int, npt.NDArray[Any]], object]
Encode = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


class Plan(NamedTuple):
    """The streams to take words or values from in turn, how many bytes to write (None: no end), and what to make of a block."""

    draws: tuple[Draw, ...]
    size: int | None
    dtype: np.dtype[Any] = WORDS
    encode: Encode = np.ravel


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "stream", "write raw random words to a pipe, for test batteries", NOTES)
    add = parser.add_argument
    add("--seed", type=int, default=0, help="default 0")
    add("--child", action="append", metavar="NAME", help="of the child of this name; repeatable, for a path of names")
    some = functools.partial(values.count, most=MOST_STREAMS)
    add("--interleave", type=some, default=1, metavar="N", help="N streams in turn, word by word")
    add("--of", type=values.name(KINDS), default="children", metavar="KIND", help=f"{', '.join(KINDS)}: what the N streams are")
    add("--dist", type=_law, metavar="LAW", help="values of a law instead: normal, 'truncated_normal(-2, 2)', ...")
    add("--dtype", type=values.name(dtypes.ALL_NAMES), metavar="DTYPE", help="of the values (default: the law's own)")
    add("--pit", action="store_true", help="words from the distribution function of the values")
    add("--bytes", type=values.size, metavar="N", help="stop after so many, such as 4096, 64MiB, 1GB")
    return parser


def _law(text: str) -> Distribution:
    try:
        return parse(text)
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _follow(rng: Generator, call: int, law: Distribution | None) -> Draw:
    """A function that writes the words, or the values of a law, of one call from any element on."""
    state = {**rng.state, "calls": call}

    def draw(start: int, out: npt.NDArray[Any]) -> object:
        rng.state = state  # all pieces belong to the same call
        index = slice(start, start + out.size)
        return rng.bits(END, index=index, out=out) if law is None else rng.draw(law, END, index=index, out=out)

    return draw


def _root(seed: int, path: list[str] | None) -> Generator:
    rng = default_rng(seed)
    for name in path or ():
        rng = rng.child(name)
    return rng


def streams(seed: int, path: list[str] | None, count: int, kind: str, law: Distribution | None = None) -> tuple[Draw, ...]:
    """Functions that draw from each of `count` streams of a kind."""
    if count == 1:
        return (_follow(_root(seed, path), 0, law),)
    if kind == "children":
        return tuple(_follow(child, 0, law) for child in _root(seed, path).spawn(count))
    if kind == "calls":
        return tuple(_follow(_root(seed, path), call, law) for call in range(count))
    return tuple(_follow(_root(seed + i, path), 0, law) for i in range(count))


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together; standard output must not be a terminal."""
    if sys.stdout.isatty():
        raise ValueError("standard output must be a pipe or a file, not a terminal, which raw words would garble")
    draws = streams(args.seed, args.child, args.interleave, args.of, args.dist)
    if args.dist is None:
        if unused := [option for option, given in (("--dtype", args.dtype), ("--pit", args.pit)) if given]:
            raise ValueError(f"{', '.join(unused)}: only with --dist")
        return Plan(draws, args.bytes)
    real = dtypes.resolve(args.dtype or args.dist.dtype_names[0], args.dist.dtype_names)
    args.dist.plan(real)  # refuses numbers that are too large for the dtype
    if not args.pit:
        return Plan(draws, args.bytes, real.dtype)
    need("check", "--pit")
    return Plan(draws, args.bytes, real.dtype, pit.words(args.dist, real.name, args.seed))


def write(plan: Plan, file: BinaryIO) -> None:
    """Write the words of a plan to a file."""
    count = len(plan.draws)
    rows = max(1, BLOCK // count)
    block = np.empty((count, rows), plan.dtype)  # a row for each stream, because a strided draw takes six times as long
    left, start = plan.size, 0
    while (left is None or left > 0) and start < END:
        for draw, row in zip(plan.draws, block, strict=True):
            draw(start, row)
        elements = plan.encode(block.T)
        data = (elements if sys.byteorder == "little" else elements.byteswap()).view(np.uint8).data
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
