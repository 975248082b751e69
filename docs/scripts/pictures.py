"""SVG pictures of the pages, in one style; they need matplotlib. The same figures give the same file."""

import io
import re
from pathlib import Path

from docs.scripts.markdown import DOCS
from fastinit.bench.plot import FAINT, INK

FIGURES = DOCS / "figures"
#: A white card, so that a picture can be read on a dark page. `svg.fonttype` leaves text to the reader's fonts.
STYLE = {
    "svg.hashsalt": "fastinit",
    "svg.fonttype": "none",
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans", "Verdana"],  # a list of ten would be a third of a file
    "font.monospace": ["DejaVu Sans Mono", "Courier New"],
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": FAINT,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def svg_figure(width, height, rows=1, columns=1):
    """A figure in inches, about 5 wide so that its text can be read on a telephone, and its axes: one, or an array of them."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(rows, columns)


#: What may be left out: names of groups, turns by nothing, indentation, and the fonts, which the first element has.
_FONTS = "font-family: 'DejaVu Sans', 'Verdana', sans-serif"
_IDLE = re.compile(rf'(?<=<g) id="(?!patch_1")\w+_\d+"| transform="rotate\(-0 [^"]*"|(?<=\n) +|{_FONTS}; ')


def _rounded(attribute):
    """An attribute of SVG with tenths of a point, and one L for a row of lines: the rest would only make the file longer."""
    text = re.sub(r"-?\d+\.\d\d+", lambda number: f"{float(number[0]):.1f}", attribute[0])
    return text if re.search("[CQ]", text) else text.replace(" \nL ", " ")


def svg(figure):
    """The figure as text."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    short = _IDLE.sub("", re.sub(r'="[^"]*"', _rounded, file.getvalue()))
    return short.replace("<svg ", f'<svg style="{_FONTS}" ', 1)


def save_svg(figure, name, folder=FIGURES):
    """Write the figure as NAME.svg, in docs/figures unless another folder is given."""
    Path(folder, f"{name}.svg").write_text(svg(figure))
