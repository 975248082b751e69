"""What determines the values of an array that is not stored: its law, dtype, call and place in the whole array."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit import dispatch
from fastinit.arguments import blocks, dtypes, outputs
from fastinit.arguments.blocks import Block
from fastinit.kernels.rows import WIDENED, widened
from fastinit.laws import Distribution
from fastinit.stream import CallKey

Array = npt.NDArray[Any]


class Source(NamedTuple):
    """A law, the name of a dtype, a call, and a block of the call's whole array, whose steps are given."""

    law: Distribution
    dtype_name: str
    call: CallKey
    block: Block

    @property
    def shape(self) -> tuple[int, ...]:
        """The block's shape."""
        return self.block.shape

    @property
    def steps(self) -> tuple[int, ...]:
        """How far apart neighbours along each axis are in the order of the whole array."""
        assert self.block.steps is not None
        return self.block.steps

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal arrays: the step of an axis without a second element does not count."""
        steps = tuple(step if n > 1 else 0 for n, step in zip(self.shape, self.steps, strict=True))
        return (*self[:3], self.shape, self.block.origin, steps)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._real.dtype

    @property
    def _real(self) -> dtypes.Real:
        return dtypes.resolve(self.dtype_name, self.law.dtype_names)

    def part(self, index: Any) -> Source:
        """The part that an index of integers, slices and Ellipsis cuts out."""
        return self._replace(block=blocks.select(index, self.shape, self.block))

    def transposed(self) -> Source:
        """The axes in reverse order."""
        return self._replace(block=self.block._replace(shape=self.shape[::-1], steps=self.steps[::-1]))

    def swapped(self) -> Source:
        """The last two axes swapped: each matrix of a stack transposed."""
        shape, steps = ((*axes[:-2], axes[-1], axes[-2]) for axes in (self.shape, self.steps))
        return self._replace(block=self.block._replace(shape=shape, steps=steps))

    def as_row(self) -> Source:
        """A vector as a matrix of one row."""
        return self._replace(block=self.block._replace(shape=(1, *self.shape), steps=(0, *self.steps)))

    def memory(self, flat: Array | None = None) -> Array:
        """An array of this shape, new or at the start of `flat`; its order in memory is that in which drawing is fastest."""
        order = sorted(range(len(self.shape)), key=lambda axis: -abs(self.steps[axis]))
        shape = [self.shape[axis] for axis in order]
        ordered = outputs.allocate("index", shape, self.dtype) if flat is None else flat[: math.prod(shape)].reshape(shape)
        return ordered.transpose(np.argsort(order)) if order else ordered

    def is_direct(self, dtype: np.dtype[Any]) -> bool:
        """Whether the values can be drawn into memory of this dtype: their own; or float32, if they have 16 or 8 bits."""
        return dtype == self.dtype or (dtype == np.float32 and widened(self.dtype_name) in WIDENED)

    def fill(self, target: Array) -> Array:
        """Draw into an array of this shape and of a dtype that is direct."""
        name = self.dtype_name if target.dtype == self.dtype else widened(self.dtype_name)
        dispatch.run(self.law.plan(self._real), name, self.block, target, lambda: self.call)
        return target

    def read(self, out: Any = None) -> Any:
        """Draw into `out`, or into a new array."""
        target = self.memory() if out is None else outputs.check(out, self.shape, self.dtype)
        self.fill(target)
        return target if out is None else outputs.result(out, target)
