"""LLVM vectors for CPUs. LLVM splits a vector into whatever registers there are: AVX-512, AVX2, SSE2 and NEON alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from fastinit.arithmetic.lanes import Kind, Lanes, f32, u16, u32
from fastinit.kernels.targets.cpu import Cpu
from fastinit.kernels.targets.llvm import I32, Instructions, indices, llvm_type, type_of


class Vectors(Instructions):
    """A target for one CPU."""

    def __init__(self, builder: Any, cpu: Cpu) -> None:
        super().__init__(builder)
        self.cpu = cpu

    def _intrinsic(self, name: str, a: Lanes, *arguments: Any) -> Any:
        lanes = "" if a.width is None else f"v{a.width}"
        return self.intrinsic(f"llvm.{name}.{lanes}f{a.kind.bits}", type_of(a), *arguments)

    def fma(self, a: Lanes, b: Lanes, c: Lanes) -> Any:
        return self._intrinsic("fma", a, a.value, b.value, c.value)

    def sqrt(self, a: Lanes) -> Any:
        return self._intrinsic("sqrt", a, a.value)

    def spread(self, scalar: Lanes, width: int) -> Any:
        nothing = ir.Constant(llvm_type(scalar.kind, width), ir.Undefined)
        one = self.builder.insert_element(nothing, scalar.value, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, nothing, indices([0] * width))

    def count_up(self, kind: Kind, width: int) -> Lanes:
        """0, 1, 2, ..."""
        return Lanes(self, ir.Constant(llvm_type(kind, width), list(range(width))), kind, width)

    def part(self, a: Lanes, index: int, width: int) -> Lanes:
        """The `index`-th run of so many lanes."""
        places = indices(range(index * width, (index + 1) * width))
        return Lanes(self, self.builder.shuffle_vector(a.value, a.value, places), a.kind, width)

    def raised(self, a: Lanes) -> Any:
        """By a shuffle: of a product shifted by 32, LLVM would make a second product by a 64-bit multiply, 3 steps on Intel."""
        assert a.width is not None
        halves = 2 * a.width
        words = self.builder.bitcast(a.value, llvm_type(u32, halves))
        zeros = ir.Constant(words.type, [0] * halves)
        places = indices([halves if i % 2 == 0 else i - 1 for i in range(halves)])
        return self.builder.bitcast(self.builder.shuffle_vector(words, zeros, places), type_of(a))

    def upper_halves(self, a: Lanes) -> Any:
        """By one shuffle for two registers, where a shift and a narrowing would be five steps."""
        assert a.width is not None
        words = self.builder.bitcast(a.value, llvm_type(u16, 2 * a.width))
        return self.builder.shuffle_vector(words, words, indices(range(1, 2 * a.width, 2)))

    def half_bits(self, a: Lanes) -> Any | None:
        if not self.cpu.converts_half:
            return None
        half = self.builder.fptrunc(a.value, ir.VectorType(ir.HalfType(), a.width))
        return self.builder.bitcast(half, llvm_type(u16, a.width))

    def half_reals(self, a: Lanes) -> Any | None:
        if not self.cpu.converts_half:
            return None
        half = self.builder.bitcast(a.value, ir.VectorType(ir.HalfType(), a.width))
        return self.builder.fpext(half, llvm_type(f32, a.width))

    def in_step(self, values: Sequence[Lanes]) -> Sequence[Any]:
        """On AVX-512, by an empty assembly that takes and gives back all registers.

        Without it the eight chains of multiplies drift apart and spill registers (27 % slower).
        """
        if not self.cpu.has_avx512:
            return [x.value for x in values]
        width = values[0].width
        assert width is not None
        shuffle = self.builder.shuffle_vector
        parts = [shuffle(x.value, x.value, indices(range(i, i + 8))) for x in values for i in range(0, width, 8)]
        n, register = len(parts), parts[0].type
        constraints = ",".join(["=v"] * n + [str(i) for i in range(n)])
        barrier = ir.InlineAsm(ir.FunctionType(ir.LiteralStructType([register] * n), [register] * n), "", constraints)
        after = self.builder.call(barrier, parts)
        parts = [self.builder.extract_value(after, i) for i in range(n)]
        each = n // len(values)
        return [self._joined(parts[i : i + each]) for i in range(0, n, each)]

    def _joined(self, parts: list[Any]) -> Any:
        while len(parts) > 1:
            both = indices(range(2 * parts[0].type.count))
            parts = [self.builder.shuffle_vector(*pair, both) for pair in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def mask_bits(self, *conditions: Lanes) -> Any:
        """Conditions as the bits of one i64, the first lowest."""
        i64 = ir.IntType(64)
        bits = ir.Constant(i64, 0)
        at = 0
        for condition in conditions:
            assert condition.width is not None
            word = self.builder.bitcast(condition.value, ir.IntType(condition.width))
            word = word if condition.width == 64 else self.builder.zext(word, i64)
            bits = self.builder.or_(bits, self.builder.shl(word, ir.Constant(i64, at)))
            at += condition.width
        return bits
