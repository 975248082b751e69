"""Values against their law as text: a line for each interval or number."""

from __future__ import annotations

import itertools
import math

import numpy as np

from fastinit.arguments import dtypes
from fastinit.check import cells
from fastinit.check.cells import Cells
from fastinit.check.counts import Summary
from fastinit.check.exact import Floats
from fastinit.check.laws import Law

#: Lines of a histogram, letters of its longest bar, and what lies outside its inner lines.
LINES, BAR, OUTER = 16, 36, 0.01
#: Letters of a label: as a rule, and at most, when bars are as much shorter.
LABEL, LONGEST = 22, 34


def _firsts(grid: Cells) -> list[int]:
    """The first cell of each line but the first: where even steps through the middle of the law end, or each cell."""
    if len(grid.mass) <= LINES:
        return list(range(1, len(grid.mass)))
    below = np.cumsum(grid.mass)[:-1]
    low, high = grid.edges[np.searchsorted(below, [OUTER, 1 - OUTER]).clip(max=len(below) - 1)]
    steps = np.linspace(low, high, LINES - 1)
    after = np.searchsorted(grid.edges, steps).clip(1, len(grid.edges) - 1)
    nearest = after - (steps - grid.edges[after - 1] < grid.edges[after] - steps)
    return [int(at) + 1 for at in np.unique(nearest)]


def _labels(grid: Cells, firsts: list[int]) -> list[str]:
    if grid.values is not None and len(grid.mass) <= LINES:
        return [f"{value:.5g}" for value in grid.values]
    edges = grid.edges[np.array(firsts) - 1]
    digits = 2 - math.floor(math.log10(float(np.ptp(edges)) / LINES)) if len(edges) > 1 else 9
    ends = [f"{round(edge, digits) + 0.0:.{digits}f}" if 0 <= digits <= 6 else f"{edge:.4g}" for edge in edges.tolist()]
    if 2 * max(map(len, ends)) + len(" to ") > LONGEST:
        ends = [f"{edge:.4g}" for edge in edges.tolist()]
    return [f"below {ends[0]}", *(f"{a} to {b}" for a, b in itertools.pairwise(ends)), f"above {ends[-1]}"]


def _bar(share: float, law: float, letters: int) -> str:
    """Signs for the values, with a mark where the law ends; the shares are of the longest bar."""
    seen, mark = round(letters * share), round(letters * law)
    return f"{'#' * seen:<{letters + 1}}"[:mark] + "|" + f"{'#' * seen:<{letters + 1}}"[mark + 1 :].rstrip()


def lines(summary: Summary, law: Law, real: dtypes.Real) -> list[str]:
    """A heading and a line for each interval, at most 80 letters wide."""
    grid = cells.cells(law, real)
    if len(grid.mass) < 2:
        return []
    firsts = _firsts(grid)
    share: Floats = np.add.reduceat(summary.counts, [0, *firsts]) / max(summary.size, 1)
    exact: Floats = np.add.reduceat(grid.mass, [0, *firsts])
    longest, labels = max(float(share.max()), float(exact.max())), _labels(grid, firsts)
    width = max(LABEL, *map(len, labels))
    head = f"{'':{width}}  values     law  | is where the law ends"
    return [
        head,
        *(
            f"{label:>{width}} {100 * seen:6.2f} % {100 * expected:5.2f} %  "
            + _bar(seen / longest, expected / longest, BAR + LABEL - width)
            for label, seen, expected in zip(labels, share.tolist(), exact.tolist(), strict=True)
        ),
    ]
