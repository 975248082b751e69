"""One row of the table of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fastinit.arithmetic.lanes import REAL, Kind, Lanes
from fastinit.distributions.law import Law
from fastinit.kernels.layout import TILE


class Row(NamedTuple):
    """A law, the kind of its words, the rounding to the dtype, and the dtype's bytes."""

    law: Law
    word: Kind
    encode: Callable[[Lanes], Lanes]
    itemsize: int

    def stored(self, value: Lanes) -> Lanes:
        """The bits of a value in the dtype."""
        if value.kind not in (REAL[self.word.bits], self.word):
            raise TypeError(f"law {self.law.name!r} must make {REAL[self.word.bits]} of {self.word}; got {value!r}")
        bits = self.encode(value)
        if bits.kind.bits != 8 * self.itemsize:
            raise TypeError(f"law {self.law.name!r} makes {value!r}, which cannot be stored in {self.itemsize} bytes")
        return bits

    @property
    def words(self) -> int:
        """Words of a plane per counter."""
        return 64 // self.word.bits

    @property
    def plane(self) -> int:
        """Bytes of a tile's plane."""
        return self.words * TILE * self.itemsize
