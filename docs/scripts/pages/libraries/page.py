"""The tables of `docs/libraries.md` from what was found."""

from docs.scripts.markdown import DOCS, put, table
from docs.scripts.pages.libraries import running
from fastinit.check import verdict
from fastinit.peers.libraries import TITLES

PAGE = "libraries.md"
#: The columns in this order; those of other dtypes follow.
DTYPES = ("float32", "float64", "float16", "bfloat16")


def threshold(found):
    """The p below which a test of a library fails."""
    return verdict.ALPHA / max(sum(result["tests"] for result in found.values()), 1)


def failures(result, least):
    """The tests of a case that fail: groups, names, what was seen, p."""
    return [row for row in result["rows"] if not row[3] >= least]  # NaN fails


def cell(result, least):
    """The groups that fail, or the least p of a group."""
    failed = list(dict.fromkeys(verdict.GROUPS[row[0]] for row in failures(result, least)))
    return f"BAD: {', '.join(failed)}" if failed else verdict.number(min(result["groups"].values(), default=1.0))


def rows(cases, found, least):
    """The columns, and a line for each call with a cell for each dtype."""
    names = dict.fromkeys(case.dtype for case in cases)
    columns = [name for name in DTYPES if name in names]
    lines = {}
    for case in cases:
        if case.title in found:
            line = lines.setdefault((case.form.format(case.call), case.distribution), {})
            line[case.dtype] = cell(found[case.title], least)
    table_rows = []
    for (call, law), line in lines.items():
        others = [f"{text} ({name})" for name, text in line.items() if name not in columns]
        table_rows.append([f"`{call}`", f"`{law}`", *(line.get(name, "") for name in columns), "; ".join(others)])
    return columns, table_rows


def content(library, cases):
    """The table of a library, and below it the first failed test of each case."""
    kept = running.read(library)
    found = {case.title: kept["cases"][case.title] for case in cases if case.title in kept["cases"]}
    least = threshold(found)
    columns, lines = rows(cases, found, least)
    bad = [title for title in found if failures(found[title], least)]
    sizes = sorted({result["values"] for result in found.values()})
    versions = ", ".join(f"{TITLES[name]} {number}" for name, number in kept["versions"].items())
    values = f"{sizes[0]:,}" + (f" to {sizes[-1]:,}" if len(sizes) > 1 else "")
    yield (
        f"{versions}. {len(found)} of {len(cases)} cases were run, with {values} values; a test fails if its p is below "
        f"{verdict.number(least)}. {len(found) - len(bad)} good, {len(bad)} bad."
    )
    yield table(["sampler", "law", *columns, "other dtypes"], lines, left=3 + len(columns))
    yield "\n".join(remark(title, failures(found[title], least)) for title in bad)


def remark(title, failed):
    """The first failed test of a case, and the number of the others."""
    _, name, seen, p = failed[0]
    more = f"; {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"- `{title}`: {name}: {seen}, p = {verdict.number(p)}{more}"


def write(libraries, pages=DOCS):
    """Put the tables of these libraries, with their cases, into the page."""
    for library, cases in libraries.items():
        put(pages / PAGE, library, "\n\n".join(filter(None, content(library, cases))))
