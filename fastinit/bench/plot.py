"""The tables as a picture: bars of time over that of the store."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from fastinit.bench.machine import processors
from fastinit.bench.samplers import STORES
from fastinit.bench.session import Table
from fastinit.bench.table import counted
from fastinit.peers.libraries import need

SUFFIXES = (".png", ".svg", ".pdf")
OURS, PLAIN, YARDSTICK, INK, FAINT = "#0b6e99", "#b9c0c7", "#5f6b76", "#22272b", "#e3e6e8"
WIDTH, PANEL, BAR = 8.4, 0.95, 0.29  # inches: of the picture, of a panel without its bars, of a bar
#: The axis is logarithmic from this ratio of the longest bar to the shortest on: the short bars could not be read otherwise.
LOGARITHMIC = 20.0


def check(path: str) -> None:
    """Raise ValueError or NotInstalled if a picture cannot be drawn to this path."""
    if Path(path).suffix not in SUFFIXES:
        raise ValueError(f"--plot: must end in {', '.join(SUFFIXES)}; got {path!r}")
    need("plot", "--plot")


def _bars(table: Table) -> list[tuple[str, str, float]]:
    """Library, label and times the store, the fastest first."""
    ratios = [(row.library, row.sampler, table.ratio(row.library, "store")) for row in table.rows.values()]
    return sorted(((library, label, ratio) for library, label, ratio in ratios if ratio is not None), key=lambda bar: bar[2])


def _label(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 20 else f"{ratio:.2g}" if ratio < 1 else f"{ratio:.1f}"


def _heading(table: Table) -> str:
    job = table.job
    buffer = ", fresh buffer" if job.buffer == "fresh" else ""
    place = "a CUDA device" if job.device == "cuda" else counted(job.threads, "thread")
    return f"{job.law.replace('_', ' ')}, {job.dtype}, {place}{buffer}"


def _panel(axes: Any, table: Table, bars: Sequence[tuple[str, str, float]], limits: tuple[float, float], log: bool) -> None:
    colours = {"fastinit": OURS, **dict.fromkeys(STORES, YARDSTICK)}
    places = range(len(bars))
    axes.set_xscale("log" if log else "linear")
    axes.barh(
        places,
        [bar[2] - limits[0] for bar in bars],
        left=limits[0],
        color=[colours.get(bar[0], PLAIN) for bar in bars],
        height=0.7,
    )
    axes.axvline(1, color=YARDSTICK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_yticks(places, [label for _, label, _ in bars])
    for place, (library, _, ratio) in enumerate(bars):
        axes.annotate(
            _label(ratio),
            (ratio, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=9,
            fontweight="bold" if library == "fastinit" else "normal",
        )
    for tick, (library, _, _) in zip(axes.get_yticklabels(), bars, strict=True):
        tick.set_fontweight("bold" if library == "fastinit" else "normal")
        tick.set_color(OURS if library == "fastinit" else INK)
    axes.set_xlim(*limits)
    axes.invert_yaxis()
    axes.set_title(_heading(table), loc="left", fontsize=10.5, color=INK)
    _plain_axes(axes)


def _plain_axes(axes: Any) -> None:
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value < 1e4 else f"{value:,.0f}")
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9)
    axes.tick_params(which="minor", length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def draw(tables: Sequence[Table], machine: dict[str, Any], file: BinaryIO, kind: str) -> None:
    """Write a picture with a panel for each table that has a measured store, one below the other on one scale.

    `machine` is a description from `machine.describe`, for the caption; `kind` is "png", "svg" or "pdf".
    """
    figure_class = import_module("matplotlib.figure").Figure
    drawn = [(table, bars) for table in tables if (bars := _bars(table))]
    ratios = [bar[2] for _, bars in drawn for bar in bars] or [1.0]
    log = max(ratios) / min(ratios) > LOGARITHMIC
    limits = (min(0.5, min(ratios) / 1.3), max(ratios) * 1.6) if log else (0.0, max(ratios) * 1.12)
    heights = [PANEL + BAR * len(bars) for _, bars in drawn] or [PANEL]
    figure = figure_class(figsize=(WIDTH, sum(heights) + 0.7), layout="constrained")
    grid = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, (table, bars) in zip(grid[:, 0], drawn, strict=False):
        _panel(axes, table, bars, limits, log)
    if not drawn:
        grid[0, 0].set_axis_off()
        grid[0, 0].text(0.5, 0.5, "nothing was measured", ha="center", color=INK)
    on_device = any(table.job.device == "cuda" for table in tables)
    unit = f"time over that of {'a memset' if on_device else 'the parallel store of a constant'}" + (
        ", logarithmic" if log else ""
    )
    figure.supxlabel(f"{unit}\n{caption(tables, machine)}", fontsize=9, color=INK)
    figure.savefig(file, format=kind, dpi=150)


def caption(tables: Sequence[Table], machine: dict[str, Any]) -> str:
    """How many values, and on which machine."""
    values = ", ".join(f"{values:,}" for values in dict.fromkeys(table.job.values for table in tables))
    return f"{values} values; {processors(machine)}"
