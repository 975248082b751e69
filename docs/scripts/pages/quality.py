"""Regenerate the tables of `docs/quality.md` and `docs/samplers.md`: `python -m docs.scripts.pages.quality`.

Run it with every peer installed, on an idle machine. The parts: `limits` is computed; `grain`, `grain_variants` and `ulp` are
the output of `docs.scripts.derivations`; `power` says how many values show a fault; `rate` is `fastinit check` of the weights'
laws, with few values, over many seeds; `huge` has what `fastinit check --json` wrote to `docs/figures/huge`; `samplers` has a
table for each sampler.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import stats

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table
from docs.scripts.pages import power
from fastinit.bench import machine
from fastinit.check import run, verdict
from fastinit.check.laws import NORMAL
from fastinit.check.results import Result, Row, Subject
from fastinit.commands import check as command
from fastinit.peers.libraries import installed

LEVELS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
#: The distributions of each table; a line below it names those that the sampler does not have.
DISTS = "uniform,normal,truncated_normal"
#: Files of runs with at least so many values.
HUGE, MANY = DOCS / "figures" / "huge", 10**10


def results_of(options):
    """The results of `fastinit check` with these options."""
    parser = command.add(argparse.ArgumentParser().add_subparsers())
    plan = command.plan(parser.parse_args(list(map(str, options))))
    results, stopped = run.measure(plan.run, lambda results: None)
    if stopped:
        raise stopped
    return results


def rate(args):
    """How often a right sampler is called BAD, and how often a single p is below a level."""
    values, good = [], 0
    options = ["--dist", "bits," + DISTS, "--samples", args.rate_samples, *(["--dtype", args.dtype] if args.dtype else [])]
    for seed in range(args.seeds):
        results = results_of([*options, "--seed", seed])
        judged = verdict.judge(results)
        good += judged.good
        values += [row.p for result in results for row in result.rows if row.counted]
        wrong = "; ".join(f"{result.subject.title}, {row.name}: p = {row.p:.1e}" for result, row in judged.failed)
        print(f"seed {seed}: {verdict.sentence(judged)} {wrong}", flush=True)
    p = np.array(values)
    low, high = stats.binomtest(args.seeds - good, args.seeds).proportion_ci(method="exact")
    bad = args.seeds - good
    yield (
        f"{args.seeds} seeds, {args.rate_samples} values of each subject, {len(p) // args.seeds} tests a seed: {good} verdicts "
        f"good, {bad} bad (95 % interval of the rate of bad ones: {low:.4f} to {high:.4f})."
    )
    rows = [[f"{level:g}", f"{level * len(p):,.1f}", f"{(p < level).sum():,}"] for level in LEVELS]
    yield table(["p below", "expected, at most", "seen"], rows, left=0)


def p_value(rows, judged):
    """The least p of a group, adjusted for the number of its tests."""
    fail = " FAIL" if any(map(judged.fails, rows)) else ""
    if not any(row.counted for row in rows):
        return fail.strip() or ("ok" if rows else "")
    return verdict.number(verdict.combined(rows)) + fail


def groups(results, judged):
    """A table with a line for each subject and a column for each group of tests."""
    present = [group for group in verdict.GROUPS if any(group in verdict.by_group(result) for result in results)]
    rows = []
    for result in results:
        if result.skipped is None:
            size = f"{result.size:.3g}".replace("e+0", "e").replace("e+", "e") if result.size else ""
            tests = verdict.by_group(result)
            rows.append([result.subject.title, size, *(p_value(tests.get(group, []), judged) for group in present)])
    return table(["", "values", *(verdict.GROUPS[group] for group in present)], rows, left=2 + len(present))


def first_failures(results, judged):
    """The first failed test of each subject and the number of the others; then what was not tested."""
    for result in results:
        failed = [pair for pair in judged.failed if pair[0] is result]
        for sentence in verdict.remarks([], judged._replace(failed=failed[:1])):
            yield sentence + (f"; {len(failed) - 1} more" if len(failed) > 1 else "")
    yield from verdict.remarks(results, judged._replace(failed=()))


def sampled(args):
    """The table of each sampler."""
    names = args.sampler.split(",") if args.sampler else [name for name in run.SAMPLERS if installed(name)]
    yield f"{args.samples} values of each; {machine.sentence(machine.describe(names))}."
    for name in names:
        dists = "bits," + DISTS if name in ("fastinit", "numpy", "randomgen") else DISTS
        few = ["--dtype", "float64"] if name in ("mkl_random", "scipy") else ["--dtype", args.dtype] if args.dtype else []
        size = min(args.samples, 2**22) if name == "scipy" else args.samples
        results = results_of(["--sampler", name, "--dist", dists, "--samples", size, *few])
        if all(result.skipped for result in results):
            continue
        judged = verdict.judge(results)
        title = run.SAMPLERS[name] + (f" (backend {__import__('keras').backend.backend()})" if name == "keras" else "")
        print(f"{title}: {verdict.sentence(judged)}", flush=True)
        yield f"## {title}"
        yield groups(results, judged)
        yield "\n".join(first_failures(results, judged))
        yield verdict.sentence(judged)


def kept(path):
    """The results in a file of `fastinit check --json`."""
    for each in json.loads(path.read_text())["subjects"]:
        rows = tuple(Row(*(test[name] for name in Row._fields)) for test in each["tests"])
        yield Result(Subject(each["sampler"], None, None, each["subject"]), each["values"] or 0, each["seconds"], rows)


def huge(args):
    """What `docs/figures/huge` has of runs of many hours."""
    results = [result for path in sorted(HUGE.glob("*.json")) for result in kept(path) if result.size >= MANY]
    judged = verdict.judge(results)
    yield groups(results, judged)
    yield "\n".join(first_failures(results, judged))


def lattice(deviations):
    """The chance of a float32 normal beyond this many deviations: over all radius words, with any angle."""
    top = 2**32 * np.exp(-(deviations**2) / 2)
    w = np.arange(int(top) + 1, dtype=np.float64)
    r = np.sqrt(-2 * np.log((w + 0.5) * 2.0**-32))
    r = r[r > deviations]
    return float(np.arccos(deviations / r).sum() / np.pi * 2.0**-32)


def limits(args):
    """How many values it takes until the 2^32 steps of the radius shift the count in a tail by one deviation."""
    rows = []
    for deviations in (4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 6.7):
        law, kernel = float(NORMAL.base().sf(deviations)), lattice(deviations)
        rows.append([f"{deviations:g}", f"{law:.6e}", f"{kernel:.6e}", f"{law / (kernel - law) ** 2:.1e}"])
    yield table(["beyond", "chance, normal law", "float32 kernels", "values until it shows"], rows, left=0)


def printed_by(script):
    """A part that another script prints."""

    def part(args):
        command = [sys.executable, "-m", f"docs.scripts.derivations.{script}"]
        yield subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=DOCS.parent).stdout.strip()

    return part


#: What makes each part, and its page.
PARTS = {
    "huge": (huge, "quality.md"),
    "limits": (limits, "quality.md"),
    "grain": (printed_by("grain"), "quality.md"),
    "grain_variants": (printed_by("grain_variants"), "quality.md"),
    "power": (power.lines, "quality.md"),
    "rate": (rate, "quality.md"),
    "samplers": (sampled, "samplers.md"),
    "ulp": (printed_by("ulp"), "quality.md"),
}


def main(argv=None):
    parser = arguments.parser(__doc__)
    parser.add_argument(
        "--samples", type=arguments.count, default=2**24, help="values of each subject in the tables (default %(default)s)"
    )
    parser.add_argument("--power-seeds", type=arguments.count, default=5, help="of each fault (default %(default)s)")
    parser.add_argument("--seeds", type=arguments.count, default=200, help="of the rate (default %(default)s)")
    parser.add_argument(
        "--rate-samples", type=arguments.count, default=2**20, help="values of each subject there (default %(default)s)"
    )
    parser.add_argument("--dtype", help="as for `fastinit check`: all")
    parser.add_argument("--sampler", help="those of the table, with commas: all that are installed")
    parser.add_argument("--only", action="append", choices=tuple(PARTS), help="leave the rest of the page; repeatable")
    parser.add_argument("--pages", type=Path, default=DOCS, help="directory of the pages (default: docs)")
    args = parser.parse_args(argv)
    for name in args.only or PARTS:
        make, page = PARTS[name]
        content = "\n\n".join(make(args))
        put(args.pages / page, name, content)


if __name__ == "__main__":
    main()
