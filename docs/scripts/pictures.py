"""SVG pictures of the pages; they need matplotlib. The same figures give the same file."""

from docs.scripts.markdown import DOCS


def svg_figure(width, height):
    """A figure with one plot, in inches, and its axes."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "fastinit", "svg.fonttype": "none", "font.size": 9})
    plt.rcParams.update({"axes.grid": True, "grid.alpha": 0.3, "axes.axisbelow": True})
    return plt.subplots(figsize=(width, height), layout="constrained")


def save_svg(figure, name):
    """Write the figure as docs/figures/NAME.svg."""
    figure.savefig(DOCS / "figures" / f"{name}.svg", metadata={"Date": None, "Creator": None})
