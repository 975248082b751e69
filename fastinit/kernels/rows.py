"""The table of rows: every law with every dtype."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import math
from collections.abc import Callable
from typing import NamedTuple

from fastinit.arguments.dtypes import REAL_NAMES
from fastinit.arithmetic import rounding
from fastinit.arithmetic.lanes import Kind, u32, u64
from fastinit.distributions import LAWS
from fastinit.distributions.law import Law
from fastinit.kernels import cache, machine
from fastinit.kernels.row import OWN, Format, Row


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


def widened(dtype: str) -> str:
    """The name of the rows that round values to a dtype of 16 or 8 bits and store them as float32."""
    return f"{dtype}-as-float32"


def _widened(short: Format) -> Storage:
    encode, decode = short.encode, short.decode
    assert decode is not None
    return Storage(u32, Format(4, lambda x: decode(encode(x)), nan=math.nan))


#: For products in float32, which then need no pass that converts.
WIDENED = {widened(name): _widened(STORAGE[name].format) for name in REAL_NAMES if STORAGE[name].format.itemsize < 4}

#: Every pair that a Generator may draw.
ROWS = tuple((law.name, dtype) for law in LAWS.values() for dtype in STORAGE if dtype in law.dtypes)


def row(law: str, dtype: str) -> Row:
    """The row of a pair of the table."""
    return Row(LAWS[law], *STORAGE[dtype])


#: The first arguments of the loop, in the order of `layout.ARGUMENTS`.
Entry = tuple[int, int, int, int, int, int]
#: The loop: `fill.fill` with arguments packed or their address, scratch memory, slot and looks.
Loop = Callable[[bytes | int, int, int, int], int]


@machine.unforked
def _loop_code() -> bytes:
    from fastinit.kernels import fill  # Numba, a third of a second, is imported only where it has to compile

    return fill.code()


@functools.lru_cache(maxsize=8)
def _text(wanted: Row) -> str:
    from fastinit.kernels import tiles

    return tiles.trace(wanted, machine.host().traits)


def _row(law: Law, dtype: str) -> Row:
    return Row(law, *(WIDENED.get(dtype) or STORAGE[dtype]))


def cached_as(law: Law, dtype: str) -> str:
    """The name of a row's code in the cache. That of a user's law has a digest, since that of our sources does not cover it."""
    name = f"{law.name}-{dtype}{'-add' if law.adds else ''}"
    return name if law in OWN else f"{name}.{hashlib.sha256(_text(_row(law, dtype)).encode()).hexdigest()[:16]}"


@functools.cache
def loop() -> Loop:
    """The compiled loop. It does not hold the GIL."""
    (address,) = machine.link(cache.stored("loop", _loop_code), "fill")
    return ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, *[ctypes.c_ssize_t] * 3)(address)


@functools.cache
def entry(law: Law, dtype: str) -> Entry:
    """A row's machine code, compiled or from the cache: addresses of its functions, and what the loop must know of it."""
    wanted = _row(law, dtype)
    code = cache.stored(cached_as(law, dtype), lambda: machine.object_code(_text(wanted)))
    tiles, attempt = machine.link(code, "tiles", "attempt")
    return tiles, attempt, wanted.words, wanted.itemsize, int(law.accept is not None), int(law.adds)
