"""From a weight's shape and layout to its fans: how many inputs feed one output, and how many outputs one input feeds."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from fastinit.arguments import blocks, checks
from fastinit.arguments.docstrings import documented
from fastinit.initializers.documentation import PARAMETERS


class Fans(NamedTuple):
    """Inputs per output and outputs per input."""

    fan_in: int
    fan_out: int


class Axes(NamedTuple):
    """Which axes of a shape count inputs, outputs, and independent copies; the others are the kernel's."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    batch: tuple[int, ...]


#: Positions among the axes that are not in `batch_axis`. Each channel of a depthwise kernel is a layer of its own.
LAYOUTS = {
    "out_in": Axes((1,), (0,), ()),
    "in_out": Axes((-2,), (-1,), ()),
    "depthwise": Axes((), (-1,), (-2,)),
}


def _of_layout(layout: str, rank: int, batch: tuple[int, ...]) -> Axes:
    rest = [axis for axis in range(rank) if axis not in batch]
    if len(rest) < 2:
        besides = f" besides {len(batch)} batch axes" if batch else ""
        raise ValueError(
            f"shape must have at least 2 axes{besides} for layout={layout!r}; got {rank} axes: "
            "a weight with fewer axes has fans only if in_axis and out_axis name its axes"
        )
    inputs, outputs, copies = (tuple(rest[position] for position in positions) for positions in LAYOUTS[layout])
    return Axes(inputs, outputs, (*batch, *copies))


def axes_of(rank: int, layout: Any = "out_in", in_axis: Any = None, out_axis: Any = None, batch_axis: Any = ()) -> Axes:
    """The axes of a shape of this rank, by its layout or by the axis arguments in its place."""
    layout = checks.one_of("layout", layout, LAYOUTS)
    batch = checks.axes("batch_axis", batch_axis, rank)
    if (in_axis is None) != (out_axis is None):
        raise ValueError(f"in_axis and out_axis must be given together; got in_axis={in_axis!r}, out_axis={out_axis!r}")
    if in_axis is None:
        axes = _of_layout(layout, rank, batch)
    else:
        axes = Axes(checks.axes("in_axis", in_axis, rank), checks.axes("out_axis", out_axis, rank), batch)
    named = [*axes.inputs, *axes.outputs, *axes.batch]
    if len(set(named)) < len(named):
        raise ValueError(
            f"in_axis, out_axis and batch_axis must not share an axis; got axes {axes.inputs}, {axes.outputs} and {axes.batch}"
        )
    return axes


@documented(Parameters="".join(PARAMETERS[name] for name in ("layout", "in_axis", "batch_axis", "groups")))
def fans(
    shape: Any, *, layout: str = "out_in", in_axis: Any = None, out_axis: Any = None, batch_axis: Any = (), groups: int = 1
) -> Fans:
    """Count the inputs that feed one output of a weight, and the outputs that one input feeds.

    Parameters
    ----------
    shape : int or sequence of int
        The weight's shape.

    Returns
    -------
    Fans
        fan_in and fan_out, ints; 0 if a dimension that counts is 0.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument, or a shape of too few axes for its layout.

    Examples
    --------
    >>> from fastinit.initializers import fans
    >>> fans((64, 32, 3, 3))
    Fans(fan_in=288, fan_out=576)
    >>> fans((3, 3, 32, 64), layout="in_out")
    Fans(fan_in=288, fan_out=576)
    >>> fans((8, 64, 32), batch_axis=0)                # eight experts of 32 inputs and 64 outputs
    Fans(fan_in=32, fan_out=64)
    >>> fans((64, 1, 3, 3), groups=32) == fans((3, 3, 32, 2), layout="depthwise")
    True
    """
    whole = blocks.shape_of(shape, "shape")
    axes = axes_of(len(whole), layout, in_axis, out_axis, batch_axis)
    groups = checks.positive_int("groups", groups)
    outputs = math.prod(whole[axis] for axis in axes.outputs)
    if outputs % groups:
        raise ValueError(f"groups must divide the {outputs} outputs of shape {whole}; got {groups}")
    named = {*axes.inputs, *axes.outputs, *axes.batch}
    kernel = math.prod(n for axis, n in enumerate(whole) if axis not in named)
    return Fans(math.prod(whole[axis] for axis in axes.inputs) * kernel, outputs // groups * kernel)
