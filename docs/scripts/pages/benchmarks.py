"""Regenerate the tables and the picture of `docs/benchmarks.md`: `python -m docs.scripts.pages.benchmarks`.

Run it on an idle machine. The tables come from `fastinit bench`, `docs.scripts.models.models` and `docs.scripts.pages.fills`.
`--only benchmarks` takes some five minutes with NumPy, torch, JAX, SciPy, randomgen and Randompack, the rest more. The picture
needs matplotlib.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put
from fastinit.bench import figures, machine, plot, table
from fastinit.bench.measure import ROUNDS, VALUES
from fastinit.bench.samplers import PEERS
from fastinit.commands import bench as command

PAGE = DOCS / "benchmarks.md"
PICTURE = "benchmarks.png"

#: Titles and arguments of `fastinit bench`; the first is drawn.
RUNS = {
    "float32": "",
    "Caches and memory, one thread": "--dist normal --size l2,l3,ram --threads 1",
    "Sixteen bits": "--dist normal --dtype bfloat16",
    "float64": "--dist normal --dtype float64",
    "Fresh buffers": "--dist normal --buffer fresh",
}


def measured(options, more):
    """The tables of one `fastinit bench`, printed as they come."""
    parser = command.add(argparse.ArgumentParser().add_subparsers())
    plan = command.plan(parser.parse_args([*options.split(), *more]))
    return command.measure(plan, lambda done: print(f"{table.text(done)}\n", flush=True))


def compact(done):
    """A table without the padding of its columns."""
    return re.sub(r" +(?= \|)|(?<=\| ) +", "", re.sub(r"-{3,}", "---", table.text(done)))


def benchmarks(args, directory):
    """The tables of `fastinit bench`; the picture goes into the directory."""
    more = ["--rounds", str(args.rounds), *(["--peers", args.peers] if args.peers else [])]
    size = ["--size", str(args.size)]
    tables = {name: measured(options, more + (size if "--size" not in options else [])) for name, options in RUNS.items()}
    here = machine.describe(PEERS)
    first = next(iter(RUNS))
    with (directory / PICTURE).open("wb") as file:
        plot.draw(tables[first], here, file, "png")
    yield machine.sentence(here) + "."
    hertz = figures.median_hertz([each for some in tables.values() for each in some])
    yield f"{machine.memory_sentence(here)} Measured: {hertz / 1e9:.2f} GHz."
    for name, some in tables.items():
        yield f"### {name}"
        if name == first:
            yield f"![Bars: time over that of the store, for each sampler]({PICTURE})"
        yield from map(compact, some)


def printed(script, *options):
    """The output of another script, run in a process without the libraries that were imported here."""
    command = [sys.executable, "-m", f"docs.scripts.{script}", *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=DOCS.parent).stdout.strip()


def real_work(args, directory):
    """The tensors of whole models."""
    models = [word for name in args.model or () for word in ("--model", name)]
    yield printed("models.models", "--rounds", str(args.rounds), *models)


def own_fills(args, directory):
    """fastinit's own fills."""
    yield printed("pages.fills", "--values", str(args.size), "--rounds", str(args.rounds))


PARTS = {"benchmarks": benchmarks, "models": real_work, "figures": own_fills}


def main(argv=None):
    parser = arguments.parser(__doc__)
    parser.add_argument("--size", type=arguments.count, default=VALUES, help="values of a fill (default %(default)s)")
    parser.add_argument("--rounds", type=arguments.count, default=ROUNDS, help="default %(default)s")
    parser.add_argument("--peers", help="as for `fastinit bench`: those that are installed")
    parser.add_argument("--model", action="append", help="as for docs.scripts.models.models: all; repeatable")
    parser.add_argument("--only", action="append", choices=tuple(PARTS), help="leave the rest of the page; repeatable")
    parser.add_argument(
        "--page", type=Path, default=PAGE, help="where to write; the picture goes beside it (default: this page)"
    )
    args = parser.parse_args(argv)
    plot.check(PICTURE)
    for name in args.only or PARTS:
        content = "\n\n".join(PARTS[name](args, args.page.parent))
        put(args.page, name, content)


if __name__ == "__main__":
    main()
