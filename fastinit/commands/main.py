"""The command line: `fastinit COMMAND ...`.

Each command is a module with three functions: `add` registers its options, `plan` checks them together before anything is
done, `run` does what the plan says and may return an exit status.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence

from fastinit import STREAM_VERSION, __version__
from fastinit.arguments.hints import hint
from fastinit.commands import bench, check, explain, fill, info, parsers, stream, warmup
from fastinit.commands.terminal import stoppable, streams, word
from fastinit.peers.libraries import NotInstalled

COMMANDS = {
    "fill": fill,
    "stream": stream,
    "bench": bench,
    "check": check,
    "info": info,
    "warmup": warmup,
    "explain": explain,
}

NOTES = """\
`fastinit help COMMAND` explains one of them.

examples:
  fastinit fill weights.npy --shape 64Ki,16Ki --dist normal --seed 0
  fastinit fill model.safetensors --like other.safetensors --seed 0
"""

#: Options whose numbers may look like options.
NUMBERS = ("--low", "--high", "--loc", "--scale", "--a", "--b")


class ArgumentError(Exception):
    """Wrong arguments that argparse does not find."""


@contextlib.contextmanager
def _argument_errors() -> Iterator[None]:
    """Treat the library's errors as errors in the arguments."""
    try:
        yield
    except (TypeError, ValueError, NotInstalled) as error:
        raise ArgumentError(" ".join(str(error).split())) from error


def _parser() -> parsers.Parser:
    parser = parsers.Parser(
        "fastinit",
        description="Fill very large weight tensors with random values.",
        epilog=NOTES,
        formatter_class=parsers.Formatter,
    )
    parser.add_argument("--version", action="version", version=f"fastinit {__version__} (stream version {STREAM_VERSION})")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = command.add(commands)
        subparser.set_defaults(command=name, parser=subparser)
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


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    if not arguments or arguments[0] == "help":
        arguments = [*arguments[1:2], "--help"]
    name = arguments[0]
    if name not in COMMANDS and not name.startswith("-"):
        parser.error(f"there is no command {name!r}{hint(name, COMMANDS)}")
    args, unknown = parser.parse_known_args(_join_numbers(arguments))
    if unknown:
        args.parser.refuse(unknown)
    return args


def _complain(message: str, status: int, prog: str = "fastinit") -> int:
    print(f"{prog}: {message}", file=sys.stderr)
    return status


def _oserror(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return f"error: {error}"
    advice = " (--force overwrites it)" if isinstance(error, FileExistsError) else ""
    return f"error: {word(str(error.filename))}: {error.strerror}{advice}"


@contextlib.contextmanager
def _current_directory() -> Iterator[None]:
    """Find modules of laws in the current directory too, after all other places, so that no file there hides a library."""
    if "" in sys.path:
        yield
        return
    sys.path.append("")
    try:
        yield
    finally:
        sys.path.remove("")


def _run(args: argparse.Namespace) -> int:
    command = COMMANDS[args.command]
    try:
        with _argument_errors():
            plan = command.plan(args)
        status: int | None = command.run(plan)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else int(signal.SIGINT)
        return _complain(f"stopped by {signal.Signals(number).name}", 128 + number)
    except ArgumentError as error:
        return _complain(f"error: {error}", 2, args.parser.prog)
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
    with _current_directory(), streams():
        args = _parse(sys.argv[1:] if arguments is None else arguments)
        with stoppable():
            return _run(args)
