"""`fastinit bench`: its arguments, what they come to, and the run."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fastinit.bench import machine, plot, session, table
from fastinit.bench.measure import BUFFERS, DTYPES, LAWS, ROUNDS, VALUES, numpy_dtype
from fastinit.bench.peers import LIBRARIES, OWN, PEERS, Job, all_threads, installed
from fastinit.files import atomic
from fastinit.progress import progress

LIMIT = 120.0
UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

NOTES = """\
Each sampler runs in a process of its own; in every round each in turn fills once while the others sleep. The parallel store
is all threads writing one constant into the same kind of buffer: what memory takes. Times are medians of the rounds, ratios
medians of the ratios within rounds: above 1 is slower than what it is compared with.
A peer that takes more than 20 times as long as the store takes part in the first 3 rounds only.

  spread %    half the distance between the quartiles, over the median
  cores       CPU time over wall time
  allocates   makes a new array in each call, because it cannot fill one that is there

Exit status: 0 done, even if a peer failed; 1 a file could not be written; 2 wrong arguments; 130 interrupted.
"""


class Plan(NamedTuple):
    """What is measured, and where it goes."""

    tables: tuple[tuple[str, Job], ...]
    libraries: tuple[str, ...]
    absent: tuple[str, ...]
    rounds: int
    limit: float
    json: str | None
    plot: str | None


def _size(text: str) -> int:
    """A count of values: 67108864, 2**26, 64Mi or 1e8."""
    if power := re.fullmatch(r"([0-9]{1,5})(?:\*\*|\^)([0-9]{1,2})", text):
        size: int = int(power[1]) ** int(power[2])
    elif plain := re.fullmatch(r"([0-9]{1,20})(|Ki|Mi|Gi|Ti)", text):
        size = int(plain[1]) * UNITS[plain[2]]
    elif short := re.fullmatch(r"([0-9]{1,5})[eE]\+?([0-9]{1,2})", text):
        size = int(short[1]) * 10 ** int(short[2])
    else:
        size = 0
    if size < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of values, such as 67108864, 2**26, 64Mi or 1e8; got {text!r}"
        )
    return size


def _names(allowed: Sequence[str], *, none: bool = False) -> Callable[[str], list[str]]:
    """What reads names with commas, `all`, and perhaps `none`."""
    words = (*allowed, "all", *(["none"] if none else []))

    def read(text: str) -> list[str]:
        names = text.split(",")
        if alien := [name for name in names if name not in words]:
            raise argparse.ArgumentTypeError(f"must be of {', '.join(words)}, with commas; got {alien[0]!r}")
        return list(allowed) if "all" in names else [name for name in names if name != "none"]

    return read


def _positive(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 1; got {text!r}")
    return int(text)


def _counts(text: str) -> list[int]:
    return [_positive(part) for part in text.split(",")]


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, at most 1e6; got {text!r}")
    return value


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command to the others; what it returns has yet to be told what to run."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="time fastinit beside the other samplers that are installed",
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--dist", action="extend", type=_names(LAWS), metavar="DIST", help=f"{', '.join(LAWS)} or all (default); repeatable")
    add("--dtype", action="extend", type=_names(DTYPES), metavar="DTYPE", help=f"{', '.join(DTYPES)} or all; default float32")
    add("--size", type=_size, default=VALUES, help="values of a fill, such as 1000000, 64Mi, 1e8; default 2**26")
    add("--threads", action="extend", type=_counts, metavar="N,...", help="a table for each; default: those that Numba takes")
    add("--buffer", choices=BUFFERS, default="touched", help="filled before (default), or allocated anew in every call")
    add("--peers", action="extend", type=_names(PEERS, none=True), metavar="PEER", help=f"of {', '.join(PEERS)}; all, none")
    add("--rounds", type=_positive, default=ROUNDS, help="default %(default)s")
    add("--limit", type=_seconds, default=LIMIT, help="seconds for one answer of a peer, else it is killed; default 120")
    add("--json", metavar="FILE", help="write raw samples, machine and versions")
    add("--plot", metavar="FILE", help="draw the ratios to the store (.png, .svg or .pdf; needs matplotlib)")
    return parser


def _once(names: Sequence[Any] | None, default: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(names if names is not None else default))


def _check_memory(size: int, dtypes: Sequence[str], libraries: Sequence[str]) -> None:
    needed = size * max(numpy_dtype(name).itemsize for name in dtypes) * len(libraries)
    free = machine.free_memory()
    if free is not None and needed > free:
        raise ValueError(
            f"--size: a buffer for each of {len(libraries)} processes makes {needed / 2**30:,.1f} GiB; "
            f"got {size:,} values, and {free / 2**30:,.1f} GiB are free"
        )


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together, before anything is measured.

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
        For more threads than there are, a plot that cannot be drawn, or more memory than is free.
    OSError
        For a file that cannot be written.
    """
    dists, dtypes, threads = _once(args.dist, LAWS), _once(args.dtype, ["float32"]), _once(args.threads, [all_threads()])
    found = [name for name in PEERS if installed(name)]
    peers = _once(args.peers, found)
    if max(threads) > all_threads():
        raise ValueError(f"--threads: must be at most {all_threads()} here; got {max(threads)}")
    if args.plot is not None:
        plot.check(args.plot)
    for path in (args.json, args.plot):
        if path is not None:
            atomic.destination(path, overwrite=True)
    _check_memory(args.size, dtypes, (*OWN, *peers))
    tables = tuple(
        (dist, Job(args.size, dtype, args.buffer, count)) for count, dtype, dist in itertools.product(threads, dtypes, dists)
    )
    absent = [name for name in PEERS if args.peers is None and name not in found]
    return Plan(tables, (*OWN, *peers), tuple(absent), args.rounds, args.limit, args.json, args.plot)


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)  # peers write their errors as they like


def measure(plan: Plan, show: Callable[[session.Table], object]) -> list[session.Table]:
    """Measure the tables in turn; `show` is given each as soon as it is there."""
    done = []
    for law, job in plan.tables:
        with progress(plan.rounds * len(plan.libraries), "turn") as advance:
            done.append(session.measure(law, job, plan.libraries, plan.rounds, plan.limit, advance))
        show(done[-1])
    return done


def run(plan: Plan) -> None:
    """Measure, print, write.

    Parameters
    ----------
    plan : Plan
        As `plan` makes it.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    here = machine.describe(plan.libraries[len(OWN) :])
    _print(machine.sentence(here))
    tables = measure(plan, lambda done: _print(f"\n{table.text(done)}"))
    if plan.absent:
        _print(f"\nNot installed: {', '.join(LIBRARIES[name] for name in plan.absent)}.")
    if plan.json is not None:
        with atomic.replacing(plan.json, overwrite=True) as file:
            file.write((json.dumps(table.document(tables, here), indent=1) + "\n").encode())
    if plan.plot is not None:
        with atomic.replacing(plan.plot, overwrite=True) as file:
            plot.draw(tables, here, file, Path(plan.plot).suffix[1:])
