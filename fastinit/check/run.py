"""What `fastinit check` does: which subjects it has, their tests, and what it prints and writes."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fastinit.arguments import dtypes
from fastinit.bench import machine
from fastinit.bench.peers import installed
from fastinit.check import plot, promises, samplers, verdict, words
from fastinit.check import subjects as session
from fastinit.check.laws import BITS, NORMAL, UNIFORM, Law
from fastinit.check.subjects import Result, Subject
from fastinit.files import atomic
from fastinit.progress import progress

INF = math.inf
DTYPES = tuple(real.name for real in dtypes.REALS.values())
#: The laws of each distribution: of the truncated normal, one for each way that proposals are made.
LAWS = {
    "bits": (BITS,),
    "uniform": (UNIFORM, Law("uniform", -1.5, 2.5)),
    "normal": (NORMAL,),
    "truncated_normal": tuple(Law("normal", a, b) for a, b in ((-2.0, 2.0), (-3.0, 2.5), (0.0, INF), (2.0, INF), (3.0, 3.25))),
}
#: What other libraries are asked for where nothing is said.
PEER_LAWS = {**LAWS, "uniform": (UNIFORM,), "truncated_normal": (Law("normal", -2.0, 2.0), Law("normal", 1.0, INF))}


class Plan(NamedTuple):
    """What is checked, and where it goes."""

    subjects: tuple[Subject, ...]
    own: bool
    samples: int
    seed: int
    every: bool
    json: str | None
    plot: str | None


def _once(names: Sequence[Any] | None, default: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(names if names is not None else default))


def _bounded(args: argparse.Namespace) -> tuple[Law, ...] | None:
    if args.a is None and args.b is None:
        return None
    a, b = -INF if args.a is None else args.a, INF if args.b is None else args.b
    if not a < b:
        raise ValueError(f"--a, --b: a must be less than b; got {a!r}, {b!r}")
    if not (b > -37.0 and a < 37.0) or min(b, 37.0) - max(a, -37.0) < 1e-3:
        raise ValueError(f"--a, --b: must be 0.001 apart or more, within 37 deviations; got {a!r}, {b!r}")
    return (Law("normal", a, b),)


def _subjects(args: argparse.Namespace) -> list[Subject]:
    bounded = _bounded(args)
    dists = _once(args.dist, ["truncated_normal"] if bounded else tuple(LAWS))
    if bounded and dists != ["truncated_normal"]:
        raise ValueError(f"--a, --b: not for --dist {','.join(dists)}, but for truncated_normal")
    reals = [dtypes.resolve(name) for name in _once(args.dtype, DTYPES)]
    double = dtypes.resolve("float64")
    found = []
    for sampler in _once(args.sampler, ["fastinit"]):
        table = LAWS if sampler == "fastinit" else PEER_LAWS
        for dist in dists:
            for law, real in itertools.product(bounded or table[dist], [double] if dist == "bits" else reals):
                found.append(session.subject(sampler, law, real))
    return found


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together, before anything is drawn.

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
        For a negative seed, bounds that do not go together, or a plot that cannot be drawn.
    OSError
        For a file that cannot be written.
    """
    if not 0 <= args.seed < 2**31:
        raise ValueError(f"--seed: must be from 0 to 2147483647; got {args.seed}")
    if args.plot is not None:
        plot.check(args.plot)
    for path in (args.json, args.plot):
        if path is not None:
            atomic.destination(path, overwrite=True)
    own = "fastinit" in _once(args.sampler, ["fastinit"]) and args.a is None and args.b is None
    return Plan(tuple(_subjects(args)), own, args.samples, args.seed, args.every, args.json, args.plot)


def _whole(plan: Plan) -> list[Result]:
    """What is tested of fastinit as a whole: the words, and the promise for the laws and dtypes that are checked."""
    start = time.perf_counter()
    mine = [about for about in plan.subjects if about.sampler == "fastinit"]
    chosen = list(dict.fromkeys(about.law for about in mine if about.law is not None))
    reals = list(dict.fromkeys(about.real for about in mine if about.real is not None and about.law != BITS))
    parts = {
        "streams": words.rows(plan.seed),
        "promises": promises.rows(chosen, reals or [dtypes.resolve("float32")], plan.seed),
    }
    results = []
    for title, rows in parts.items():
        done, now = tuple(rows), time.perf_counter()
        results.append(Result(Subject("fastinit", None, None, title), 0, now - start, done))
        start = now
    return results


def measure(plan: Plan, show: Callable[[list[Result]], object]) -> list[Result]:
    """Check sampler by sampler; `show` is given the results of each as soon as they are there."""
    results: list[Result] = []
    with progress(plan.samples * len(plan.subjects), "value", unit_scale=True) as advance:
        for sampler, group in itertools.groupby(plan.subjects, lambda about: about.sampler):
            own = _whole(plan) if plan.own and sampler == "fastinit" else []
            for about in group:
                own.append(session.check(about, plan.seed, plan.samples, advance))
            show(own)
            results += own
    return results


def _shown(plan: Plan, results: list[Result]) -> str:
    found = verdict.judge(results)
    lines = [f"\n{samplers.TITLES[results[0].subject.sampler]}\n", verdict.table(results, found), ""]
    if plan.every:
        tests = ((result.subject.title, row) for result in results for row in result.rows)
        lines += [f"  {title}: {row.name}: {row.statistic:.9g}, p = {verdict.number(row.p)}" for title, row in tests]
    return "\n".join([*lines, verdict.sentence(found)])


def run(plan: Plan) -> int:
    """Check, print, write.

    Parameters
    ----------
    plan : Plan
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
    libraries = [name for name in dict.fromkeys(about.sampler for about in plan.subjects) if installed(name)]
    here = machine.describe(("scipy", *(name for name in libraries if name not in ("fastinit", "numpy", "scipy"))))
    print(machine.sentence(here), flush=True)
    results = measure(plan, lambda done: print(_shown(plan, done), flush=True))
    verdicts = [verdict.judge(list(done)) for _, done in itertools.groupby(results, lambda result: result.subject.sampler)]
    if plan.json is not None:
        with atomic.replacing(plan.json, overwrite=True) as file:
            file.write((json.dumps(verdict.document(results, verdict.judge(results), here), indent=1) + "\n").encode())
    if plan.plot is not None:
        with atomic.replacing(plan.plot, overwrite=True) as file:
            plot.draw(results, file, Path(plan.plot).suffix[1:])
    return 0 if all(found.good for found in verdicts) else 1
