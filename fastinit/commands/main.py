"""The command line: `fastinit fill`, `info`, `warmup`, `bench`, `check`, `stream`, `explain`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

from fastinit import STREAM_VERSION, __version__, dispatch
from fastinit.commands import bench as bench
from fastinit.commands import check as check
from fastinit.commands import explain as explain_command
from fastinit.commands import fill as fill_command
from fastinit.commands import info as report
from fastinit.commands import stream as stream_command
from fastinit.commands.terminal import stoppable, word
from fastinit.distributions import LAWS
from fastinit.kernels import cache
from fastinit.kernels.rows import ROWS, STORAGE
from fastinit.progress import progress

#: Options whose numbers may look like options.
NUMBERS = ("--low", "--high", "--loc", "--scale", "--a", "--b")


class ArgumentError(Exception):
    """Wrong arguments that argparse does not find."""


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Take what the library refuses for wrong arguments."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise ArgumentError(" ".join(str(error).split())) from error


def _planned(command: ModuleType) -> Callable[[argparse.Namespace], int | None]:
    """What runs a command: `plan` checks its arguments, `run` does what they ask for and may return an exit status."""

    def run(args: argparse.Namespace) -> int | None:
        with _refusing():
            plan = command.plan(args)
        status: int | None = command.run(plan)
        return status

    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("fastinit", description="Fill very large weight tensors with random values.")
    parser.add_argument("--version", action="version", version=f"fastinit {__version__} (stream version {STREAM_VERSION})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fill_command.add(commands).set_defaults(run=_planned(fill_command))
    info = commands.add_parser("info", help="print versions, threads, CPU and cache directory", allow_abbrev=False)
    info.add_argument("--json", action="store_true", help="as JSON")
    info.set_defaults(run=_info)
    warmup = commands.add_parser("warmup", help="compile all kernels into the cache", allow_abbrev=False)
    warmup.add_argument("--dtype", action="append", choices=tuple(STORAGE), help="only the kernels of this dtype; repeatable")
    warmup.set_defaults(run=_warmup)
    for command in (bench, check, stream_command, explain_command):
        command.add(commands).set_defaults(run=_planned(command))
    return parser


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


def _info(args: argparse.Namespace) -> None:
    collected = report.collect()
    print(json.dumps(collected, indent=2) if args.json else report.text(collected))


def _warmup(args: argparse.Namespace) -> None:
    rows = [row for row in ROWS if not args.dtype or row[1] in args.dtype]
    start = time.perf_counter()
    with progress(len(rows), "kernel") as advance:
        for law, dtype in rows:
            dispatch.compiled(LAWS[law], dtype)
            advance(1)
    seconds, compiled = time.perf_counter() - start, len(cache.COMPILED - {"loop"})
    print(
        f"kernels={len(rows)} compiled={compiled} cached={len(rows) - compiled} seconds={seconds:.1f} "
        f"cache={cache.directory() or 'none'}"
    )


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
        status: int | None = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else int(signal.SIGINT)
        return _complain(f"stopped by {signal.Signals(number).name}", 128 + number)
    except ArgumentError as error:
        return _complain(f"error: {error}", 2)
    except MemoryError as error:
        return _complain(f"error: out of memory: {error}", 1)
    except BrokenPipeError:  # the reader of stdout left; without this Python complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _complain(_oserror(error), 1)
    return status or 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments after the program's name; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0 done, 1 the system refused or a check failed, 2 wrong arguments, 128 + n stopped by signal n
        (130 for Ctrl-C).

    Raises
    ------
    SystemExit
        For --help, --version and arguments that argparse refuses.
    """
    args = _parser().parse_args(_join_numbers(sys.argv[1:] if arguments is None else arguments))
    with stoppable():
        return _run(args)
