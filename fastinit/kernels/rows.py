"""The table of rows: every law with every dtype."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable
from typing import NamedTuple

from fastinit.arithmetic import rounding
from fastinit.arithmetic.lanes import Kind, u32, u64
from fastinit.distributions import LAWS
from fastinit.distributions.law import Law
from fastinit.distributions.sums import CONSTANT, added
from fastinit.kernels import cache, machine
from fastinit.kernels.row import Format, Row


class Storage(NamedTuple):
    """A dtype: the kind of word that it takes, and how its values are stored."""

    word: Kind
    format: Format


_BYTE = Storage(u32, Format(1, rounding.to_integer8))
_SHORT = Storage(u32, Format(2, rounding.to_integer16))
_WORD = Storage(u32, Format(4, rounding.to_word))
_LONG = Storage(u64, Format(8, rounding.to_word))
STORAGE = {
    "float32": Storage(u32, Format(4, rounding.as_is, rounding.from_float32)),
    "float64": Storage(u64, Format(8, rounding.as_is, rounding.from_float64)),
    "float16": Storage(u32, Format(2, rounding.to_float16, rounding.from_float16, 0x7E00)),
    "bfloat16": Storage(u32, Format(2, rounding.to_bfloat16, rounding.from_bfloat16, 0x7FC0)),
    "float8_e4m3fn": Storage(u32, Format(1, rounding.to_float8_e4m3fn, rounding.from_float8_e4m3fn, 0x7F)),
    "float8_e5m2": Storage(u32, Format(1, rounding.to_float8_e5m2, rounding.from_float8_e5m2, 0x7F)),
    "int8": _BYTE, "int16": _SHORT, "int32": _WORD, "int64": _LONG,
    "uint8": _BYTE, "uint16": _SHORT, "uint32": _WORD, "uint64": _LONG,
    "bool": _BYTE,
}  # fmt: skip


#: The package's own laws.
OWN = frozenset(each for law in (*LAWS.values(), CONSTANT) for each in (law, added(law)))
#: Every pair that a Generator may draw.
ROWS = tuple((law.name, dtype) for law in LAWS.values() for dtype in STORAGE if dtype in law.dtypes)


def row(law: str, dtype: str) -> Row:
    """The row of a pair of the table."""
    return Row(LAWS[law], *STORAGE[dtype])


#: The first arguments of the loop, in the order of `layout.ARGUMENTS`.
Entry = tuple[int, int, int, int, int, int]
#: The loop: `fill.fill` with arguments packed or their address, scratch memory, slot and looks.
Loop = Callable[[bytes | int, int, int, int], int]


def _loop_code() -> bytes:
    from fastinit.kernels import fill  # Numba, a third of a second, is imported only where it has to compile

    return fill.code()


def _text(wanted: Row) -> str:
    from fastinit.kernels import tiles

    return tiles.trace(wanted, machine.host().traits)


def _row_code(wanted: Row, dtype: str) -> bytes:
    """A row's machine code. A user's law is named by its text as well, since no digest of our sources covers it."""
    name = f"{wanted.law.name}-{dtype}{'-add' if wanted.law.adds else ''}"
    if wanted.law in OWN:
        return cache.stored(name, lambda: machine.object_code(_text(wanted)))
    text = _text(wanted)
    return cache.stored(f"{name}.{hashlib.sha256(text.encode()).hexdigest()[:16]}", lambda: machine.object_code(text))


@functools.cache
def loop() -> Loop:
    """The compiled loop. It does not hold the GIL."""
    (address,) = machine.link(cache.stored("loop", _loop_code), "fill")
    return ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, *[ctypes.c_ssize_t] * 3)(address)


@functools.cache
def entry(law: Law, dtype: str) -> Entry:
    """A row's machine code, compiled or from the cache: addresses of its functions, and what the loop must know of it."""
    wanted = Row(law, *STORAGE[dtype])
    tiles, attempt = machine.link(_row_code(wanted, dtype), "tiles", "attempt")
    law = wanted.law
    return tiles, attempt, wanted.words, wanted.itemsize, int(law.accept is not None), int(law.adds)
