"""Bandwidth against threads as a picture, with the roof: what the faster store reaches with as many threads."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, BinaryIO

from fastinit.bench.plot import FAINT, INK, WIDTH, caption
from fastinit.bench.samplers import STORES, TITLES
from fastinit.bench.session import Table

PANEL = 3.1  # inches: the height of a panel
#: Colours of Okabe and Ito, which colour-blind people can tell apart, each with a marker and a dash of its own for grey prints.
STYLES = (
    ("#0072b2", "o", "-"), ("#d55e00", "s", "--"), ("#009e73", "^", "-."), ("#cc79a7", "D", ":"), ("#e69f00", "v", "--"),
    ("#56b4e9", "P", "-."), ("#000000", "X", ":"), ("#5f6b76", "*", "-"), ("#0072b2", "<", ":"), ("#d55e00", ">", "-."),
)  # fmt: skip


def groups(tables: Sequence[Table]) -> list[list[Table]]:
    """The tables that differ in their threads only; of a size for a cache also in their values."""
    found: dict[tuple[object, ...], list[Table]] = {}
    for table in tables:
        job = table.job
        found.setdefault((job.law, job.dtype, job.buffer, job.place or job.values), []).append(table)
    return [sorted(group, key=lambda table: table.job.threads) for group in found.values()]


def scales(tables: Sequence[Table]) -> bool:
    """Whether there are tables that differ in their threads only."""
    return any(len(group) > 1 for group in groups(tables))


def curves(group: Sequence[Table]) -> dict[str, list[tuple[int, float]]]:
    """Threads and GB/s of the roof, its fastest round, and of each sampler that was measured and is no store."""
    found: dict[str, list[tuple[int, float]]] = {}
    for table in group:
        for library in table.rows:
            name = "roof" if library == table.roof else library
            times = table.times(library)
            if times and name not in STORES:
                seconds = min(times) if name == "roof" else statistics.median(times)
                found.setdefault(name, []).append((table.job.threads, table.nbytes / seconds / 1e9))
    return found


def _curve(axes: Any, name: str, points: Sequence[tuple[int, float]], style: tuple[str, str, str]) -> None:
    """Draw one sampler."""
    colour, marker, dash = style
    threads, rates = zip(*points, strict=True)
    width = 2.0 if name == "fastinit" else 1.4
    axes.plot(threads, rates, color=colour, marker=marker, linestyle=dash, markersize=6, linewidth=width)


def _labels(axes: Any, found: Mapping[str, Sequence[tuple[int, float]]], colours: Mapping[str, str]) -> None:
    """Names at the right ends of the curves, moved apart where they would lie on one another."""
    bottom, top = axes.get_ylim()
    gap, last = (top / bottom) ** (1 / 17), 0.0  # the axis is logarithmic, and a panel has room for 17 lines of text
    for name, points in sorted(found.items(), key=lambda each: each[1][-1][1]):
        threads, rate = points[-1]
        place = last = max(rate, last * gap)
        title = "roof: the faster store" if name == "roof" else TITLES[name]
        axes.annotate(
            title, (threads, rate), (1.02, place), xycoords="data", textcoords=("axes fraction", "data"), va="center",
            color=colours[name], fontsize=9, fontweight="bold" if name == "fastinit" else "normal", annotation_clip=False,
        )  # fmt: skip


def _heading(group: Sequence[Table]) -> str:
    """The law, the dtype and the size of a panel."""
    job = group[0].job
    size = f"fits {job.place.upper()}" if job.place in ("l2", "l3") else f"{job.values:,} values"
    return f"{job.law.replace('_', ' ')}, {job.dtype}, {size}{', fresh buffer' if job.buffer == 'fresh' else ''}"


def _panel(axes: Any, group: Sequence[Table]) -> None:
    """Draw the roof, the curves below it and their names."""
    found = curves(group)
    samplers = [name for name in found if name != "roof"]
    styles = dict(zip(samplers, STYLES * (len(samplers) // len(STYLES) + 1), strict=False))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    if "roof" in found:
        threads, rates = zip(*found["roof"], strict=True)
        axes.plot(threads, rates, color=INK, linewidth=3.5, alpha=0.35, solid_capstyle="butt")
        axes.fill_between(threads, rates, max(rates) * 1e6, color=FAINT, hatch="///", edgecolor="white", linewidth=0)
    for name in samplers:
        _curve(axes, name, found[name], styles[name])
    every = [rate for points in found.values() for _, rate in points] or [1.0]
    axes.set_ylim(min(every) / 1.5, max(every) * 1.6)
    counts = [table.job.threads for table in group]
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.yaxis.set_major_locator(import_module("matplotlib.ticker").LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(which="minor", length=0, labelbottom=False, labelleft=False)
    axes.grid(color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title(_heading(group), loc="left", fontsize=10.5, color=INK)
    axes.set_ylabel("GB/s", color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    _labels(axes, found, {"roof": INK, **{name: style[0] for name, style in styles.items()}})


def draw(tables: Sequence[Table], machine: dict[str, Any], file: BinaryIO, kind: str) -> None:
    """Write a picture with a panel for each law, dtype and size that was measured with several numbers of threads."""
    figure_class = import_module("matplotlib.figure").Figure
    drawn = [group for group in groups(tables) if len(group) > 1]
    figure = figure_class(figsize=(WIDTH, PANEL * len(drawn) + 0.6), layout="constrained")
    for axes, group in zip(figure.subplots(len(drawn), 1, squeeze=False)[:, 0], drawn, strict=True):
        _panel(axes, group)
    figure.supxlabel(f"threads\n{caption(tables, machine)}", fontsize=9, color=INK)
    figure.savefig(file, format=kind, dpi=150)
