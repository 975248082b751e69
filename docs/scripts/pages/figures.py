"""Measure the figures of README and docs/benchmarks.md: `python -m docs.scripts.pages.figures`, on an idle machine.

`fastinit bench` measures fastinit and the installed libraries, `docs.scripts.pages.fills` measures fastinit alone. The
results go into docs/figures/speed.json. The script makes README's picture and table and one part of docs/benchmarks.md from
that file; with `--draw` it measures nothing. The picture needs matplotlib.
"""

import json
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table
from docs.scripts.pages import fills
from docs.scripts.pictures import save_svg, svg_figure
from fastinit.bench.measure import ROUNDS, VALUES
from fastinit.bench.plot import INK, OURS, PLAIN
from fastinit.bench.samplers import REFERENCES, STORES
from fastinit.peers.libraries import TITLES

README = DOCS.parent / "README.md"
RESULTS = DOCS / "figures" / "speed.json"
DTYPES = ("float32", "bfloat16")
LAWS = {"uniform": "uniform", "normal": "normal", "truncated_normal": "truncated normal"}
MORE = "By `python -m docs.scripts.pages.figures`; [more benchmarks](docs/benchmarks.md)."
FASTEST = 4  # other libraries in README's table
#: Entries of a row of `fastinit bench --json` that are kept.
KEPT = ("library", "sampler", "skipped", "median_seconds", "times_store", "times_fastinit")


def bench(values, rounds, peers):
    """The tables of `fastinit bench`, without the raw samples."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.json")
        options = ["--dtype", ",".join(DTYPES), "--size", str(values), "--rounds", str(rounds), "--json", str(path)]
        options += ["--peers", peers] if peers else []
        subprocess.run([sys.executable, "-m", "fastinit", "bench", *options], check=True, cwd=DOCS.parent)
        result = json.loads(path.read_text())
    for each in result["tables"]:
        each["rows"] = [{key: row[key] for key in KEPT if key in row} for row in each["rows"]]
    return result


def measured(rows):
    """The rows that have times, by library."""
    return {row["library"]: row for row in rows if row.get("times_store")}


def others(rows):
    """The fastest other libraries, each with its time over fastinit's."""
    peers = [row for name, row in measured(rows).items() if name not in REFERENCES]
    ordered = sorted(peers, key=lambda row: row["times_fastinit"])[:FASTEST]
    ratios = ((TITLES[row["library"]], float(f"{row['times_fastinit']:.2g}")) for row in ordered)
    return ", ".join(f"{title} {ratio:g}" for title, ratio in ratios)


def summary(result):
    """README's table: a row for each float32 distribution, and the narrow normal."""
    rows = []
    for each in result["bench"]["tables"]:
        if each["dtype"] != DTYPES[0] and each["dist"] != "normal":
            continue
        own = measured(each["rows"])["fastinit"]
        cells = [f"{own['median_seconds'] * 1e3:.3g}", f"{own['times_store']:.2f}", others(each["rows"])]
        rows.append([f"{LAWS[each['dist']]}, {each['dtype']}", *cells])
    return table(["", "ms", "times the store", "times as long as fastinit"], rows)


def is_trial(result):
    """Whether the run had too few values for its figures to mean anything."""
    return result["fills"]["values"] < VALUES


def caption(result):
    """Where the figures come from."""
    bench_result, values = result["bench"], result["fills"]["values"]
    where = f"{bench_result['machine']['cpu']}, {bench_result['machine']['logical_cpus']} CPUs"
    trial = "**Trial run, to be replaced.** " if is_trial(result) else ""
    rounds = bench_result["tables"][0]["rounds"]
    text = f"{trial}{values:,} values, memory written before, medians of {rounds} rounds. {where}. {MORE}"
    return textwrap.fill(text, 126, break_long_words=False, break_on_hyphens=False)


def picture(result):
    """Bars for every library, one group for each distribution: time over that of the store."""
    tables = [each for each in result["bench"]["tables"] if each["dtype"] == DTYPES[0]]
    bars = []  # from the top down: (label, times the store) or a title
    for each in tables:
        rows = sorted(measured(each["rows"]).values(), key=lambda row: row["times_store"])
        bars.append((LAWS[each["dist"]], None))
        bars += [(row["library"], row["times_store"]) for row in rows if row["library"] not in STORES]
    figure, axes = svg_figure(5.2, 0.5 + 0.17 * len(bars))
    for place, (name, ratio) in enumerate(bars):
        if ratio is None:
            continue
        axes.barh(-place, ratio, color=OURS if name == "fastinit" else PLAIN, height=0.75)
        axes.annotate(f"{ratio:.3g}", (ratio, -place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_yticks([-place for place in range(len(bars))], [TITLES.get(name, name) for name, _ in bars], fontsize=8)
    for label, (name, ratio) in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if ratio is None or name == "fastinit" else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set(xscale="log", ylim=(0.5 - len(bars), 0.7), xlabel="time over that of a parallel store of a constant, float32")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(left=0.5, right=2 * max(ratio for _, ratio in bars if ratio))
    return figure


def write(result):
    """Draw the picture and write the tables; a trial run leaves docs/benchmarks.md alone."""
    put(README, "speed", f"{summary(result)}\n\n{caption(result)}")
    save_svg(picture(result), "speed")
    if not is_trial(result):
        put(DOCS / "benchmarks.md", "figures", "\n".join(fills.markdown(result["fills"])))


def main():
    """Measure, unless `--draw` is there, and write."""
    parser = arguments.parser(__doc__)
    parser.add_argument("--values", type=arguments.count, default=VALUES, help="values of a large fill (default %(default)s)")
    parser.add_argument("--rounds", type=arguments.count, default=ROUNDS, help="interleaved rounds (default %(default)s)")
    parser.add_argument("--peers", help="as for `fastinit bench` (default: all that are installed)")
    parser.add_argument("--draw", action="store_true", help="measure nothing: write again from docs/figures/speed.json")
    args = parser.parse_args()
    if not args.draw:
        result = {"bench": bench(args.values, args.rounds, args.peers), "fills": fills.collect(args.values, args.rounds)}
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    write(json.loads(RESULTS.read_text()))


if __name__ == "__main__":
    main()
