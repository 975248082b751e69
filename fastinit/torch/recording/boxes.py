"""Blocks of tensors: which elements of its memory a tensor has, axis by axis."""

from __future__ import annotations

from typing import NamedTuple


class NotABox(Exception):
    """The elements of a tensor are no block of its memory."""


class Axis(NamedTuple):
    """`size` places along an axis, from `start` in steps."""

    start: int
    size: int
    step: int

    def of(self, inner: Axis) -> Axis:
        """The places that `inner` selects of these."""
        return Axis(self.start + inner.start * self.step, inner.size, inner.step * self.step)

    @property
    def slice(self) -> slice:
        return slice(self.start, self.start + (self.size - 1) * self.step + 1, self.step) if self.size else slice(0, 0)


Block = tuple[Axis, ...]
Geometry = tuple[tuple[int, ...], tuple[int, ...], int]


class Box(NamedTuple):
    """Where a tensor lies in the whole: a block of that, and for each axis of the tensor the whole's axis, or None."""

    block: Block
    axes: tuple[int | None, ...]

    def within(self, inner: Block) -> Block:
        """The whole's block that a block of the tensor is."""
        found = list(self.block)
        for axis, selected in zip(self.axes, inner, strict=True):
            if axis is not None:
                found[axis] = found[axis].of(selected)
        return tuple(found)


def locate(outer: Geometry, inner: Geometry) -> Box:
    """Find a tensor's elements in those of a whole, by sizes, strides and offsets."""
    size, stride, offset = outer
    rest, starts = inner[2] - offset, [0] * len(size)
    for axis in sorted((axis for axis in range(len(size)) if size[axis] > 1), key=lambda axis: -stride[axis]):
        if stride[axis] > 0:
            starts[axis], rest = divmod(rest, stride[axis])
    if rest or any(not 0 <= start < max(count, 1) for start, count in zip(starts, size, strict=True)):
        raise NotABox
    block, axes = [Axis(start, 1, 1) for start in starts], []
    for count, step in zip(*inner[:2], strict=True):
        found = None if count == 1 else _axis_of(outer, block, count, step)
        if found is not None:
            block[found] = Axis(starts[found], count, step // stride[found])
        axes.append(found)
    return Box(tuple(block), tuple(axes))


def _axis_of(outer: Geometry, block: list[Axis], count: int, step: int) -> int:
    """The whole's axis along which elements lie that are `step` apart in memory."""
    size, stride, _ = outer
    fits = [
        axis
        for axis in range(len(size))
        if size[axis] > 1 and block[axis].size == 1 and stride[axis] > 0 and step > 0 and step % stride[axis] == 0
        and block[axis].start + (count - 1) * (step // stride[axis]) < size[axis]
    ]  # fmt: skip
    if not fits:
        raise NotABox
    return max(fits, key=lambda axis: stride[axis])


def common(first: Axis, second: Axis) -> tuple[Axis, Axis] | None:
    """The places that two axes have in common: their numbers in the first, and in the second; None if there are none."""
    if first.step == 1:
        swapped = _within(second, first)
        return swapped and (swapped[1], swapped[0])
    if second.step == 1:
        return _within(first, second)
    if first.step == second.step and (first.start - second.start) % first.step == 0:
        start = first.start % first.step
        scaled = (Axis((each.start - start) // first.step, each.size, 1) for each in (first, second))
        return common(*scaled)
    raise NotABox


def _within(steps: Axis, line: Axis) -> tuple[Axis, Axis] | None:
    """The places of `steps` that lie on a line without gaps: their numbers in `steps`, and on the line."""
    first = max(-(-(line.start - steps.start) // steps.step), 0)
    last = min(-(-(line.start + line.size - steps.start) // steps.step), steps.size)
    if first >= last:
        return None
    return Axis(first, last - first, 1), Axis(steps.start + first * steps.step - line.start, last - first, steps.step)
