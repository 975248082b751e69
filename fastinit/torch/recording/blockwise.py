"""Make a block of a tensor from blocks of what it depends on, without the rest of it."""

from __future__ import annotations

from typing import Any

import torch

from fastinit.torch.filling.tensors import array_of, real_of
from fastinit.torch.recording.boxes import Axis, Block, NotABox, common, locate
from fastinit.torch.recording.evaluation import Evaluator
from fastinit.torch.recording.steps import Memory, Ref, Step


class NotBlockwise(Exception):
    """A step needs more than a block."""


class Blocks:
    """Makes blocks of tensors. What a step needs whole is made once, by the Evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def block(self, ref: Ref, block: Block, out: torch.Tensor | None = None) -> torch.Tensor:
        """A block of a tensor, in `out` if that is given.

        Raises NotBlockwise if a step on the tensor's own memory cannot be done for a block.
        """
        entire, direct = ref.memory.whole, ref.has_geometry_of(ref.memory.whole)
        try:
            if ref.dtype != entire.dtype or ref.is_conj or ref.is_neg:
                raise NotABox
            box = locate(entire[2:5], ref[2:5])
            made = _in_order(self._region(ref.memory, ref.version, box.within(block), out if direct else None), box.axes)
        except NotABox:
            raise NotBlockwise from None
        return made if out is None or direct else out.copy_(made)

    def _operand(self, ref: Ref, block: Block) -> torch.Tensor:
        """What a step on a block needs of a tensor that is broadcast to the step's shape."""
        inner = tuple(
            Axis(0, 1, 1) if count == 1 else axis
            for count, axis in zip(ref.size, block[len(block) - len(ref.size) :], strict=True)
        )
        try:
            return self.block(ref, inner)
        except NotBlockwise:
            return self.evaluator.tensor(ref)[tuple(axis.slice for axis in inner)]

    def _region(self, memory: Memory, version: int, block: Block, out: torch.Tensor | None) -> torch.Tensor:
        """A block of a whole memory after so many steps."""
        if memory.real is not None:
            raise NotBlockwise
        first = memory.base(version)
        made = torch.empty([axis.size for axis in block], dtype=memory.whole.dtype, device="cpu") if out is None else out
        if first < 0 and memory.origin is not None:
            self._region(*memory.origin, block, made)
        if first < 0 and memory.creation is not None:
            made.copy_(self._created(memory.creation, memory, block))
        for step in memory.steps[max(first, 0) : version]:
            self._apply(step, memory, block, made)
        return made

    def _created(self, step: Step, memory: Memory, block: Block) -> torch.Tensor:
        if step.func is torch.Tensor.detach:
            values: torch.Tensor = step.args[0][tuple(axis.slice for axis in block)]
            return values
        if not step.is_pointwise or memory.index:
            raise NotBlockwise
        result: torch.Tensor = step.call(lambda ref: self._operand(ref, block), _without_layout(step.kwargs))
        return result

    def _apply(self, step: Step, memory: Memory, block: Block, made: torch.Tensor) -> None:
        target = step.target_on(memory)
        if target.dtype != memory.whole.dtype or target.is_conj or target.is_neg or len(step.targets) > 1:
            raise NotBlockwise
        box = locate(memory.whole[2:5], target[2:5])
        pairs = [common(ours, theirs) for ours, theirs in zip(block, box.block, strict=True)]
        found = [pair for pair in pairs if pair is not None]
        if len(found) < len(pairs):
            return
        part = _in_order(made[tuple(ours.slice for ours, _ in found)], box.axes)
        inner = tuple(Axis(0, 1, 1) if axis is None else found[axis][1] for axis in box.axes)
        self._write(step, target, part, inner)

    def _write(self, step: Step, target: Ref, part: torch.Tensor, block: Block) -> None:
        """Do a step on a block of what it writes."""
        if step.fill is not None:
            if part.numel():
                index = tuple(axis.slice for axis in block)
                step.fill.draw(self.evaluator.draws(step), real_of(part), size=target.size, index=index, out=array_of(part))
        elif step.constant is not None:
            part.fill_(step.constant)
        elif step.is_pointwise:
            step.call(lambda ref: part if ref == target else self._operand(ref, block))
        else:
            raise NotBlockwise


def _without_layout(options: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in options.items() if name not in ("layout", "memory_format", "non_blocking")}


def _in_order(made: torch.Tensor, axes: tuple[int | None, ...]) -> torch.Tensor:
    """A block of a memory with the axes of a tensor on it."""
    kept = [axis for axis in axes if axis is not None]
    dropped = [axis for axis in range(made.ndim) if axis not in kept]
    found = made.permute((*kept, *dropped))
    found = found[(..., *[0] * len(dropped))] if dropped else found
    for position, axis in enumerate(axes):
        if axis is None:
            found = found.unsqueeze(position)
    return found
