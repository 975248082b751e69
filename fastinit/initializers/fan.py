"""From a weight's shape and layout to its fans: how many inputs feed one output, and how many outputs one input feeds."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastinit.arguments import blocks


class Fans(NamedTuple):
    """Inputs per output and outputs per input."""

    fan_in: int
    fan_out: int


class Axes(NamedTuple):
    """Which axes of a shape count inputs, outputs, and independent copies; the others are the kernel's."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    batch: tuple[int, ...]


class _Layout(NamedTuple):
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    batch: tuple[int, ...]


#: Places among the axes that `batch_axis` leaves. Of a depthwise kernel each channel is a layer of its own.
LAYOUTS = {
    "out_in": _Layout((1,), (0,), ()),
    "in_out": _Layout((-2,), (-1,), ()),
    "depthwise": _Layout((), (-1,), (-2,)),
}


def chosen(name: str, value: Any, among: Sequence[str]) -> str:
    """`value`, if it is one of the words."""
    allowed = ", ".join(map(repr, among))
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {allowed}; got {value!r}")
    if value not in among:
        raise ValueError(f"{name} must be one of {allowed}; got {value!r}")
    return value


def positive(name: str, value: Any) -> int:
    """`value` as an int of at least 1 that fits 63 bits."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an int; got {value!r}")
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int; got {value!r}") from None
    if not 1 <= count <= blocks.MOST_ELEMENTS:
        raise ValueError(f"{name} must be at least 1 and below 2^63; got {count}")
    return count


def _places(name: str, value: Any, rank: int) -> tuple[int, ...]:
    """Axes counted from the front."""
    wrong = TypeError(f"{name} must be an int or a tuple of ints; got {value!r}")
    entries = value if isinstance(value, tuple | list) else (value,)
    if any(isinstance(entry, bool) for entry in entries):
        raise wrong
    try:
        axes = tuple(map(operator.index, entries))
    except TypeError:
        raise wrong from None
    for axis in axes:
        if not -rank <= axis < rank:
            raise ValueError(f"{name} must be in [{-rank}, {rank}) for a shape of {rank} axes; got {axis}")
    return tuple(axis % rank for axis in axes)


def one_axis(name: str, value: Any, rank: int) -> int:
    """An axis counted from the front."""
    if isinstance(value, tuple | list):
        raise TypeError(f"{name} must be an int; got {value!r}")
    return _places(name, value, rank)[0]


def _of_layout(layout: str, rank: int, batch: tuple[int, ...]) -> Axes:
    rest = [axis for axis in range(rank) if axis not in batch]
    if len(rest) < 2:
        besides = f" besides {len(batch)} batch axes" if batch else ""
        raise ValueError(
            f"shape must have at least 2 axes{besides} for layout={layout!r}; got {rank} axes: "
            "a weight of fewer has no fans unless in_axis and out_axis name its axes"
        )
    inputs, outputs, copies = (tuple(rest[place] for place in places) for places in LAYOUTS[layout])
    return Axes(inputs, outputs, (*batch, *copies))


def axes_of(rank: int, layout: Any = "out_in", in_axis: Any = None, out_axis: Any = None, batch_axis: Any = ()) -> Axes:
    """The axes that a layout, or the axis arguments in its place, give a shape of so many axes."""
    layout = chosen("layout", layout, tuple(LAYOUTS))
    batch = _places("batch_axis", batch_axis, rank)
    if (in_axis is None) != (out_axis is None):
        raise ValueError(f"in_axis and out_axis must be given together; got in_axis={in_axis!r}, out_axis={out_axis!r}")
    if in_axis is None:
        axes = _of_layout(layout, rank, batch)
    else:
        axes = Axes(_places("in_axis", in_axis, rank), _places("out_axis", out_axis, rank), batch)
    named = [*axes.inputs, *axes.outputs, *axes.batch]
    if len(set(named)) < len(named):
        raise ValueError(
            f"in_axis, out_axis and batch_axis must not share an axis; got axes {axes.inputs}, {axes.outputs} and {axes.batch}"
        )
    return axes


def fans(
    shape: Any, *, layout: str = "out_in", in_axis: Any = None, out_axis: Any = None, batch_axis: Any = (), groups: int = 1
) -> Fans:
    """Count the inputs that feed one output of a weight, and the outputs that one input feeds.

    Parameters
    ----------
    shape : int or sequence of int
        The weight's shape.
    layout : {"out_in", "in_out", "depthwise"}
        Meaning of the axes that `batch_axis` leaves: [out, in, *kernel] (torch), [*kernel, in, out] (Keras, JAX), or
        [*kernel, channels, multiplier] (depthwise in Keras), where each channel is an independent layer with one input.
    in_axis, out_axis : int or tuple of int, optional
        The axes of inputs and of outputs, both or neither, in place of the layout. The axes named by none of the three axis
        arguments are the kernel's and count towards both fans.
    batch_axis : int or tuple of int
        Axes of independent copies (experts, stacked layers), which count towards neither.
    groups : int
        Groups of a grouped convolution, whose weight holds the inputs of one group and the outputs of all; at least 1, a
        divisor of the outputs.

    Returns
    -------
    Fans
        fan_in and fan_out, ints; 0 where a dimension that counts is 0.

    Raises
    ------
    TypeError, ValueError
        For an argument that is not as above, or a shape of too few axes for its layout.

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
    groups = positive("groups", groups)
    outputs = math.prod(whole[axis] for axis in axes.outputs)
    if outputs % groups:
        raise ValueError(f"groups must divide the {outputs} outputs of shape {whole}; got {groups}")
    named = {*axes.inputs, *axes.outputs, *axes.batch}
    kernel = math.prod(n for axis, n in enumerate(whole) if axis not in named)
    return Fans(math.prod(whole[axis] for axis in axes.inputs) * kernel, outputs // groups * kernel)
