"""A picture of every subject: histogram and density, quantiles against quantiles, autocorrelation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any, BinaryIO

import numpy as np

from fastinit.bench.plot import FAINT, INK, OURS, SUFFIXES, YARDSTICK, check
from fastinit.check import cells, laws
from fastinit.check.laws import Floats
from fastinit.check.subjects import Result

__all__ = ["SUFFIXES", "check", "draw"]

WIDTH, PANEL = 12.0, 2.4
#: Most subjects of a picture; the rest is left out, and the caption says so.
MOST = 40


def _density(axes: Any, result: Result) -> None:
    """Columns of the histogram that hold a value, and the law's density in the same columns."""
    law, real, found = result.subject.law, result.subject.real, result.summary
    assert law is not None
    assert real is not None
    assert found is not None
    low, high = laws.span(law)
    edges = np.linspace(low, high, cells.COLUMNS + 1)
    width = edges[1] - edges[0]
    base = laws.base(law)
    middle = (edges[1:] + edges[:-1]) / 2
    mass = np.where(edges[1:] <= base.median(), np.diff(base.cdf(edges)), -np.diff(base.sf(edges)))
    seen = found.columns > 0
    axes.semilogy(middle[seen], found.columns[seen] / result.size / width, ".", color=OURS, markersize=2, label="values")
    some = mass / width > 0.05 / result.size / width
    axes.semilogy(middle[some], mass[some] / width, color=YARDSTICK, linewidth=0.9, label="density")
    axes.set_ylabel("density", fontsize=8)
    axes.legend(fontsize=7, frameon=False)


def _quantiles(axes: Any, result: Result) -> None:
    """The law's quantile of how many values lie below each edge, against the edge: a straight line for the right law."""
    law, real, found = result.subject.law, result.subject.real, result.summary
    assert law is not None
    assert real is not None
    assert found is not None
    own = cells.cells(law, real)
    below = np.cumsum(found.counts)[:-1]
    above = found.counts.sum() - below
    chosen = np.unique(np.linspace(0, len(below) - 1, 2000).astype(int))
    chosen = chosen[(below[chosen] > 0) & (above[chosen] > 0)]
    base = laws.base(law)
    lower = below[chosen] <= above[chosen]
    total = float(found.counts.sum())
    seen = np.where(lower, base.ppf(below[chosen] / total), base.isf(above[chosen] / total))
    axes.plot(own.edges[chosen], own.edges[chosen], color=YARDSTICK, linewidth=0.8)
    axes.plot(own.edges[chosen], seen, ".", color=OURS, markersize=2)
    axes.set_xlabel("quantiles of the law", fontsize=8)
    axes.set_ylabel("of the values", fontsize=8)


def _correlations(axes: Any, z: Floats, count: int) -> None:
    """Correlations by lag, in units of their deviation, with the band that holds the largest 999 times of 1,000."""
    most = -float(import_module("scipy.special").ndtri(0.0005 / len(z)))
    axes.vlines(np.arange(1, len(z) + 1), 0, z, color=OURS, linewidth=0.8)
    for limit in (-most, most):
        axes.axhline(limit, color=YARDSTICK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.axhline(0, color=YARDSTICK, linewidth=0.5)
    axes.set_ylim(-max(6.0, float(np.abs(z).max()) * 1.1), max(6.0, float(np.abs(z).max()) * 1.1))
    axes.set_xlabel(f"lag (first {count:,} values)", fontsize=8)
    axes.set_ylabel("correlation / deviation", fontsize=8)


def draw(results: Sequence[Result], file: BinaryIO, kind: str) -> None:
    """Draw a line of three panels for each subject that has values.

    Parameters
    ----------
    results : sequence of Result
        Those without a summary are left out.
    file : binary file
        Where the picture goes.
    kind : str
        "png", "svg" or "pdf".
    """
    with_values = [result for result in results if result.summary is not None and result.correlations is not None]
    drawn = with_values[:MOST]
    figure = import_module("matplotlib.figure").Figure(figsize=(WIDTH, PANEL * max(len(drawn), 1) + 0.4), layout="constrained")
    grid = figure.subplots(max(len(drawn), 1), 3, squeeze=False)
    for line, result in zip(grid, drawn, strict=False):
        assert result.correlations is not None
        _density(line[0], result)
        _quantiles(line[1], result)
        _correlations(line[2], result.correlations, min(result.size, 1 << 21))
        title = f"{result.subject.sampler}: {result.subject.title}, {result.size:,} values"
        line[0].set_title(title, loc="left", fontsize=9, color=INK)
        for axes in line:
            axes.grid(color=FAINT, linewidth=0.6)
            axes.tick_params(labelsize=7, length=0)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
    if not drawn:
        grid[0, 1].text(0.5, 0.5, "nothing was drawn", ha="center", color=INK)
    if len(with_values) > MOST:
        figure.supxlabel(f"{len(with_values) - MOST} more are left out", fontsize=8, color=INK)
    figure.savefig(file, format=kind, dpi=math.floor(min(130, 60000 / (PANEL * max(len(drawn), 1) + 0.4))))
