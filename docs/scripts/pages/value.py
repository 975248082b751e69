"""Draw the way of a value from seed to bytes: `python -m docs.scripts.pages.value`; needs matplotlib.

Key, counter and words are computed by the definition in `tests/definition`, and the value by fastinit.
"""

import numpy as np

import fastinit as fi
from docs.scripts import arguments
from docs.scripts.pictures import save_svg, svg_figure
from fastinit.bench.plot import FAINT, INK, OURS
from tests.definition import reference

SEED, NAME, SHAPE, PLACE = 0, "layers.0.attn.wq", (4096, 1024), (3, 141)
INDEX = int(np.ravel_multi_index(PLACE, SHAPE))
BOUNDS = (-2.0, 2.0)
WIDTH, HEIGHT = 4.9, 6.3  # inches
ROWS, ROW, HALF = 7, 0.115, 0.48  # rows of boxes, the height of a box, the width of one beside another


def value(dtype):
    """The value at the place, from fastinit."""
    return fi.default_rng(SEED).child(NAME).truncated_normal(*BOUNDS, scale=0.02, size=SHAPE, index=PLACE, dtype=dtype)


def words():
    """The key, the counter and the four words that belong to the element, and which of them is its own."""
    place = reference.element((SEED, (NAME,), 0), INDEX, np.float32)
    counter = (place.counter, 0, place.call_word, 0)
    return place.key, counter, reference.philox4x32(counter, place.key), 2 * place.plane + 1 - place.half


def hexadecimal(numbers):
    """32-bit words as text."""
    return "  ".join(f"{number:08x}" for number in numbers)


def boxes():
    """Place, width, title, explanation and content of each box, from the top down; whether the user gives it."""
    key, counter, found, own = words()
    single, half = value("float32"), value("bfloat16")
    law = f"truncated_normal({BOUNDS[0]:g}, {BOUNDS[1]:g}, scale=0.02)"
    return [
        (0, 0, HALF, "seed and name", "you choose them", f"{SEED}, {NAME!r}", True),
        (0, 1 - HALF, HALF, "index", f"row {PLACE[0]}, column {PLACE[1]} of {SHAPE[0]} x {SHAPE[1]}", f"{INDEX:,}", True),
        (1, 0, HALF, "key", "by hashing, once for an array", hexadecimal(key), False),
        (1, 1 - HALF, HALF, "counter", "block, call and attempt", ", ".join(map(str, counter)), False),
        (2, 0, 1, "four random words", "by Philox4x32-10: ten rounds that multiply and mix", hexadecimal(found), False),
        (3, 0, 1, "the element's own word", "chosen by its index", hexadecimal([found[own]]), False),
        (4, 0, 1, f"law: {law}", "float32 arithmetic in a fixed order", f"{float(single):.9g}", False),
        (5, 0, 1, "rounding to the dtype", "bfloat16: once, to nearest even, inside the bounds", f"{float(half):.9g}", False),
        (6, 0, 1, "bytes", "in memory or in a file", half.tobytes().hex(" "), False),
    ]


def _box(axes, left, top, width, title, explanation, content, given):
    from matplotlib.patches import FancyBboxPatch

    shape = "round,pad=0,rounding_size=0.012"
    style = {"facecolor": "white", "edgecolor": OURS, "linestyle": "--"} if given else {"facecolor": FAINT, "edgecolor": INK}
    axes.add_patch(FancyBboxPatch((left, top - ROW), width, ROW, boxstyle=shape, linewidth=1.1, **style))
    middle = left + width / 2
    axes.text(middle, top - 0.024, title, ha="center", va="center", fontsize=9, fontweight="bold")
    axes.text(middle, top - 0.056, explanation, ha="center", va="center", fontsize=7.5)
    axes.text(middle, top - 0.091, content, ha="center", va="center", fontsize=9, family="monospace", color=OURS)


def picture():
    """The boxes, with an arrow from each to the one below."""
    figure, axes = svg_figure(WIDTH, HEIGHT)
    tops = {}
    for row, left, width, *text in boxes():
        tops[row] = 1 - row * (1 - ROW) / (ROWS - 1)
        _box(axes, left, tops[row], width, *text)
    arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.2}
    for row in range(ROWS - 1):
        for x in (HALF / 2, 1 - HALF / 2) if row < 2 else (0.5,):
            axes.annotate("", (x, tops[row + 1]), (x, tops[row] - ROW), arrowprops=arrow)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_axis_off()
    return figure


def main():
    """Write the picture."""
    arguments.parser(__doc__).parse_args()
    save_svg(picture(), "value")


if __name__ == "__main__":
    main()
