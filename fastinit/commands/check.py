"""`fastinit check`: its arguments. SciPy is loaded when there is something to run."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from fastinit.arguments import dtypes
from fastinit.bench.peers import installed

SAMPLES = 1 << 24
SAMPLERS = ("fastinit", "numpy", "torch", "jax", "tensorflow", "keras", "mkl_random", "scipy", "randomgen")
#: Other names that people use.
ALIASES = {"mkl": "mkl_random", "tf": "tensorflow"}
DISTS = ("bits", "uniform", "normal", "truncated_normal")
DTYPES = tuple(real.name for real in dtypes.REALS.values())

NOTES = """\
Each sampler and dtype is counted in 2^16 equally likely bins, or, in dtypes of 16 bits and fewer, in a cell for each of its
numbers, and compared with its exact law after rounding. A column of the table holds the least p of a group of tests, adjusted
for their number. A test fails if its p is below 0.001 over the number of all tests made, so a right sampler is called bad
once in 1,000 runs. docs/quality.md says what the tests are, and up to which number of values a sampler can pass them.

Exit status: 0 good; 1 bad, or a file could not be written; 2 wrong arguments; 130 interrupted.
"""


def _samples(text: str) -> int:
    """A count of values: 16777216, 2**24, 1e8."""
    if power := re.fullmatch(r"([0-9]{1,5})(?:\*\*|\^)([0-9]{1,2})", text):
        size: int = int(power[1]) ** int(power[2])
    elif short := re.fullmatch(r"([0-9]{1,5})[eE]\+?([0-9]{1,2})", text):
        size = int(short[1]) * 10 ** int(short[2])
    else:
        size = int(text) if re.fullmatch(r"[0-9]{1,20}", text) else 0
    if not 1 << 16 <= size <= 1 << 60:
        raise argparse.ArgumentTypeError(f"must be a whole number from 65536 to 2**60, such as 1e8 or 2**24; got {text!r}")
    return size


def _names(allowed: Sequence[str], aliases: dict[str, str] | None = None) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = [(aliases or {}).get(name, name) for name in text.split(",")]
        if alien := [name for name in names if name not in (*allowed, "all")]:
            raise argparse.ArgumentTypeError(f"must be of {', '.join(allowed)} or all, with commas; got {alien[0]!r}")
        return list(allowed) if "all" in names else names

    return read


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command to the others; what it returns has yet to be told what to run."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="test the samplers' values against their exact laws",
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--sampler",
        action="extend",
        type=_names(SAMPLERS, ALIASES),
        metavar="NAME",
        help=f"{', '.join(SAMPLERS)}; default fastinit",
    )
    add("--dist", action="extend", type=_names(DISTS), metavar="DIST", help=f"{', '.join(DISTS)}; default all")
    add("--dtype", action="extend", type=_names(DTYPES), metavar="DTYPE", help=f"{', '.join(DTYPES)}; default all")
    add("--a", type=float, help="truncated_normal between these bounds only, in deviations")
    add("--b", type=float, help="the upper bound; default inf")
    add("--samples", type=_samples, default=SAMPLES, metavar="N", help="values of each, such as 1e8, 1e11; default 2**24")
    add("--seed", type=int, default=0, help="default 0")
    add("--all", action="store_true", dest="every", help="print every test, not groups of them only")
    add("--json", metavar="FILE", help="write every test")
    add("--plot", metavar="FILE", help="draw histograms, quantiles, autocorrelations (.png, .svg or .pdf; needs matplotlib)")
    return parser


def plan(args: argparse.Namespace) -> Any:
    """Check the arguments together, before anything is drawn.

    Parameters
    ----------
    args : argparse.Namespace
        As the parser of `add` makes it.

    Returns
    -------
    running.Plan
        For `run`.

    Raises
    ------
    ValueError
        Without SciPy, for a negative seed, bounds that do not go together, or a plot that cannot be drawn.
    OSError
        For a file that cannot be written.
    """
    if not installed("scipy"):
        raise ValueError("needs SciPy, which is not installed: pip install 'fastinit[check]'")
    return import_module("fastinit.check.run").plan(args)


def run(plan: Any) -> int:
    """Check, print, write.

    Parameters
    ----------
    plan : running.Plan
        As `plan` makes it.

    Returns
    -------
    int
        Exit status: 0 if every sampler is good, 1 if one is bad.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    status: int = import_module("fastinit.check.run").run(plan)
    return status
