"""From a global shape and an index to the axes of the block that is wanted. No Numba here."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments.hints import shown

#: Logical indices stay below this, so that they fit signed 64-bit integers.
MOST_ELEMENTS = 2**63 - 1
#: NumPy's own limit.
MOST_AXES = 64


class Axis(NamedTuple):
    """How many, how far apart in the logical order, how far apart in memory (bytes)."""

    length: int
    step: int
    stride: int


class Block(NamedTuple):
    """A piece of a global array: its shape, the logical index of its first element, and the logical step of each axis.

    No steps are given for the whole array.
    """

    shape: tuple[int, ...]
    origin: int = 0
    steps: tuple[int, ...] | None = None


def _integers(size: Any, name: str) -> tuple[int, ...]:
    wrong = TypeError(f"{name} must be an int or a sequence of ints; got {shown(size)}")
    if isinstance(size, bool | np.bool_ | str | bytes | bytearray | memoryview | Set | Mapping):
        raise wrong
    try:
        return (operator.index(size),)
    except TypeError:
        pass
    try:
        entries = list(size)
        if any(isinstance(n, bool | np.bool_) for n in entries):
            raise wrong
        return tuple(operator.index(n) for n in entries)
    except TypeError:
        raise wrong from None


def shape_of(size: Any, name: str = "size") -> tuple[int, ...]:
    """`size` as a tuple of at most 64 non-negative ints whose product fits."""
    if type(size) is int and 0 <= size <= MOST_ELEMENTS:
        return (size,)  # in a tenth of the time
    shape = _integers(size, name)
    if len(shape) > MOST_AXES:
        raise ValueError(f"{name} must have at most {MOST_AXES} axes; got {len(shape)}")
    if any(n < 0 for n in shape):
        raise ValueError(f"{name} must not be negative; got {shown(size)}")
    if math.prod(shape) > MOST_ELEMENTS or any(n > MOST_ELEMENTS for n in shape):
        raise ValueError(f"{name} must stay below 2^63 elements; got {shown(size)}")
    return shape


def _logical_steps(shape: Sequence[int]) -> list[int]:
    steps, step = [], 1
    for n in reversed(shape):
        steps.append(step)
        step *= n
    return steps[::-1]


def expand(index: Any, shape: tuple[int, ...]) -> list[Any]:
    """The index as one integer or slice per axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise ValueError(f"index must have at most one Ellipsis; got {shown(index)}")
    missing = len(shape) - (len(parts) - len(dots))
    if missing < 0:
        raise ValueError(f"index must have at most {len(shape)} entries for size {shape}; got {shown(index)}")
    at = dots[0] if dots else len(parts)
    return parts[:at] + [slice(None)] * missing + parts[at + len(dots) :]


def select(index: Any, shape: tuple[int, ...], whole: Block | None = None) -> Block:
    """The block that `index` (integers, slices, Ellipsis) cuts out of an array of this shape, with NumPy's meaning.

    The array may itself be a block, `whole`, of another one.
    """
    counts, steps, origin = [], [], whole.origin if whole else 0
    steps_of = whole.steps if whole and whole.steps is not None else _logical_steps(shape)
    for axis, (part, n, step) in enumerate(zip(expand(index, shape), shape, steps_of, strict=True)):
        if isinstance(part, slice):
            try:
                start, stop, stride = part.indices(n)
            except TypeError:
                raise TypeError(f"index must hold slices of ints; got {shown(part)} for axis {axis}") from None
            except ValueError as error:
                raise ValueError(f"index: {error}; got {shown(part)} for axis {axis}") from None
            count = len(range(start, stop, stride))
            counts.append(count)
            steps.append(step * stride)
            origin += start * step if count else 0
            continue
        if isinstance(part, bool | np.bool_):
            raise TypeError(f"index must hold integers, slices and Ellipsis; got {shown(part)} for axis {axis}")
        try:
            i = operator.index(part)
        except TypeError:
            raise TypeError(f"index must hold integers, slices and Ellipsis; got {shown(part)} for axis {axis}") from None
        if not -n <= i < n:
            raise IndexError(f"index must be in [{-n}, {n}) for axis {axis} of size {shape}; got {shown(i)}")
        origin += (i % n) * step
    return Block(tuple(counts), origin, tuple(steps))


def is_element(index: Any) -> bool:
    """Whether an index that leaves no axes means an element, not (as with an Ellipsis) an array without axes."""
    parts = index if isinstance(index, tuple) else (index,)
    return index is not None and not any(part is Ellipsis for part in parts)


#: Runs shorter than this are filled element by element, so a longer axis had better be the innermost.
SHORT_RUN = 12


def axes_of(block: Block, strides: tuple[int, ...]) -> list[Axis]:
    """The axes to walk over, outermost first: ones dropped, neighbours merged, a short innermost one moved outward."""
    steps = _logical_steps(block.shape) if block.steps is None else block.steps
    axes: list[Axis] = []
    for axis in map(Axis, block.shape, steps, strides):
        if axis.length == 1:
            continue
        last = axes[-1] if axes else None
        if last and last.step == axis.length * axis.step and last.stride == axis.length * axis.stride:
            axes[-1] = Axis(last.length * axis.length, axis.step, axis.stride)
        else:
            axes.append(axis)
    if not axes:
        return [Axis(1, 1, 0)]
    if axes[-1].length < SHORT_RUN or axes[-1].step != 1:
        best = max(range(len(axes)), key=lambda i: (axes[i].step == 1 and axes[i].length >= SHORT_RUN, axes[i].length))
        axes.append(axes.pop(best))
    return axes
