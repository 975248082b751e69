"""Write the tables of `docs/machines.md` from the files in `docs/machines`: `python -m docs.scripts.pages.machines`.

It measures nothing. `fastinit bench --json` makes the files; the page has the command.
"""

from pathlib import Path

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table
from fastinit.bench import figures, machine, results, scaling
from fastinit.bench.caches import PLACES
from fastinit.bench.table import number, percent

PAGE, FOLDER = DOCS / "machines.md", DOCS / "machines"
HEAD = ("machine", "threads", *(f"{place.upper()}: {what}" for place in PLACES for what in ("ns", "cycles", "% roof")))


def cells(tables):
    """Nanoseconds and cycles of a value, and per cent of the roof, for each place that was measured."""
    shares = {each.job.place: figures.summary(each, "fastinit") for each in tables}
    for place in PLACES:
        has = shares.get(place, {})
        yield from (number(has.get(key)) for key in ("nanoseconds_per_value", "cycles_per_value"))
        yield percent(has.get("percent_of_roof"))


def of_law(law, dtype, files):
    """A table with a row for each machine and number of threads."""
    rows = []
    for name, (_, tables) in files.items():
        mine = [each for each in tables if (each.job.law, each.job.dtype, each.job.buffer) == (law, dtype, "touched")]
        for threads in sorted({each.job.threads for each in mine}):
            rows.append([name, threads, *cells(each for each in mine if each.job.threads == threads)])
    return f"### {law.replace('_', ' ')}, {dtype}\n\n{table(HEAD, rows)}"


def described(name, here, tables):
    """A machine in a few lines."""
    hertz = figures.median_hertz(tables)
    lacking = [each for each in tables if any(figures.lacks_cores(each, library) for library in each.rows)]
    warning = f" In {len(lacking)} of {len(tables)} tables not all threads of fastinit or of a store ran." if lacking else ""
    memory = machine.memory_sentence(here)
    return f"- **{name}**: {machine.sentence(here)}. {memory} Measured: {hertz / 1e9:.2f} GHz.{warning}"


def picture(name, here, tables, folder):
    """Draw bandwidth against threads in memory, if it was measured; the line of the page that shows it."""
    shown = [each for each in tables if each.job.place == "ram"]
    if not scaling.scales(shown):
        return ""
    folder.mkdir(exist_ok=True)
    with (folder / f"threads-{name}.png").open("wb") as file:
        scaling.draw(shown, here, file, "png")
    return f"![Bandwidth in memory against threads, with the roof: {name}](figures/threads-{name}.png)"


def content(files, figures_folder):
    """The part of the page between its marks; `files` are machines and tables by name."""
    if not files:
        return "There are no files yet."
    pictures = [line for name, file in files.items() if (line := picture(name, *file, figures_folder))]
    laws = dict.fromkeys((each.job.law, each.job.dtype) for _, tables in files.values() for each in tables if each.job.place)
    machines = "\n".join(described(name, *file) for name, file in files.items())
    return "\n\n".join([machines, *pictures, *(of_law(law, dtype, files) for law, dtype in laws)])


def main(argv=None):
    """Read the files, write the page."""
    parser = arguments.parser(__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files are (default docs/machines)")
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write (default docs/machines.md)")
    args = parser.parse_args(argv)
    files = {path.stem: results.read(path) for path in sorted(args.folder.glob("*.json"))}
    put(args.page, "machines", content(files, args.page.parent / "figures"))


if __name__ == "__main__":
    main()
