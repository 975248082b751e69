"""LLVM scalars for NVIDIA GPUs (NVPTX): one element a thread.

Every real operation says that it rounds to nearest even: `.rn` in PTX, which no later compiler may fuse with another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from llvmlite import ir

from fastinit.arithmetic.lanes import Lanes
from fastinit.kernels.targets.llvm import Instructions, number, type_of


class Scalars(Instructions):
    """A target without lanes."""

    def _rounded(self, name: str, a: Lanes, *arguments: Any) -> Any:
        return self.intrinsic(f"llvm.nvvm.{name}.rn.{'f' if a.kind.bits == 32 else 'd'}", type_of(a), *arguments)

    def binary(self, operation: str, a: Lanes, b: Lanes) -> Any:
        if a.kind.group != "real":
            return super().binary(operation, a, b)
        if operation == "sub":  # NVVM has none that is never fused: a - b is a + (-b), to the bit
            return self._rounded("add", a, a.value, self.builder.fneg(b.value))
        return self._rounded({"truediv": "div"}.get(operation, operation), a, a.value, b.value)

    def fma(self, a: Lanes, b: Lanes, c: Lanes) -> Any:
        return self._rounded("fma", a, a.value, b.value, c.value)

    def sqrt(self, a: Lanes) -> Any:
        return self._rounded("sqrt", a, a.value)

    def spread(self, scalar: Lanes, width: int) -> NoReturn:
        raise TypeError(f"{scalar!r} cannot be spread over {width} lanes: a GPU's thread has none")

    def raised(self, a: Lanes) -> Any:
        return self.builder.shl(a.value, number(32))

    def upper_halves(self, a: Lanes) -> Any:
        return self.builder.trunc(self.builder.lshr(a.value, ir.Constant(a.value.type, 16)), ir.IntType(16))

    def half_bits(self, a: Lanes) -> Any:
        return self.builder.bitcast(self.builder.fptrunc(a.value, ir.HalfType()), ir.IntType(16))

    def half_reals(self, a: Lanes) -> Any:
        return self.builder.fpext(self.builder.bitcast(a.value, ir.HalfType()), ir.FloatType())

    def in_step(self, values: Sequence[Lanes]) -> Sequence[Any]:
        return [x.value for x in values]
