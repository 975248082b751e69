"""`fastinit check`: arguments and output. `fastinit.check` tests."""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastinit.bench import machine
from fastinit.bench.markdown import wrapped
from fastinit.check import run as checks
from fastinit.check import verdict
from fastinit.check.laws import DTYPES, LAWS, Law
from fastinit.check.results import Result, Subject
from fastinit.commands import parsers, reports
from fastinit.commands.values import count, names
from fastinit.peers.libraries import ALIASES, installed

NOTES = """\
Values are counted in 2^16 equally likely bins or, in dtypes of 16 and 8 bits and where the law has few values, in a cell for
each number, and compared with their exact law after rounding. The table has the least p of each subject's groups of tests,
adjusted for the number of tests in the group. A test fails if its p is below 0.001 over the number of all tests, so a right
sampler is called BAD once in 1,000 runs.

examples:
  fastinit check --dist normal --dtype float32 --samples 1e8
  fastinit check --sampler torch,jax --dist truncated_normal --a 1 --b inf
  fastinit check --law 'laplace(scale=0.1)'
  fastinit check --law 'mylib:mylaw(scale=2)' --cdf mylib:cdf

A law of your own, module:name, is tested against --cdf: a distribution of scipy.stats with its arguments, or module:name of a
function from a float to the chance of at most as much, or of an object with such a method cdf. Python imports both modules, so
their code runs, and looks for them in the current directory last. A function is evaluated some five million times, with whole
arrays if it takes them. It must be continuous: for a law of few values name a discrete distribution, such as
'scipy.stats.rv_discrete(values=((-1,0,1),(0.25,0.5,0.25)))'.

Exit status: 0 good; 1 bad, or a file could not be written; 2 wrong arguments; 130 interrupted.
"""


class Plan(NamedTuple):
    """What is tested, and the files that are written; `whole`: fastinit's streams too; `against`: the text of a law."""

    subjects: tuple[Subject, ...]
    whole: bool
    against: str
    samples: int
    seed: int
    every: bool
    files: reports.Files
    device: str


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "check", "test the samplers' values against their exact laws", NOTES)
    add = parser.add_argument
    samplers, dists = tuple(checks.SAMPLERS), tuple(LAWS)
    samples = functools.partial(count, least=1 << 16, most=1 << 60)
    repeated: dict[str, Any] = {"action": "extend", "metavar": "NAME,..."}
    add("--sampler", type=names(samplers, ALIASES), help=f"{', '.join(samplers)}; default fastinit", **repeated)
    add("--dist", type=names(dists), help=f"{', '.join(dists)}; default all", **repeated)
    add("--dtype", type=names(DTYPES), help=f"{', '.join(DTYPES)}; default all that hold the law", **repeated)
    add("--law", metavar="LAW", help="only this one, with its arguments: laplace(scale=0.1), or module:name of your own")
    add("--cdf", metavar="CDF", help="the exact distribution of --law: scipy.stats.NAME(...) or module:name")
    add("--a", type=float, help="only the truncated_normal between these bounds, in deviations")
    add("--b", type=float, help="the upper bound; default inf")
    add("--samples", type=samples, default=1 << 24, metavar="N", help="values of each subject, such as 1e8; default 2**24")
    add("--seed", type=int, default=0, help="default 0")
    add("--all", action="store_true", dest="every", help="print every test")
    reports.add_device(parser, "test the values that fastinit makes on a CUDA device")
    reports.add(parser, "every test", "each subject")
    return parser


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together, before anything is drawn; ValueError or OSError says what is wrong."""
    if not installed("scipy"):
        raise ValueError("needs SciPy, which is not installed: pip install 'fastinit-kernels[check]'")
    if not 0 <= args.seed < 2**31:
        raise ValueError(f"--seed: must be from 0 to 2147483647; got {args.seed}")
    law, dists = _law(args)
    on_device, samplers = reports.use_device(args), reports.once(args.sampler, ["fastinit"])
    for option, forbidden in (("--device cuda", on_device), ("--law", args.law is not None)):
        if forbidden and samplers != ["fastinit"]:
            raise ValueError(f"{option}: only for --sampler fastinit; got {','.join(samplers)}")
    files = reports.files(args)
    subjects = checks.subjects(samplers, dists, reports.once(args.dtype, DTYPES), law)
    whole = law is None and not on_device
    against = f": {args.law}{f' against {args.cdf}' if args.cdf else ''}" if args.law else ""
    return Plan(tuple(subjects), whole, against, args.samples, args.seed, args.every, files, args.device)


def _law(args: argparse.Namespace) -> tuple[Law | None, list[str]]:
    """The one law that is tested, if there is one, and the distributions."""
    bounded = checks.bounded(args.a, args.b)
    dists = reports.once(args.dist, ["truncated_normal"] if bounded else tuple(LAWS))
    if bounded and dists != ["truncated_normal"]:
        raise ValueError(f"--a, --b: only for --dist truncated_normal; got {','.join(dists)}")
    if args.law is None:
        if args.cdf is not None:
            raise ValueError(f"--cdf: only with --law; got {args.cdf!r}")
        return bounded, dists
    if args.dist or bounded:
        raise ValueError("--law: not with --dist, --a or --b")
    from fastinit.check import own  # imports the module of the law

    return own.law(args.law, args.cdf), []


def _show(plan: Plan, results: Sequence[Result]) -> None:
    """Print the results of one sampler."""
    judged = verdict.judge(results)
    title = wrapped(f"{checks.SAMPLERS[results[0].subject.sampler]}, {plan.samples:,} values of each{plan.against}")
    tests = [
        wrapped(f"- {result.subject.title}: {row.name}: {row.statistic:.9g}, p = {verdict.number(row.p)}", "  ")
        for result in results
        for row in result.rows
        if plan.every
    ]
    parts = [title, verdict.table(results, judged), "\n".join(tests), wrapped(verdict.sentence(judged))]
    reports.show("\n" + "\n\n".join(filter(None, parts)))


def _draw(results: Sequence[Result], file: Any, kind: str) -> None:
    from fastinit.check.plot import draw  # imports SciPy

    draw(results, file, kind)


def run(plan: Plan) -> int:
    """Test, print, write; 1 if a sampler is bad, else 0. OSError if a file cannot be written."""
    libraries = dict.fromkeys([*(each.sampler for each in plan.subjects), "scipy"])
    here = machine.describe(name for name in libraries if name not in ("fastinit", "numpy"))
    reports.show(wrapped(machine.sentence(here)))
    results = checks.measure(
        plan.subjects, plan.samples, plan.seed, lambda done: _show(plan, done), whole=plan.whole, device=plan.device
    )
    document = functools.partial(verdict.document, results, verdict.judge(results), here)
    reports.write(plan.files, document, functools.partial(_draw, results))
    groups = itertools.groupby(results, lambda result: result.subject.sampler)
    return 0 if all(verdict.judge(list(group)).good for _, group in groups) else 1
