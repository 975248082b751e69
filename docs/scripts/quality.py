"""Regenerate the tables of `docs/quality.md` and `docs/samplers.md`, with every peer installed, on an idle machine.

The parts: `limits`, computed; `grain` and `ulp`, what grain.py and ulp.py print; `rate`, the whole of `fastinit check` over
many seeds, small; `samplers`, the table of each sampler. Each goes between the marks that its page has for it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from scipy import stats

from fastinit.bench import machine
from fastinit.bench.peers import installed
from fastinit.check import run as running
from fastinit.check import samplers, verdict
from fastinit.check.laws import NORMAL, base
from fastinit.commands import check as command

DOCS = Path(__file__).parents[1]
LEVELS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
#: Samplers of the table and the distributions that they are asked for; what is not there is said below the table.
DISTS = "uniform,normal,truncated_normal"


def planned(arguments):
    parser = command.add(argparse.ArgumentParser().add_subparsers())
    return command.plan(parser.parse_args(list(map(str, arguments))))


def rate(args):
    """How often a right sampler is called bad, and how often a single p is below a level."""
    values, good = [], 0
    arguments = ["--samples", args.rate_samples, *(["--dtype", args.dtype] if args.dtype else [])]
    for seed in range(args.seeds):
        results = running.measure(planned([*arguments, "--seed", seed]), lambda done: None)
        found = verdict.judge(results)
        good += found.good
        values += [row.p for result in results for row in result.rows if row.counted]
        wrong = "; ".join(f"{result.subject.title}, {row.name}: p = {row.p:.1e}" for result, row in found.failed)
        print(f"seed {seed}: {verdict.sentence(found)} {wrong}", flush=True)
    p = np.array(values)
    low, high = stats.binomtest(args.seeds - good, args.seeds).proportion_ci(method="exact")
    bad = args.seeds - good
    yield (
        f"{args.seeds} seeds, {args.rate_samples} values of each subject, {len(p) // args.seeds} tests a seed: {good} verdicts "
        f"good, {bad} bad (95 % interval of the rate of bad ones: {low:.4f} to {high:.4f})."
    )
    lines = ["| p below | expected, at most | seen |", "|--:|--:|--:|"]
    lines += [f"| {level:g} | {level * len(p):,.1f} | {(p < level).sum():,} |" for level in LEVELS]
    yield "\n".join(lines)


def sampled(args):
    """The table of each sampler."""
    names = args.sampler.split(",") if args.sampler else [name for name in samplers.MAKERS if installed(name)]
    yield f"{args.samples} values of each; {machine.sentence(machine.describe(names))}."
    for name in names:
        dists = "bits," + DISTS if name in ("fastinit", "numpy", "randomgen") else DISTS
        few = ["--dtype", "float64"] if name in ("mkl_random", "scipy") else ["--dtype", args.dtype] if args.dtype else []
        size = min(args.samples, 2**22) if name == "scipy" else args.samples
        results = running.measure(planned(["--sampler", name, "--dist", dists, "--samples", size, *few]), lambda done: None)
        if all(result.skipped for result in results):
            continue
        found = verdict.judge(results)
        title = samplers.TITLES[name] + (f" (backend {__import__('keras').backend.backend()})" if name == "keras" else "")
        print(f"{title}: {verdict.sentence(found)}", flush=True)
        yield f"### {title}"
        yield verdict.table(results, found, brief=True)
        yield verdict.sentence(found)


def lattice(deviations):
    """The chance that a float32 normal is beyond so many deviations: over all radius words, with any angle."""
    top = 2**32 * np.exp(-(deviations**2) / 2)
    w = np.arange(int(top) + 1, dtype=np.float64)
    r = np.sqrt(-2 * np.log((w + 0.5) * 2.0**-32))
    r = r[r > deviations]
    return float(np.arccos(deviations / r).sum() / np.pi * 2.0**-32)


def limits(args):
    """At how many values the radius' 2^32 steps would show in the count beyond a place, as a shift of one deviation."""
    lines = ["| beyond | chance, normal law | float32 kernels | values until it shows |", "|--:|--:|--:|--:|"]
    for deviations in (4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 6.7):
        exact, got = float(base(NORMAL).sf(deviations)), lattice(deviations)
        lines.append(f"| {deviations:g} | {exact:.6e} | {got:.6e} | {exact / (got - exact) ** 2:.1e} |")
    yield "\n".join(lines)


def printed_by(script):
    """A part that a script of its own prints."""

    def part(args):
        command = [sys.executable, str(Path(__file__).with_name(script))]
        yield subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    return part


#: What makes each part, and its page.
PARTS = {
    "limits": (limits, "quality.md"),
    "grain": (printed_by("grain.py"), "quality.md"),
    "rate": (rate, "quality.md"),
    "samplers": (sampled, "samplers.md"),
    "ulp": (printed_by("ulp.py"), "quality.md"),
}


def replaced(text, name, content):
    """The page with what stands between the two marks of that name replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"the page lacks the marks {begin} and {end}")
    return f"{head}{begin}\n\n{content}\n\n{end}{tail}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2**24, help="values of each subject in the tables (default %(default)s)")
    parser.add_argument("--seeds", type=int, default=200, help="of the rate (default %(default)s)")
    parser.add_argument("--rate-samples", type=int, default=2**20, help="values of each subject there (default %(default)s)")
    parser.add_argument("--dtype", help="as for `fastinit check`: all")
    parser.add_argument("--sampler", help="those of the table, with commas: all that are installed")
    parser.add_argument("--only", action="append", choices=tuple(PARTS), help="leave the rest of the page; repeatable")
    parser.add_argument("--pages", type=Path, default=DOCS, help="directory of the pages (default: docs)")
    args = parser.parse_args(arguments)
    for name in args.only or PARTS:
        make, page = PARTS[name]
        content = "\n\n".join(make(args))
        path = args.pages / page
        path.write_text(replaced(path.read_text(), name, content))


if __name__ == "__main__":
    main()
