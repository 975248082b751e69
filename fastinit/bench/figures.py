"""The arithmetic of a table: medians, spreads, rates, ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from fastinit.bench.session import Table


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


def cycles(table: Table, library: str) -> float | None:
    """Cycles that all cores together spend on each value, the median of the rounds; None on a device."""
    row = table.rows[library]
    if table.job.device != "cpu" or not row.hertz:
        return None
    spent = (seconds * cores * hertz for seconds, cores, hertz in zip(row.seconds, row.cores, row.hertz, strict=True))
    return statistics.median(spent) / row.values


def summary(table: Table, library: str) -> dict[str, float | None]:
    """Median, spread, rates and ratios of one sampler; empty if it was not measured."""
    times = table.times(library)
    if not times:
        return {}
    median, around = statistics.median(times), quartiles(times)
    roof = table.ratio(table.roof, library) if table.roof else None
    return {
        "median_seconds": median,
        "spread_percent": around.spread_percent if around else None,
        "values_per_second": table.job.values / median,
        "bytes_per_second": table.nbytes / median,
        "nanoseconds_per_value": median / table.job.values * 1e9,
        "cycles_per_value": cycles(table, library),
        "percent_of_roof": None if roof is None else 100 * roof,
        "times_store": table.ratio(library, "store"),
        "times_fastinit": table.ratio(library, "fastinit"),
    }


def median_hertz(tables: Sequence[Table]) -> float | None:
    """The median of the clocks that were measured, in Hz."""
    found = [hertz for table in tables if table.job.device == "cpu" for row in table.rows.values() for hertz in row.hertz]
    return statistics.median(found) if found else None
