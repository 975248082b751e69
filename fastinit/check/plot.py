"""A picture of each subject: histogram and density, distance from the law, autocorrelation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any, BinaryIO

import numpy as np
from scipy import special

from fastinit.arguments import dtypes
from fastinit.bench.plot import FAINT, INK, OURS, YARDSTICK
from fastinit.check import cells, exact
from fastinit.check.exact import Floats
from fastinit.check.laws import Law
from fastinit.check.results import Result

#: Inches of the three panels of a subject. Subjects stand in as many columns as make the picture about square.
WIDTH, HEIGHT = 9.0, 1.9
#: Most subjects of a picture; the caption says how many are left out.
MOST = 60
#: Most points of a panel, so that SVG files stay small.
POINTS = 256
#: The density has a logarithmic axis if it varies by this factor.
LOGARITHMIC = 30.0


def _law(result: Result) -> tuple[Law, dtypes.Real, cells.Cells]:
    law, real = result.subject.law, result.subject.real
    assert law is not None
    assert real is not None
    return law, real, cells.cells(law, real)


def _intervals(result: Result) -> tuple[Floats, Floats, Floats]:
    """Edges of intervals, and the count and exact chance of each."""
    law, _, grid = _law(result)
    low, high = exact.span(law)
    if grid.values is None:
        edges, base = np.linspace(low, high, POINTS + 1), law.base()
        upper, counts = edges[1:] > base.ppf(0.5), result.summary.columns.reshape(POINTS, -1).sum(1)
        return edges, counts, np.where(upper, -np.diff(base.sf(edges)), np.diff(base.cdf(edges)))
    # Intervals of whole cells: one that cut the cell of a number would have too many values, or too few.
    nearest = np.searchsorted(grid.edges, np.linspace(low, high, POINTS + 1)[1:-1])
    inner = grid.edges[nearest.clip(0, len(grid.edges) - 1)]
    edges = np.unique(np.concatenate([[low], inner[(low < inner) & (inner < high)], [high]]))
    *first, end = np.searchsorted(grid.edges, edges, side="right")
    inside = slice(max(end, first[-1] + 1))  # without what lies beyond
    return edges, np.add.reduceat(result.summary.counts[inside], first), np.add.reduceat(grid.mass[inside], first)


def _density(axes: Any, result: Result) -> None:
    """The density of the values and of the law, in intervals."""
    edges, counts, mass = _intervals(result)
    width, middle = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    seen, likely = counts > 0, mass * result.size > 0.05
    density = mass[likely] / width[likely]
    axes.plot(middle[likely], density, color=YARDSTICK, linewidth=0.9, label="law")
    axes.plot(middle[seen], counts[seen] / result.size / width[seen], ".", color=OURS, markersize=2, label="values")
    if density.size and density.max() > LOGARITHMIC * density.min():
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.2 * max([*density, 1e-300]))
    axes.set_ylabel("density", fontsize=7)
    axes.legend(fontsize=6, frameon=False)


def _distance(axes: Any, result: Result) -> None:
    """The distribution function of the values less that of the law, with the band that holds it 999 times of 1,000."""
    law, _, grid = _law(result)
    share = np.cumsum(grid.mass)[:-1]
    z = (np.cumsum(result.summary.counts)[:-1] / result.size - share) * math.sqrt(result.size)
    points = np.unique(np.searchsorted(share, np.linspace(share[0], share[-1], POINTS)))
    axes.plot(grid.edges[points], z[points], color=OURS, linewidth=0.8)
    axes.set_xlim(*exact.span(law))
    _band(axes, float(special.kolmogi(0.001)), z)
    axes.set_xlabel("value", fontsize=7)
    axes.set_ylabel("distance x root of n", fontsize=7)


def _correlations(axes: Any, z: Floats, count: int) -> None:
    """Correlations by lag in units of their deviation, with the band that holds the largest 999 times of 1,000."""
    lags = np.arange(1, len(z) + 1)
    bars = np.stack([np.zeros(len(z)), z, np.full(len(z), math.nan)], 1)  # one path: many small ones make a large SVG
    axes.plot(np.repeat(lags, 3), bars.ravel(), color=OURS, linewidth=0.8)
    _band(axes, -float(special.ndtri(0.0005 / len(z))), z)
    axes.set_xlabel(f"lag (first {count:,} values)", fontsize=7)
    axes.set_ylabel("correlation x root of n", fontsize=7)


def _band(axes: Any, limit: float, z: Floats) -> None:
    for height in (-limit, 0.0, limit):
        axes.axhline(height, color=YARDSTICK, linewidth=0.6, linestyle=(0, (4, 3)) if height else "-")
    most = max(1.3 * limit, 1.1 * float(np.abs(z).max(initial=0.0)))
    axes.set_ylim(-most, most)


def _subject(panels: Sequence[Any], result: Result) -> None:
    _density(panels[0], result)
    _distance(panels[1], result)
    _correlations(panels[2], result.correlations, min(result.size, 1 << 21))
    title = f"{result.subject.sampler}: {result.subject.title}, {result.size:,} values"
    panels[0].set_title(title, loc="left", fontsize=8, color=INK)
    for axes in panels:
        axes.grid(color=FAINT, linewidth=0.6)
        axes.yaxis.set_minor_formatter(lambda *_: "")
        axes.tick_params(which="both", labelsize=6, length=0)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)


def draw(results: Sequence[Result], file: BinaryIO, kind: str) -> None:
    """Write a picture with three panels for each subject that has values; `kind` is "png", "svg" or "pdf"."""
    drawn = [result for result in results if result.summary is not None and result.correlations is not None]
    shown = drawn[:MOST]
    columns = max(1, round(math.sqrt(len(shown) * HEIGHT / WIDTH)))
    rows = max(1, -(-len(shown) // columns))
    figure_class = import_module("matplotlib.figure").Figure
    figure = figure_class(figsize=(WIDTH * columns, HEIGHT * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, 3 * columns, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for i, result in enumerate(shown):
        panels = grid[i % rows, 3 * (i // rows) :][:3]
        for axes in panels:
            axes.set_visible(True)
        _subject(panels, result)
    caption = f"{len(drawn) - len(shown)} more are left out" if len(drawn) > len(shown) else ""
    figure.supxlabel(caption if drawn else "nothing was drawn", fontsize=8, color=INK)
    figure.savefig(file, format=kind, dpi=110)
