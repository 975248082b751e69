"""`fastinit explain`: what a row of the table of kernels becomes on a machine."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from fastinit.distributions import LAWS
from fastinit.kernels.rows import ROWS, STORAGE, row
from fastinit.kernels.targets.names import TARGETS

NOTES = """\
Prints LLVM's code of the two functions of a row: `tiles` fills whole tiles, `attempt` tries a
vector of single elements. For --target ptx it is one function: a thread tries one element.
Nothing is run, so every target can be looked at on every machine.

examples:
  fastinit explain normal --dtype bfloat16
  fastinit explain uniform --target avx2 --asm
"""


class Plan(NamedTuple):
    """What to print."""

    law: str
    dtype: str
    target: str | None
    assembly: bool


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the subcommand; the caller sets the function that runs it."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "explain",
        help="print the instructions that a law becomes",
        description="Print the instructions that a law and a dtype become.",
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("law", choices=tuple(LAWS), metavar="LAW", help=", ".join(LAWS))
    parser.add_argument(
        "--dtype", choices=tuple(STORAGE), metavar="DTYPE", help=f"{', '.join(STORAGE)} (default: float32, or uint32 for bits)"
    )
    parser.add_argument("--target", choices=tuple(TARGETS), help="another machine than this one")
    parser.add_argument("--asm", action="store_true", help="assembly instead of LLVM's code")
    return parser


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments."""
    dtype = args.dtype or ("uint32" if args.law == "bits" else "float32")
    if (args.law, dtype) not in ROWS:
        allowed = ", ".join(name for law, name in ROWS if law == args.law)
        raise ValueError(f"--dtype must be one of {allowed} for {args.law}; got {dtype}")
    return Plan(args.law, dtype, args.target, args.asm)


def run(plan: Plan) -> None:
    """Print it."""
    from fastinit.kernels.explain import explain  # LLVM's writer, imported only where it is wanted

    print(explain(row(plan.law, plan.dtype), plan.target, plan.assembly))
