"""One row of the table of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fastinit.arithmetic.lanes import REAL, Kind, Lanes, fma, select
from fastinit.distributions import LAWS
from fastinit.distributions.law import Law
from fastinit.distributions.sums import CONSTANT, added
from fastinit.kernels.layout import TILE

#: The package's own laws.
OWN = frozenset(each for law in (*LAWS.values(), CONSTANT) for each in (law, added(law)))


class Format(NamedTuple):
    """How a dtype stores values: its bytes, values to bits, bits to reals, and the bits of NaN if rounding does not keep it."""

    itemsize: int
    encode: Callable[[Lanes], Lanes]
    decode: Callable[[Lanes], Lanes] | None = None
    nan: float | None = None


class Row(NamedTuple):
    """A law, the kind of its words, and how the dtype stores values."""

    law: Law
    word: Kind
    format: Format

    @property
    def itemsize(self) -> int:
        """Bytes of a value."""
        return self.format.itemsize

    def stored(self, value: Lanes) -> Lanes:
        """The bits of a value in the dtype."""
        if not isinstance(value, Lanes) or value.kind not in (REAL[self.word.bits], self.word):
            raise TypeError(f"law {self.law.name!r} must make {REAL[self.word.bits]} of {self.word}; got {value!r}")
        bits = self.format.encode(value)
        if bits.kind.bits != 8 * self.itemsize:
            raise TypeError(f"law {self.law.name!r} makes {value!r}, which cannot be stored in {self.itemsize} bytes")
        if self.format.nan is None or (self.law in OWN and not self.law.adds):  # our own laws make no NaN
            return bits
        return select(value != value, self.format.nan, bits)

    def added(self, value: Lanes, old: Lanes, factor: Lanes) -> Lanes:
        """The bits of what is stored plus `factor` times a value, rounded to the computing type and then to the dtype."""
        if self.format.decode is None:
            raise TypeError(f"law {self.law.name!r} can only be added to reals")
        return self.stored(fma(value, factor, self.format.decode(old)))

    @property
    def words(self) -> int:
        """Words of a plane per counter."""
        return 64 // self.word.bits

    @property
    def plane(self) -> int:
        """Bytes of a tile's plane."""
        return self.words * TILE * self.itemsize
