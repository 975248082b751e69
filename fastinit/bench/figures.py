"""The arithmetic of a table: medians, spreads, rates, ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from fastinit.bench.samplers import REFERENCES
from fastinit.bench.session import Table

#: The share of the threads below which the cores that were busy are too few.
BUSY = 0.8


class Quartiles(NamedTuple):
    """The quartiles of some times, and the relative distance from the median that they stand for."""

    low: float
    median: float
    high: float

    @property
    def spread_percent(self) -> float:
        """Half the distance between the outer quartiles, over the median."""
        return 50 * (self.high - self.low) / self.median


def quartiles(times: Sequence[float]) -> Quartiles | None:
    """The quartiles; None for a single time."""
    return Quartiles(*statistics.quantiles(times, n=4, method="inclusive")) if len(times) > 1 else None


def cores(table: Table, library: str) -> float | None:
    """How many cores were busy, the median of the rounds; None on a device, or where the system does not tell."""
    found = table.rows[library].cores
    return statistics.median(found) if table.job.device == "cpu" and any(found) else None


def lacks_cores(table: Table, library: str) -> bool:
    """Whether a store or fastinit, which use all threads, ran on clearly fewer cores."""
    found = cores(table, library) if library in REFERENCES else None
    return found is not None and found < BUSY * table.job.threads


def cycles(table: Table, library: str) -> float | None:
    """Cycles that all cores together spend on each value, the median of the rounds; None where `cores` is."""
    row = table.rows[library]
    if cores(table, library) is None:
        return None
    spent = (seconds * busy * hertz for seconds, busy, hertz in zip(row.seconds, row.cores, row.hertz, strict=True))
    return statistics.median(spent) / row.values


def summary(table: Table, library: str) -> dict[str, float | None]:
    """Median, spread, rates and ratios of one sampler; empty if it was not measured."""
    times = table.times(library)
    if not times:
        return {}
    median, around = statistics.median(times), quartiles(times)
    roof = min(table.times(table.roof)) if table.roof else None  # a bound: other processes can only make a store longer
    return {
        "median_seconds": median,
        "spread_percent": around.spread_percent if around else None,
        "values_per_second": table.job.values / median,
        "bytes_per_second": table.nbytes / median,
        "nanoseconds_per_value": median / table.job.values * 1e9,
        "cycles_per_value": cycles(table, library),
        "percent_of_roof": None if roof is None else 100 * roof / median,
        "times_store": table.ratio(library, "store"),
        "times_fastinit": table.ratio(library, "fastinit"),
    }


def median_hertz(tables: Sequence[Table]) -> float | None:
    """The median of the clocks that were measured, in Hz."""
    found = [hertz for table in tables if table.job.device == "cpu" for row in table.rows.values() for hertz in row.hertz]
    return statistics.median(found) if found else None
