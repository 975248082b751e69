"""Draw every law of `fastinit.laws` with a histogram of its values: `python -m docs.scripts.pages.laws`.

It needs SciPy and matplotlib. The values are counted by `fastinit check`'s own code, so memory does not grow with their number.
The counts go into docs/figures/laws.json; with `--draw` nothing is counted, and the picture is drawn again from that file.
"""

import json
import math

import numpy as np

import fastinit as fi
from docs.scripts import arguments
from docs.scripts.pictures import FIGURES, save_svg, svg_figure
from fastinit import laws
from fastinit.arguments.dtypes import ALL_NAMES, resolve
from fastinit.bench.plot import FAINT, INK, YARDSTICK
from fastinit.bench.scaling import STYLES
from fastinit.check import counts, exact
from fastinit.check.laws import of

#: A normal law has a value beyond 6 deviations on either side in about 10^9.
VALUES = 2**30
BLOCK = 2**22
COUNTS = FIGURES / "laws.json"
CONTINUOUS = (
    "normal", "truncated_normal", "uniform(-1, 1)", "exponential", "laplace", "logistic", "gumbel", "cauchy", "lognormal",
)  # fmt: skip
DISCRETE = ("rademacher", "bernoulli(0.3)", "integers(-3, 4)")
COLUMNS = 64
LAW, HISTOGRAM = INK, STYLES[5][0]


def counted(text, values):
    """Counts of this many values of a law, drawn block by block: of equal columns, or of the numbers of a law of few."""
    law = of(laws.parse(text))
    real = resolve("float32" if text in CONTINUOUS else "int8", ALL_NAMES)
    rng = fi.default_rng(0).child(law.title)
    state = rng.state

    def block(start):
        rng.state = state  # all blocks are parts of one call
        return law.draw(rng, real, size=values, index=slice(start, min(start + BLOCK, values)))

    summary = counts.summarise(law, real, map(block, range(0, values, BLOCK)))
    return (summary.columns.reshape(COLUMNS, -1).sum(1) if text in CONTINUOUS else summary.counts).tolist()


def deviations(law):
    """The places 6 deviations from the mean."""
    mean, deviation = law.base().mean(), law.base().std()
    return [mean - 6 * deviation, mean + 6 * deviation] if math.isfinite(deviation) else []


def _histogram(axes, law, found, values):
    """The counts of all columns, and the density of the law."""
    low, high = exact.span(law)
    edges, width = np.linspace(low, high, COLUMNS + 1), (high - low) / COLUMNS
    heights = np.array(found) / values / width
    seen = np.flatnonzero(heights)
    shown = slice(max(seen[0] - 2, 0), min(seen[-1] + 3, COLUMNS))
    edges, heights = edges[shown.start : shown.stop + 1], heights[shown]
    first, last = edges[0], edges[-1]
    x = np.linspace(first, last, COLUMNS + 1)
    density = law.base().pdf(x)
    bounded = math.isfinite(law.a) and math.isfinite(law.b)
    bottom = 0.0 if bounded else min(heights[heights > 0].min(), 1 / values / width) / 3
    axes.stairs(np.maximum(heights, bottom), edges, baseline=bottom, fill=True, color=HISTOGRAM)
    axes.plot(x[density > bottom], density[density > bottom], color=LAW, linewidth=1.1)
    axes.set_yscale("linear" if bounded else "log")
    axes.set_ylim(bottom, 1.25 * density.max() if bounded else 5 * density.max())
    axes.set_xlim(first, last)
    axes.locator_params(axis="x", nbins=4)
    for place in deviations(law):
        if first < place < last:
            axes.axvline(place, color=YARDSTICK, linewidth=1, linestyle=":")


def _chances(axes, law, found, values):
    """The share of each number, and its chance as a mark."""
    axes.bar(law.points, np.array(found) / values, width=0.6, color=HISTOGRAM)
    axes.hlines(law.chances, np.subtract(law.points, 0.4), np.add(law.points, 0.4), color=LAW, linewidth=1.5)
    axes.set(ylim=(0, 1.25 * max(law.chances)), xlim=(law.a - 0.8, law.b + 0.8), xticks=law.points)


def picture(result):
    """A panel for each law: densities of laws without bounds on a logarithmic axis."""
    figure, grid = svg_figure(5.2, 9.6, rows=6, columns=2)
    for (text, found), axes in zip(result["counts"].items(), grid.flat, strict=True):
        (_histogram if text in CONTINUOUS else _chances)(axes, of(laws.parse(text)), found, result["values"])
        axes.set_title(text, loc="left", fontsize=9, fontweight="bold", color=INK)
        axes.minorticks_off()
        if axes.get_yscale() == "linear":
            axes.locator_params(axis="y", nbins=3)
        axes.tick_params(labelsize=8, length=0)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(color=FAINT, linewidth=0.6)
    caption = f"bars: shares of {result['values']:,} values; black lines: the law\ndotted: 6 deviations from the mean"
    figure.supxlabel(caption, fontsize=9, color=INK)
    return figure


def main():
    """Count values, unless `--draw` is there, and write the picture."""
    parser = arguments.parser(__doc__)
    parser.add_argument("--values", type=arguments.count, default=VALUES, help="values of each law (default %(default)s)")
    parser.add_argument("--draw", action="store_true", help="count nothing: draw again from docs/figures/laws.json")
    args = parser.parse_args()
    if not args.draw:
        found = {text: counted(text, args.values) for text in (*CONTINUOUS, *DISCRETE)}
        COUNTS.write_text(json.dumps({"values": args.values, "counts": found}) + "\n")
    save_svg(picture(json.loads(COUNTS.read_text())), "laws")


if __name__ == "__main__":
    main()
