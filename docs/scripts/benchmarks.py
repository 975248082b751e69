"""Regenerate the tables and the picture of `docs/benchmarks.md`: `python docs/scripts/benchmarks.py`, on an idle machine.

The tables are those of `fastinit bench`, of `models.py` and of `figures.py`, put between the marks that the page has for them.
With every peer installed and the sizes of the page it takes about half an hour. The picture needs matplotlib.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from fastinit.bench import machine, plot, table
from fastinit.bench.measure import ROUNDS, VALUES
from fastinit.commands import bench as command

PAGE = Path(__file__).parents[1] / "benchmarks.md"
PICTURE = "benchmarks.png"

#: Titles and arguments of `fastinit bench`; the first is drawn.
RUNS = {
    "float32": "",
    "Sixteen bits": "--dist normal --dtype bfloat16,float16",
    "float64": "--dtype float64",
    "Fresh buffers": "--buffer fresh",
    "One thread": "--threads 1",
}


def measured(arguments, more):
    """The tables of one `fastinit bench`, printed as they come."""
    parser = command.add(argparse.ArgumentParser().add_subparsers())
    plan = command.plan(parser.parse_args([*arguments.split(), *more]))
    return command.measure(plan, lambda done: print(f"{table.text(done)}\n", flush=True))


def shown(done):
    """A table as it stands on the page: its title as a paragraph, the columns not padded."""
    return re.sub(r" +(?= \|)|(?<=\| ) +", "", re.sub(r"-{3,}", "---", table.text(done)))


def benchmarks(args, directory):
    more = ["--size", str(args.size), "--rounds", str(args.rounds), *(["--peers", args.peers] if args.peers else [])]
    tables = {name: measured(arguments, more) for name, arguments in RUNS.items()}
    here = machine.describe(command.PEERS)
    first = next(iter(RUNS))
    with (directory / PICTURE).open("wb") as file:
        plot.draw(tables[first], here, file, "png")
    yield machine.sentence(here) + "."
    for name, some in tables.items():
        yield f"### {name}"
        if name == first:
            yield f"![Bars: time over that of the store, for each sampler]({PICTURE})"
        yield from map(shown, some)


def printed(script, *arguments):
    """What another script of this directory prints, in a process of its own: no library that was used here disturbs it."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def real_work(args, directory):
    chosen = [word for name in args.model or () for word in ("--model", name)]
    yield printed("models.py", "--rounds", str(args.rounds), *chosen)


def small_and_whole(args, directory):
    yield printed("figures.py", "--values", str(args.size), "--rounds", str(args.rounds))


PARTS = {"benchmarks": benchmarks, "models": real_work, "figures": small_and_whole}


def replaced(text, name, content):
    """The page with what stands between the two marks of that name replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{PAGE.name} lacks the marks {begin} and {end}")
    return f"{head}{begin}\n\n{content}\n\n{end}{tail}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=VALUES, help="values of a fill (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default %(default)s")
    parser.add_argument("--peers", help="as for `fastinit bench`: those that are installed")
    parser.add_argument("--model", action="append", help="as for models.py: all; repeatable")
    parser.add_argument("--only", action="append", choices=tuple(PARTS), help="leave the rest of the page; repeatable")
    parser.add_argument(
        "--page", type=Path, default=PAGE, help="where to write; the picture goes beside it (default: this page)"
    )
    args = parser.parse_args(arguments)
    if args.size < 1 or args.rounds < 1:
        parser.error(f"--size and --rounds must be at least 1; got {args.size} and {args.rounds}")
    plot.check(PICTURE)
    for name in args.only or PARTS:
        content = "\n\n".join(PARTS[name](args, args.page.parent))
        args.page.write_text(replaced(args.page.read_text(), name, content))


if __name__ == "__main__":
    main()
