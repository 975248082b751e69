"""A distribution: a plan of numbers for its arguments, and functions from words to values.

The numbers are computed in IEEE double (+, -, *, /, sqrt) or `decimal`, which are the same on every machine. Functions of the C
library are not used: their last digits differ.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.arithmetic.lanes import Lanes

#: Names of the dtypes: those that hold reals, those of 32 and 64 bits, and the integers.
REALS = dtypes.REAL_NAMES
EXACT = ("float32", "float64")
#: Those that hold heavy tails.
HEAVY = ("float32", "float64", "float16", "bfloat16")
SIGNED = ("int8", "int16", "int32", "int64")
INTEGERS = (*SIGNED, "uint8", "uint16", "uint32", "uint64")

MOST_NUMBERS = 64  # of a law, for which each thread's scratch memory has room


@dataclass(frozen=True, eq=False)  # compared by identity, which is fast
class Law:
    """One way to make values of words: a row of the table of kernels for each dtype.

    Functions get the law's numbers as a NamedTuple `p`, each of the word's real kind. Most words of a rejecting law are *sure*:
    accepted without looking at a second word. Only the others take the exact test.
    """

    name: str
    #: A NamedTuple class: the names of the numbers.
    numbers: type[Any]
    #: (word, p) -> value, or None if two words make two values.
    value: Callable[[Lanes, Any], Lanes] | None = None
    #: (word of plane A, word of plane B, p) -> the value of each.
    pair: Callable[[Lanes, Lanes, Any], tuple[Lanes, Lanes]] | None = None
    #: (word, p) -> whether its value is accepted without a test; None if all are.
    sure: Callable[[Lanes, Any], Lanes] | None = None
    #: (word, second word, p) -> whether the value is accepted, for words that are not sure.
    accept: Callable[[Lanes, Lanes, Any], Lanes] | None = None
    #: Numbers that count words, up to 2^64: they stay doubles.
    counts: tuple[str, ...] = ()
    #: Whether most of the time goes to Philox.
    cheap: bool = False
    #: Names of the dtypes that hold its values.
    dtypes: tuple[str, ...] = REALS
    #: Whether a value times a factor is added to what the output holds. The factor is one more number, the last.
    adds: bool = False

    @property
    def count(self) -> int:
        """How many numbers a plan has."""
        return len(self.numbers._fields) + self.adds

    def check(self) -> None:
        """Refuse functions that do not belong together."""
        if (self.value is None) == (self.pair is None):
            raise ValueError(f"law {self.name!r} must have either value= or pair=")
        if (self.sure is None) != (self.accept is None) or (self.pair is not None and self.accept is not None):
            raise ValueError(f"law {self.name!r} must have both sure= and accept=, beside value=, or neither")
        if len(self.numbers._fields) > MOST_NUMBERS:
            raise ValueError(f"law {self.name!r} must have at most {MOST_NUMBERS} numbers; got {len(self.numbers._fields)}")

    def values(self, a: Lanes, b: Lanes, p: Any) -> tuple[Lanes, Lanes]:
        """The values of both planes' words."""
        if self.value is not None:
            return self.value(a, p), self.value(b, p)
        assert self.pair is not None
        return self.pair(a, b, p)


class Plan(NamedTuple):
    """A law, its numbers and their address; or a constant, the first number, if `law` is None."""

    law: Law | None
    numbers: npt.NDArray[np.float64]
    address: int


def with_numbers(law: Law | None, values: tuple[float, ...]) -> Plan:
    """The plan of a law, or of a constant, with these numbers."""
    numbers = np.array(values, np.float64)
    numbers.flags.writeable = False
    return Plan(law, numbers, numbers.__array_interface__["data"][0])


def plan(law: Law, *values: float) -> Plan:
    """The plan of a law with these numbers."""
    return with_numbers(law, tuple(law.numbers(*values)))


def constant(value: float) -> Plan:
    """The plan of an array of one number."""
    return with_numbers(None, (value,))


def nearest(value: float, real: dtypes.Real) -> Plan:
    """The plan of an array of the number of the dtype that is nearest."""
    return constant(dtypes.nearest(value, real))


def decimals(digits: int) -> decimal.Context:
    """A context of `decimal` of which nothing is left to the caller's."""
    ends = {"Emin": decimal.MIN_EMIN, "Emax": decimal.MAX_EMAX}
    return decimal.Context(digits, decimal.ROUND_HALF_EVEN, **ends, capitals=1, clamp=0, flags=[], traps=[])
