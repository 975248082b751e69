"""`fastinit check`: arguments and output. `fastinit.check` tests."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastinit.bench import machine
from fastinit.bench.markdown import wrapped
from fastinit.check import junit, verdict
from fastinit.check import run as checks
from fastinit.check.laws import BITS, DTYPES, LAWS, Law
from fastinit.check.results import Result, subject
from fastinit.commands import parsers, reports
from fastinit.commands.values import count, names
from fastinit.peers.libraries import ALIASES, need

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
  fastinit check --peer mylib:gamma --cdf 'scipy.stats.gamma(2.5)'
  fastinit check --command './mysampler {count} {seed}' --dist normal

--cdf is the exact distribution of a law of your own, module:name, or of a sampler of your own: a distribution of scipy.stats
with its arguments, or module:name of a function from a float to the chance of at most as much, or of an object with such a
method cdf. Python imports the modules, so their code runs, and looks for them in the current directory last. A function is
evaluated some five million times, with whole arrays if it takes them. It must be continuous: for a law of few values name a
discrete distribution, such as 'scipy.stats.rv_discrete(values=((-1,0,1),(0.25,0.5,0.25)))'.

--peer names a function that is called with a count, a seed and the name of a dtype, by position, and returns that many values
of that dtype: an array of NumPy, torch, JAX or another library. It is called for each 2^22 values, and the seed is --seed plus
the number of the call. --peer NAME is an entry point of the group fastinit.samplers. A function that does not make a dtype
raises NotImplementedError.

--command names a program that writes values to its standard output, in the dtype of --dtype, little-endian and without
anything between them. {count}, {seed} and {dtype} in its arguments become what is asked for. With {count} it must write exactly
so many and end with status 0; without, it may write without end, and is stopped. No shell runs: for a pipe, write
"sh -c 'program | filter'".

Ctrl-C ends the values early, and the tests are made of what is there.

Exit status: 0 good; 1 bad, or a file could not be written; 2 wrong arguments; 130 interrupted.
"""


class Plan(NamedTuple):
    """What is tested, and the files that are written; `against`: the text of a law; `every`: whether all tests are printed."""

    run: checks.Run
    against: str
    every: bool
    files: reports.Files


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "check", "test the samplers' values against their exact laws", NOTES)
    add = parser.add_argument
    samplers, dists = tuple(checks.SAMPLERS), tuple(LAWS)
    samples = functools.partial(count, least=1 << 16, most=1 << 60)
    repeated: dict[str, Any] = {"action": "extend", "metavar": "NAME,..."}
    add("--sampler", type=names(samplers, ALIASES), help=f"{', '.join(samplers)}; default fastinit", **repeated)
    add("--peer", type=lambda text: text.split(","), action="extend", metavar="FUNCTION,...", help="module:function, or NAME")
    add("--command", action="append", dest="programs", metavar="COMMAND", help="a program that writes values; repeatable")
    add("--dist", type=names(dists), help=f"{', '.join(dists)}; default all", **repeated)
    add("--dtype", type=names(DTYPES), help=f"{', '.join(DTYPES)}; default all that hold the law", **repeated)
    add("--law", metavar="LAW", help="only this one, with its arguments: laplace(scale=0.1), or module:name of your own")
    add("--cdf", metavar="CDF", help="the exact distribution: scipy.stats.NAME(...) or module:name")
    add("--a", type=float, help="only the truncated_normal between these bounds, in deviations")
    add("--b", type=float, help="the upper bound; default inf")
    add("--samples", type=samples, default=1 << 24, metavar="N", help="values of each subject, such as 1e8; default 2**24")
    add("--seed", type=int, default=0, help="default 0")
    add("--all", action="store_true", dest="every", help="print every test")
    add("--junit", metavar="FILE", help="write every test as XML, for continuous integration")
    reports.add_device(parser, "test the values that fastinit makes on a CUDA device")
    reports.add(parser, "every test", "each subject")
    return parser


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together, before anything is drawn; ValueError or OSError says what is wrong."""
    need("check", "the command")
    if not 0 <= args.seed < 2**31:
        raise ValueError(f"--seed: must be from 0 to 2147483647; got {args.seed}")
    files = reports.files(args)
    against = " against ".join(filter(None, (args.law, args.cdf)))
    run = _of_others(args) if args.peer or args.programs else _of_libraries(args)
    return Plan(run, against and f": {against}", args.every, files)


def _of_libraries(args: argparse.Namespace) -> checks.Run:
    """What is tested of fastinit and of the libraries that it knows."""
    law, dists = _law(args)
    on_device, samplers = reports.use_device(args), reports.once(args.sampler, ["fastinit"])
    for option, forbidden in (("--device cuda", on_device), ("--law", args.law is not None)):
        if forbidden and samplers != ["fastinit"]:
            raise ValueError(f"{option}: only for --sampler fastinit; got {','.join(samplers)}")
    subjects = checks.subjects(samplers, dists, reports.once(args.dtype, DTYPES), law)
    return checks.Run(tuple(subjects), args.samples, args.seed, law is None and not on_device, args.device)


def _law(args: argparse.Namespace) -> tuple[Law | None, list[str]]:
    """The one law that is tested, if there is one, and the distributions."""
    bounded = checks.bounded(args.a, args.b)
    dists = reports.once(args.dist, ["truncated_normal"] if bounded else tuple(LAWS))
    if bounded and dists != ["truncated_normal"]:
        raise ValueError(f"--a, --b: only for --dist truncated_normal; got {','.join(dists)}")
    if args.law is None:
        if args.cdf is not None:
            raise ValueError(f"--cdf: only with --law, --peer or --command; got {args.cdf!r}")
        return bounded, dists
    return _named(args), []


def _named(args: argparse.Namespace) -> Law:
    """The law of --law and --cdf."""
    if args.dist or args.a is not None or args.b is not None:
        raise ValueError(f"{'--cdf' if args.law is None else '--law'}: not with --dist, --a or --b")
    from fastinit.check import own  # imports the module of the law

    return own.law(args.law, args.cdf)


def _of_others(args: argparse.Namespace) -> checks.Run:
    """What is tested of functions and programs: they follow one law."""
    for option, value in (("--sampler", args.sampler), ("--device", args.device != "cpu" and args.device)):
        if value:
            raise ValueError(f"{option}: not with --peer or --command; got {value}")
    law = _of_one(args)
    wanted = reports.once(args.dtype, [_usual(law)])
    others = {text: checks.opened(text, command=False) for text in args.peer or ()}
    others |= {text: checks.opened(text, command=True) for text in args.programs or ()}
    reals = [real for name in wanted for real in law.reals if real.name == name]
    if not reals:
        raise ValueError(f"--dtype: must be one of {', '.join(real.name for real in law.reals)} for {law.title}")
    subjects = [subject(name, law, real) for name in others for real in reals]
    return checks.Run(tuple(subjects), args.samples, args.seed, others=others)


def _of_one(args: argparse.Namespace) -> Law:
    """The law that functions and programs follow."""
    if args.law is not None or args.cdf is not None:
        return _named(args)
    bounded, dists = _law(args)
    if bounded is not None:
        return bounded
    if args.dist is None or len(dists) != 1:
        raise ValueError("--peer, --command: need the one law that they follow: --dist, --law or --cdf")
    from fastinit.check import own

    return BITS if dists == ["bits"] else own.law(dists[0], None)


def _usual(law: Law) -> str:
    """The dtype that is tested if none is named."""
    held = [real.name for real in law.reals]
    return next(name for name in ("int64" if law.integral else "float32", *held) if name in held)


def _show(plan: Plan, results: Sequence[Result]) -> None:
    """Print the results of one sampler."""
    judged = verdict.judge(results)
    name = results[0].subject.sampler
    title = f"{checks.SAMPLERS.get(name, name)}, {plan.run.samples:,} values of each{plan.against}"
    tests = [verdict.told(row, f"{result.subject.title}: ") for result in results for row in result.rows if plan.every]
    parts = [wrapped(title), verdict.table(results, judged), "\n".join(tests), wrapped(verdict.sentence(judged))]
    reports.show("\n" + "\n\n".join(filter(None, parts)))


def _draw(results: Sequence[Result], file: Any, kind: str) -> None:
    from fastinit.check.plot import draw  # imports SciPy

    draw(results, file, kind)


def _said_of_stop(plan: Plan, results: Sequence[Result]) -> str:
    """How far an interrupted run came."""
    done = [result for result in results if result.subject.law is not None]
    last = done[-1] if done and done[-1].stopped else None
    left = len(plan.run.subjects) - len(done)
    parts = [f"{last.subject.title} has {last.size:,} of {plan.run.samples:,} values"] if last else []
    if left:
        parts.append(f"{left} of {len(plan.run.subjects)} subjects were not tested")
    return f"Interrupted: {'; '.join(parts)}."


def run(plan: Plan) -> int:
    """Test, print, write; 1 if a sampler is bad, else 0. OSError if a file cannot be written."""
    modules = {each.sampler.partition(":")[0].partition(".")[0] for each in plan.run.subjects}
    others = (name for name in sorted({*modules, "scipy"}) if name not in ("fastinit", "numpy"))
    here = machine.describe(others, plan.run.device)
    reports.show(wrapped(machine.sentence(here)))
    results, stopped = checks.measure(plan.run, lambda done: _show(plan, done))
    if stopped:
        reports.show("\n" + wrapped(_said_of_stop(plan, results)))
    document = functools.partial(verdict.document, results, here)
    if results:
        reports.write(plan.files, document, functools.partial(_draw, results), functools.partial(junit.write, results))
    if stopped:
        raise stopped
    return 0 if all(verdict.judge(group).good for group in verdict.by_sampler(results).values()) else 1
