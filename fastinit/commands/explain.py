"""`fastinit explain`: the code that a law and a dtype become on a machine."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from fastinit.commands import parsers
from fastinit.commands.kernels import Kernel, is_held
from fastinit.commands.values import name
from fastinit.distributions import LAWS
from fastinit.kernels.row import Row
from fastinit.kernels.rows import STORAGE
from fastinit.kernels.targets import names
from fastinit.laws.text import parse

NOTES = """\
Prints LLVM's code of the two functions of a kernel: `tiles` fills whole tiles, `attempt` tries a vector of single elements. For
--target ptx it is the two kernels of a GPU: in `tiles` a thread fills two counters, in `elements` one element. Nothing is run,
so every target can be looked at on every machine.

examples:
  fastinit explain normal --dtype bfloat16
  fastinit explain uniform --target avx2 --asm
  fastinit explain --law 'mylib:mylaw(scale=2)' --add

A law of your own is module:name: Python imports the module, so its code runs, and looks for it in the current directory last.
"""


#: As in `fastinit.gpu.explain`, which is imported only where something is explained.
TARGETS = (*names.TARGETS, "ptx")


class Plan(NamedTuple):
    """What to print."""

    row: Row
    target: str | None
    assembly: bool


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "explain", "print the instructions that a law becomes", NOTES)
    add = parser.add_argument
    add("row", nargs="?", type=name(tuple(LAWS)), metavar="LAW", help=", ".join(LAWS))
    add("--law", metavar="LAW", help="in its place: laplace(scale=0.1), or module:name of your own")
    add("--dtype", type=name(tuple(STORAGE)), metavar="DTYPE", help=f"{', '.join(STORAGE)} (default: the law's own)")
    add("--target", type=name(TARGETS), metavar="TARGET", help=f"another machine than this one: {', '.join(TARGETS)}")
    add("--add", action="store_true", dest="adds", help="the kernel that adds values to what the output holds")
    add("--asm", action="store_true", help="assembly instead of LLVM's code")
    return parser


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together."""
    if (args.row is None) == (args.law is None):
        raise ValueError("either LAW or --law must be given")
    held = LAWS[args.row].dtypes if args.law is None else parse(args.law).dtype_names
    dtype = args.dtype or held[0]
    allowed = [each for each in STORAGE if is_held(each, held, args.adds)]
    if not allowed:
        raise ValueError(f"--add: only for laws of reals; got {args.row or args.law}")
    if dtype not in allowed:
        raise ValueError(f"--dtype must be one of {', '.join(allowed)} for {args.row or args.law}; got {dtype}")
    formula = Kernel(args.row or args.law, dtype, args.adds, args.law is None).formula()
    if formula is None:
        raise ValueError(f"--law: must not be a constant, which has no kernel; got {args.law!r}")
    return Plan(Row(formula, *STORAGE[dtype]), args.target, args.asm)


def run(plan: Plan) -> None:
    """Print it."""
    from fastinit.gpu.explain import explain  # LLVM's writer, imported only where it is needed

    print(explain(plan.row, plan.target, plan.assembly))
