"""The table of rows: every law with every dtype."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable
from typing import NamedTuple

from fastinit.arithmetic import rounding
from fastinit.arithmetic.lanes import Kind, Lanes, u32, u64
from fastinit.distributions import LAWS
from fastinit.distributions.law import Law
from fastinit.kernels import cache, machine
from fastinit.kernels.row import Row


class Storage(NamedTuple):
    """A dtype: the kind of word that it takes, its rounding, and its bytes."""

    word: Kind
    encode: Callable[[Lanes], Lanes]
    itemsize: int


STORAGE = {
    "float32": Storage(u32, rounding.as_is, 4),
    "float64": Storage(u64, rounding.as_is, 8),
    "float16": Storage(u32, rounding.to_float16, 2),
    "bfloat16": Storage(u32, rounding.to_bfloat16, 2),
    "float8_e4m3fn": Storage(u32, rounding.to_float8_e4m3fn, 1),
    "float8_e5m2": Storage(u32, rounding.to_float8_e5m2, 1),
    "uint32": Storage(u32, rounding.as_is, 4),
}


def _is_drawn(law: str, dtype: str) -> bool:
    exact = STORAGE[dtype].encode is rounding.as_is  # stored as computed, a uniform needs no bounds
    if law == "normal_within":
        return dtype == "float8_e4m3fn"
    return (law == "bits") == (dtype == "uint32") and (law != "uniform" or exact)


#: The package's own laws.
OWN = frozenset(LAWS.values())
#: Every pair that a Generator may draw.
ROWS = tuple((law, dtype) for law in LAWS for dtype in STORAGE if _is_drawn(law, dtype))


def row(law: str, dtype: str) -> Row:
    """The row of a pair of the table."""
    return Row(LAWS[law], *STORAGE[dtype])


#: The first arguments of the loop, in the order of `layout.ARGUMENTS`.
Entry = tuple[int, int, int, int, int]
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
    name = f"{wanted.law.name}-{dtype}"
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
    return tiles, attempt, wanted.words, wanted.itemsize, int(wanted.law.accept is not None)
