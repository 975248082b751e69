"""A table as Markdown that fits a terminal."""

from __future__ import annotations

import math
import statistics

from fastinit.bench.figures import cores, lacks_cores, summary
from fastinit.bench.markdown import grid, wrapped
from fastinit.bench.samplers import STORES, TITLES
from fastinit.bench.session import Row, Table

HEAD = ("sampler", "ns", "+/- %", "cycles", "Gval/s", "GB/s", "% roof", "x fastinit")
#: Per cent of a fill from which the cost of a call is said.
COUNTS = 1.0


def number(value: float | None, scale: float = 1.0) -> str:
    """A number with three significant digits; empty for None.

    From 100,000 on it stands in thousands, from 10^8 on in millions (`2,500k`, `250M`); below 0.01 two digits are left, below
    0.001 none.
    """
    if value is None:
        return ""
    value = float(f"{value * scale:.3g}")
    for limit, unit in ((1e8, "M"), (1e5, "k")):
        if value >= limit:
            return f"{value / (1e6 if unit == 'M' else 1e3):,.0f}{unit}"
    if value < 0.001:
        return "<0.001" if value else "0"
    decimals = 2 - math.floor(math.log10(value))
    return f"{value:,.{min(max(decimals, 0), 4)}f}"


def percent(value: float | None) -> str:
    """A share in per cent, with a digit behind the point below ten."""
    return "" if value is None else f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def _cells(table: Table, row: Row) -> tuple[str, ...]:
    """A row of the table."""
    shares = summary(table, row.library)
    return (
        TITLES[row.library],
        number(shares["nanoseconds_per_value"]),
        percent(shares["spread_percent"]),
        number(shares["cycles_per_value"]),
        number(shares["values_per_second"], 1e-9),
        number(shares["bytes_per_second"], 1e-9),
        number(shares["percent_of_roof"]),
        number(shares["times_fastinit"]),
    )


def duration(seconds: float) -> str:
    """A short time in ns, us or ms."""
    scale, unit = (1e9, "ns") if seconds < 1e-6 else (1e6, "us") if seconds < 1e-3 else (1e3, "ms")
    return f"{number(seconds, scale)} {unit}"


def _overhead(row: Row) -> str:
    """What a call for one value takes, if that is a part of the fill that counts."""
    share = 100 * (row.overhead_seconds or 0) / statistics.median(row.seconds)
    return f"{duration(row.overhead_seconds or 0)} for one value, {percent(share)} % of a fill" if share >= COUNTS else ""


def _note(table: Table, row: Row) -> str:
    """What was called, and how it differs from the other samplers; empty if there is nothing to say."""
    if row.skipped:
        return f"- {row.sampler}: skipped: {row.skipped}"
    own = row.library in (*STORES, "fastinit")
    given = table.job.threads
    lacking = (
        f"only {cores(table, row.library):.1f} of {counted(given, 'thread')} ran" if lacks_cores(table, row.library) else ""
    )
    notes = [
        "allocates" if row.allocates and table.job.buffer == "touched" else "",
        "one thread" if row.serial and given > 1 else "",
        f"from {row.values:,} values" if row.values < table.job.values else "",
        counted(len(row.seconds), "round") if len(row.seconds) < table.rounds else "",
        lacking,
        _overhead(row),
    ]
    said = ", ".join(filter(None, notes))
    return "" if own and not said else f"- {': '.join(filter(None, (row.sampler, said)))}"


def counted(count: int, noun: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{count} {noun}{'s' if count > 1 else ''}"


def title(table: Table) -> str:
    """Law, dtype, values, buffer, threads, rounds, and which store is the roof."""
    job = table.job
    size = f"{table.nbytes:,} bytes"
    if table.nbytes >= 2**20:
        size = f"{table.nbytes / 2**20:,.4g} MiB" if table.nbytes < 10 * 2**30 else f"{table.nbytes / 2**30:,.4g} GiB"
    size += f", for {job.place.upper()}" if job.place else ""
    place = "on a CUDA device" if job.device == "cuda" else f"{job.buffer} buffer, {counted(job.threads, 'thread')}"
    roof = f", roof: {TITLES[table.roof]}" if table.roof else ""
    return f"{job.law} {job.dtype}, {job.values:,} values ({size}), {place}, {counted(table.rounds, 'round')}{roof}"


def text(table: Table) -> str:
    """The title, the rows that were measured, and a line for each peer: what was called, or why it was skipped."""
    rows = list(table.rows.values())
    body = grid(HEAD, [_cells(table, row) for row in rows if not row.skipped], left=HEAD[:1])
    notes = [wrapped(note, "  ") for row in rows if (note := _note(table, row))]
    return "\n".join([wrapped(title(table)), "", body, *([""] if notes else []), *notes])
