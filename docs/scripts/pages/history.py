"""Write the table and the picture of `docs/history.md` from asv's results: `python -m docs.scripts.pages.history`.

With --run it lets asv measure the commits that have no results first: two minutes each, on a machine that does nothing else.
`asv machine` must have been run before; --machine names the machine, as there.
"""

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table
from docs.scripts.pictures import save_svg, svg_figure
from fastinit.bench.plot import INK, OURS, YARDSTICK

PAGE, RESULTS = DOCS / "history.md", DOCS / "figures" / "history"
#: What is measured of each commit.
BENCHMARKS = r"Fill\.(time_fill|track_ratio_to_store).*touched|ColdFirstFill"
#: The commits, from old to new, and what they changed. A release takes the place of a commit here.
COMMITS = {
    "1236f27": "before staging",
    "a441593": "staging: one loop, laws as files",
    "befd21c": "helpers in place of Numba's threads",
    "3079ddb": "initialisers by keywords; CUDA kernels",
    "0fa0386": "float16 by the CPU's conversion",
    "6f40849": "any law, sums, arrays that are not stored",
    "9dd3e17": "a finer grain of truncated normals",
    "3e8d611": "the former grain again",
    "2e3532b": "site; values of torch; check of any law",
    "4ebf70d": "helpers that come back sooner",
}
#: Laws and what asv calls them; what a first fill is of, and what asv calls that.
LAWS = {"uniform": "uniform", "normal": "normal", "truncated": "truncated_normal"}
FIRST = {"one normal": "one normal", "2^17 truncated": "131,072 truncated normals"}
#: What a row shows, by title: asv's name of the benchmark, its parameters, and a factor.
COLUMNS = {
    f"{law} {dtype}, ms": ("bench_fill.Fill.time_fill", f"'touched' '{name}' '{dtype}'", 1e3)
    for law, name in LAWS.items()
    for dtype in ("float32", "bfloat16")
} | {f"first {title}, s": ("bench_process.ColdFirstFill.time_cold", f"'{fill}'", 1) for title, fill in FIRST.items()}


def values(path):
    """What a file of asv has: a number for each benchmark and the text of its parameters."""
    for name, (numbers, parameters, *_) in json.loads(path.read_text())["results"].items():
        for number, combination in zip(numbers or [], itertools.product(*parameters), strict=False):
            yield (name, " ".join(combination)), number


def measured(machine):
    """What asv found of each commit on a machine, from old to new."""
    files = {path.name[:7]: path for path in (RESULTS / machine).glob("*-*.json")}
    return {commit: dict(values(files[commit])) for commit in COMMITS if commit in files}


def cells(found):
    """The numbers of a row, or None where a benchmark failed or is new."""
    for name, parameters, factor in COLUMNS.values():
        number = found.get((name, parameters))
        yield None if number is None or math.isnan(number) else factor * number


def draw(rows):
    """Times of large fills against commits."""
    figure, axes = svg_figure(5, 3.4)
    for title, marker, colour in zip(list(COLUMNS)[:5:2], "os^", (OURS, INK, YARDSTICK), strict=True):
        times = [row[list(COLUMNS).index(title)] for row in rows.values()]
        axes.plot(list(rows), times, marker=marker, color=colour, label=title.removesuffix(", ms"))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("ms for 2^26 values")
    axes.tick_params("x", rotation=45)
    axes.legend(frameon=False)
    save_svg(figure, "history")


def content(rows, machine):
    """The table, and what it was measured on."""
    shown = [[f"`{commit}` {COMMITS[commit]}", *("" if x is None else f"{x:.1f}" for x in row)] for commit, row in rows.items()]
    about = json.loads((RESULTS / machine / "machine.json").read_text())
    where = f"{about['cpu']}, {about['ram']}, {about['os']}. Fills are of 2^26 values, into memory that was written before."
    return f"{table(['commit', *COLUMNS], shown)}\n\n{where}"


def main(argv=None):
    parser = arguments.parser(__doc__)
    parser.add_argument("--machine", help="its name in asv (default: the one whose results are there)")
    parser.add_argument("--run", action="store_true", help="measure first")
    args = parser.parse_args(argv)
    machine = args.machine or next(path.parent.name for path in RESULTS.glob("*/machine.json"))
    if args.run:
        command = [Path(sys.executable).with_name("asv"), "run", "HASHFILE:-", "--machine", machine, "--bench", BENCHMARKS]
        command.append("--skip-existing-commits")
        subprocess.run(command, input="\n".join(COMMITS), text=True, check=True, cwd=DOCS.parent)
    rows = {commit: list(cells(found)) for commit, found in measured(machine).items()}
    put(PAGE, "history", content(rows, machine))
    draw(rows)


if __name__ == "__main__":
    main()
