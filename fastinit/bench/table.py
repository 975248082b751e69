"""A table as Markdown that fits a terminal, and as JSON."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastinit.bench.markdown import grid, wrapped
from fastinit.bench.samplers import PEERS, TITLES
from fastinit.bench.session import Row, Table

#: Version of the JSON. It changes when a key changes its meaning or goes.
SCHEMA = 1
HEAD = ("sampler", "ms", "spread %", "GB/s", "x store", "x fastinit", "cores")


def spread(times: Sequence[float]) -> float | None:
    """Half the distance between the quartiles over the median, in per cent; None for a single sample."""
    if len(times) < 2:
        return None
    low, median, high = statistics.quantiles(times, n=4, method="inclusive")
    return 50 * (high - low) / median


def figures(table: Table, library: str) -> dict[str, float | None]:
    """Median, spread, rates and ratios of one sampler; empty if it was not measured."""
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


def _number(value: float | None, scale: float = 1.0, digits: int = 3) -> str:
    """A number with this many significant digits, in full; empty for None."""
    if value is None:
        return ""
    value *= scale
    decimals = digits - 1 - math.floor(math.log10(value)) if value > 0 else digits
    return f"{value:,.{max(decimals, 0)}f}"


def _cells(table: Table, row: Row) -> tuple[str, ...]:
    shares = figures(table, row.library)
    percent = shares["spread_percent"]
    return (
        TITLES[row.library],
        _number(shares["median_seconds"], 1e3),
        "" if percent is None else f"{percent:.1f}",
        _number(shares["bytes_per_second"], 1e-9),
        _number(shares["times_store"]),
        _number(shares["times_fastinit"]),
        f"{statistics.median(row.cores):.1f}",
    )


def _note(table: Table, row: Row) -> str:
    """What was called, and how it differs from the other samplers."""
    if row.skipped:
        return f"- {row.sampler}: skipped: {row.skipped}"
    notes = [
        "allocates" if row.allocates and table.job.buffer == "touched" else "",
        "one thread" if row.serial and table.job.threads > 1 else "",
        f"from {row.values:,} values" if row.values < table.job.values else "",
        f"{len(row.seconds)} rounds" if len(row.seconds) < table.rounds else "",
    ]
    return f"- {': '.join(filter(None, (row.sampler, ', '.join(filter(None, notes)))))}"


def threads(count: int) -> str:
    """`1 thread`, `2 threads`."""
    return f"{count} thread{'s' if count > 1 else ''}"


def title(table: Table) -> str:
    """Law, dtype, values, buffer, threads and rounds."""
    job = table.job
    size = f"{table.nbytes / 2**20:,.4g} MiB" if table.nbytes >= 2**20 else f"{table.nbytes:,} bytes"
    place = "on a CUDA device" if job.device == "cuda" else f"{job.buffer} buffer, {threads(job.threads)}"
    return f"{job.law} {job.dtype}, {job.values:,} values ({size}), {place}, {table.rounds} rounds"


def text(table: Table) -> str:
    """The title, the rows that were measured, and a line for each peer: what was called, or why it was skipped."""
    rows = list(table.rows.values())
    body = grid(HEAD, [_cells(table, row) for row in rows if not row.skipped], left=HEAD[:1])
    notes = [wrapped(_note(table, row), "  ") for row in rows if row.skipped or row.library in PEERS]
    return "\n".join([wrapped(title(table)), "", body, *([""] if notes else []), *notes])


def document(tables: Sequence[Table], machine: dict[str, Any]) -> dict[str, Any]:
    """Everything for JSON, as `docs/benchmarks.md` describes it: machine, tables, rows, raw samples."""
    return {
        "schema": SCHEMA,
        "machine": machine,
        "tables": [
            {
                "dist": table.job.law,
                **{key: value for key, value in table.job._asdict().items() if key != "law"},
                "bytes": table.nbytes,
                "rounds": table.rounds,
                "rows": [{**asdict(row), **figures(table, row.library)} for row in table.rows.values()],
            }
            for table in tables
        ],
    }
