"""`fastinit explain`: the code that a law and a dtype become on a machine."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from fastinit.commands import parsers
from fastinit.commands.values import name
from fastinit.distributions import LAWS
from fastinit.kernels.rows import ROWS, STORAGE, row
from fastinit.kernels.targets import names

NOTES = """\
Prints LLVM's code of the two functions of a kernel: `tiles` fills whole tiles, `attempt` tries a vector of single elements. For
--target ptx it is the two kernels of a GPU: in `tiles` a thread fills two counters, in `elements` one element. Nothing is run,
so every target can be looked at on every machine.

examples:
  fastinit explain normal --dtype bfloat16
  fastinit explain uniform --target avx2 --asm
"""


#: As in `fastinit.gpu.explain`, which is imported only where something is explained.
TARGETS = (*names.TARGETS, "ptx")


class Plan(NamedTuple):
    """What to print."""

    law: str
    dtype: str
    target: str | None
    assembly: bool


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "explain", "print the instructions that a law becomes", NOTES)
    add = parser.add_argument
    add("law", type=name(tuple(LAWS)), metavar="LAW", help=", ".join(LAWS))
    dtypes = f"{', '.join(STORAGE)} (default: float32, or uint32 for bits)"
    add("--dtype", type=name(tuple(STORAGE)), metavar="DTYPE", help=dtypes)
    add("--target", type=name(TARGETS), metavar="TARGET", help=f"another machine than this one: {', '.join(TARGETS)}")
    add("--asm", action="store_true", help="assembly instead of LLVM's code")
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
    from fastinit.gpu.explain import explain  # LLVM's writer, imported only where it is needed

    print(explain(row(plan.law, plan.dtype), plan.target, plan.assembly))
