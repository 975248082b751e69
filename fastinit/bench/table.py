"""A table for people (Markdown that reads well as it is) and for programs (JSON)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from fastinit.bench.session import Row, Table

#: Version of the JSON. It changes when a key changes its meaning or goes.
SCHEMA = 1
HEAD = ("sampler", "ms", "spread %", "1e9 values/s", "GB/s", "times store", "times fastinit", "cores", "notes")
LEFT = ("sampler", "notes")


def spread(times: Sequence[float]) -> float | None:
    """Half the distance between the quartiles over the median, in per cent; None for a single sample."""
    if len(times) < 2:
        return None
    low, median, high = statistics.quantiles(times, n=4, method="inclusive")
    return 50 * (high - low) / median


def figures(table: Table, library: str) -> dict[str, float | None]:
    """What the samples of a row come to."""
    times = table.times(library)
    if not times:
        return {}
    median = statistics.median(times)
    return {
        "median_seconds": median,
        "spread_percent": spread(times),
        "values_per_second": table.job.values / median,
        "bytes_per_second": table.nbytes / median,
        "times_store": table.ratio(library, "store"),
        "times_fastinit": table.ratio(library, "fastinit"),
    }


def _notes(table: Table, row: Row) -> str:
    notes = []
    if row.allocates and table.job.buffer == "touched":
        notes.append("allocates")
    if table.job.threads > 1 and row.serial:
        notes.append("one thread")
    if row.values < table.job.values:
        notes.append(f"from {row.values:,} values")
    if len(row.seconds) < table.rounds:
        notes.append(f"{len(row.seconds)} rounds")
    return ", ".join(notes)


def _number(value: float | None, digits: int = 3) -> str:
    """So many significant digits, in full; nothing for None."""
    if value is None:
        return ""
    decimals = digits - 1 - math.floor(math.log10(value)) if value > 0 else digits
    return f"{value:,.{max(decimals, 0)}f}"


def _cells(table: Table, row: Row) -> tuple[str, ...]:
    shown = figures(table, row.library)
    median, rate, nbytes = shown["median_seconds"], shown["values_per_second"], shown["bytes_per_second"]
    assert median is not None
    assert rate is not None
    assert nbytes is not None
    percent = shown["spread_percent"]
    return (
        row.sampler,
        _number(median * 1e3),
        "" if percent is None else f"{percent:.1f}",
        _number(rate / 1e9),
        _number(nbytes / 1e9),
        _number(shown["times_store"]),
        _number(shown["times_fastinit"]),
        f"{statistics.median(row.cores):.1f}",
        _notes(table, row),
    )


def _grid(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """Markdown with columns of even width."""
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    left = [name in LEFT for name in HEAD]
    rule = ["-" * width if is_left else "-" * (width - 1) + ":" for width, is_left in zip(widths, left, strict=True)]
    for row in (HEAD, tuple(rule), *rows):
        cells = zip(row, widths, left, strict=True)
        yield "| " + " | ".join(cell.ljust(width) if is_left else cell.rjust(width) for cell, width, is_left in cells) + " |"


def title(table: Table) -> str:
    """What the table is about, in one line."""
    job = table.job
    size = f"{table.nbytes / 2**20:,.4g} MiB" if table.nbytes >= 2**20 else f"{table.nbytes:,} bytes"
    threads = "1 thread" if job.threads == 1 else f"{job.threads} threads"
    return f"{table.law} {job.dtype}, {job.values:,} values ({size}), {job.buffer} buffer, {threads}, {table.rounds} rounds"


def text(table: Table) -> str:
    """Lay the table out: the title, the rows that were measured, a line for each that was not."""
    measured = [row for row in table.rows.values() if not row.skipped]
    skipped = [f"- {row.sampler}: skipped: {row.skipped}" for row in table.rows.values() if row.skipped]
    grid = list(_grid([_cells(table, row) for row in measured]))
    return "\n".join([title(table), "", *grid, *([""] if skipped else []), *skipped])


def document(tables: Sequence[Table], machine: dict[str, Any]) -> dict[str, Any]:
    """Everything for JSON, as `docs/benchmarks.md` describes it: machine, tables, rows, raw samples."""
    return {
        "schema": SCHEMA,
        "machine": machine,
        "tables": [
            {
                "dist": table.law,
                **table.job._asdict(),
                "bytes": table.nbytes,
                "rounds": table.rounds,
                "rows": [{**asdict(row), **figures(table, row.library)} for row in table.rows.values()],
            }
            for table in tables
        ],
    }
