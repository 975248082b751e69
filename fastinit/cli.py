"""The command line: `fastinit fill`, `fastinit info`, `fastinit warmup`, `fastinit bench`."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fastinit import STREAM_VERSION, __version__, default_rng, dtypes, files, report
from fastinit.bench import command as bench
from fastinit.kernels.rows import ROWS, STORAGE, kernel
from fastinit.kernels.threads import PARALLEL_FROM
from fastinit.terminal import progress, stoppable, word

#: The parameters of each distribution, which are options of the same name.
DISTRIBUTIONS = {
    "uniform": ("low", "high"),
    "normal": ("loc", "scale"),
    "truncated_normal": ("a", "b", "loc", "scale", "units"),
}
NUMBERS = ("--low", "--high", "--loc", "--scale", "--a", "--b")

FILL_NOTES = """\
The values are those of fastinit.default_rng(SEED).child(NAME).DIST(..., size=SHAPE), or without .child(NAME) if no name is
given.

The .npy format cannot name bfloat16: the values are marked as raw two-byte items ('<V2', as numpy.save does).
Load them with numpy.load("weights.npy").view(ml_dtypes.bfloat16).

The file is written under a temporary name (.NAME.RANDOM.part, in the same directory) and renamed when it is complete.

Exit status: 0 done; 1 the file could not be written; 2 wrong arguments; 130 interrupted.
"""


class ArgumentError(Exception):
    """Wrong arguments that argparse does not find."""


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Take what the library refuses, and Numba of its environment variables, for wrong arguments."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise ArgumentError(" ".join(str(error).split())) from error


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = (-1,)
    if min(shape) < 0:
        raise argparse.ArgumentTypeError(f"must be whole numbers with commas, such as 65536,16384; got {text!r}")
    return shape


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("fastinit", description="Fill very large weight tensors with random values.")
    parser.add_argument("--version", action="version", version=f"fastinit {__version__} (stream version {STREAM_VERSION})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_fill(commands)
    info = commands.add_parser("info", help="print versions, threads, CPU and cache directory", allow_abbrev=False)
    info.add_argument("--json", action="store_true", help="as JSON")
    info.set_defaults(run=_info)
    warmup = commands.add_parser("warmup", help="compile all kernels into the cache", allow_abbrev=False)
    warmup.add_argument("--dtype", action="append", choices=tuple(STORAGE), help="only the kernels of this dtype; repeatable")
    warmup.set_defaults(run=_warmup)
    bench.add(commands).set_defaults(run=_bench)
    return parser


def _add_fill(commands: Any) -> None:
    fill: argparse.ArgumentParser = commands.add_parser(
        "fill",
        help="write a .npy file of random values, larger than memory if need be",
        epilog=FILL_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # so that `_join_numbers` sees every option under its full name
    )
    fill.add_argument("path", help="the .npy file to write")
    fill.add_argument("--shape", type=_shape, required=True, help="whole numbers with commas, such as 65536,16384")
    fill.add_argument("--dist", choices=tuple(DISTRIBUTIONS), required=True, help="distribution")
    fill.add_argument("--dtype", choices=dtypes.NAMES.split(", "), default="float32", help="default: float32")
    fill.add_argument("--seed", type=int, help="default: chosen by the operating system, and printed")
    fill.add_argument("--name", action="append", help="draw from the child of the seed that belongs to this name")
    fill.add_argument("--low", type=float, help="uniform: lower bound (default 0)")
    fill.add_argument("--high", type=float, help="uniform: upper bound (default 1)")
    fill.add_argument("--loc", type=float, help="normal, truncated_normal: mean (default 0)")
    fill.add_argument("--scale", type=float, help="normal, truncated_normal: standard deviation (default 1)")
    fill.add_argument("--a", type=float, help="truncated_normal: lower bound (default -2; may be -inf)")
    fill.add_argument("--b", type=float, help="truncated_normal: upper bound (default 2; may be inf)")
    units = "truncated_normal: a and b count standard deviations from loc, or are values (default std)"
    fill.add_argument("--units", choices=("std", "absolute"), help=units)
    fill.add_argument("--force", action="store_true", help="overwrite an existing file")
    fill.set_defaults(run=_fill)


def _join_numbers(arguments: Sequence[str]) -> list[str]:
    """Write `--a -inf` as `--a=-inf`: argparse takes -inf and -1e-3 for options."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in NUMBERS and argument.startswith("-") and "--" not in joined:
            with contextlib.suppress(ValueError):
                float(argument)
                joined[-1] += f"={argument}"
                continue
        joined.append(argument)
    return joined


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that were given; the others keep the library's defaults."""
    mine = DISTRIBUTIONS[args.dist]
    given = {name for names in DISTRIBUTIONS.values() for name in names if getattr(args, name) is not None}
    if alien := sorted(given.difference(mine)):
        names, wanted = (", ".join(f"--{name}" for name in group) for group in (alien, mine))
        raise ArgumentError(f"{names}: not for --dist {args.dist}, which takes {wanted}")
    if args.name and len(args.name) > 1:
        raise ArgumentError("--name: may be given once")
    return {name: getattr(args, name) for name in mine if name in given}


def _drawing(args: argparse.Namespace, seed: int, dtype: Any) -> Callable[..., None]:
    """What draws a slice of the flat array: each slab from a new Generator, because all belong to call 0."""
    parameters, total = _parameters(args), math.prod(args.shape)

    def draw(out: Any = None, where: slice | None = None, size: int = total) -> None:
        rng = default_rng(seed)
        method = getattr(rng.child(args.name[0]) if args.name else rng, args.dist)
        method(size=size, index=where, out=out, dtype=dtype, **parameters)

    return draw


def _fill(args: argparse.Namespace) -> None:
    seed = secrets.randbits(128) if args.seed is None else args.seed
    dtype, total = dtypes.resolve(args.dtype).dtype, math.prod(args.shape)
    draw = _drawing(args, seed, dtype)
    with _refusing():
        files.header(args.shape, dtype)
        draw(size=0)
        files.destination(args.path, overwrite=args.force)
        draw(size=min(total, PARALLEL_FROM))  # compiles, if it has to, and starts the threads, before there is a file
    start = time.perf_counter()
    with progress(total * dtype.itemsize, "B", unit_scale=True) as advance:
        size = files.fill_npy(args.path, args.shape, dtype, draw, progress=advance, overwrite=args.force)
    seconds = time.perf_counter() - start
    name = f" name={word(args.name[0])}" if args.name else ""
    print(
        f"{word(args.path)}: shape={','.join(map(str, args.shape))} dtype={args.dtype} bytes={size} "
        f"seconds={seconds:.3f} GB/s={size / seconds / 1e9:.3f} seed={seed}{name}"
    )
    if args.dtype == "bfloat16":
        print(f"load with numpy.load({args.path!r}).view(ml_dtypes.bfloat16)", file=sys.stderr)


def _info(args: argparse.Namespace) -> None:
    collected = report.collect()
    print(json.dumps(collected, indent=2) if args.json else report.text(collected))


def _warmup(args: argparse.Namespace) -> None:
    rows = [(*row, parallel) for row in ROWS if not args.dtype or row[1] in args.dtype for parallel in (False, True)]
    start, cached, directory = time.perf_counter(), 0, None
    with progress(len(rows), "kernel") as advance:
        for row in rows:
            with _refusing():
                compiled: Any = kernel(*row)
            cached += bool(compiled.stats.cache_hits)
            directory = report.cache_directory(compiled)
            advance(1)
    seconds = time.perf_counter() - start
    print(
        f"kernels={len(rows)} compiled={len(rows) - cached} cached={cached} seconds={seconds:.1f} cache={directory or 'none'}"
    )


def _bench(args: argparse.Namespace) -> None:
    with _refusing():
        plan = bench.plan(args)
    bench.run(plan)


def _complain(message: str, status: int) -> int:
    print(f"fastinit: {message}", file=sys.stderr)
    return status


def _oserror(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return f"error: {error}"
    hint = " (--force overwrites it)" if isinstance(error, FileExistsError) else ""
    return f"error: {word(str(error.filename))}: {error.strerror}{hint}"


def _run(args: argparse.Namespace) -> int:
    try:
        args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else int(signal.SIGINT)
        return _complain(f"stopped by {signal.Signals(number).name}", 128 + number)
    except ArgumentError as error:
        return _complain(f"error: {error}", 2)
    except BrokenPipeError:  # the reader of stdout left; without this Python complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _complain(_oserror(error), 1)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments after the program's name; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0 done, 1 the system refused, 2 wrong arguments, 128 + n stopped by signal n (130 for Ctrl-C).

    Raises
    ------
    SystemExit
        For --help, --version and arguments that argparse refuses.
    """
    args = _parser().parse_args(_join_numbers(sys.argv[1:] if arguments is None else arguments))
    with stoppable():
        return _run(args)
