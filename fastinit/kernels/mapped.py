"""Apply a function of `Lanes` to NumPy arrays, for tests and scripts that examine one step of a kernel."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir

from fastinit.arithmetic.lanes import REAL, Kind, Lanes, f32, f64, i32, i64, select, u8, u16, u32, u64
from fastinit.distributions.law import Plan
from fastinit.kernels import machine
from fastinit.kernels.targets.llvm import I64, llvm_type, number, pointer, store, while_left
from fastinit.kernels.targets.vectors import Vectors

WIDTH = 16
_DTYPES = {f32: "f4", f64: "f8", i32: "i4", i64: "i8", u8: "u1", u16: "u2", u32: "u4", u64: "u8"}
_KINDS = {np.dtype(name): kind for kind, name in _DTYPES.items()}

Function = Callable[..., Any]


@functools.lru_cache(maxsize=64)
def _compiled(function: Function, kinds: tuple[Kind, ...]) -> tuple[Any, list[Kind], bool]:
    """Machine code for whole vectors: run(addresses of all arrays, vectors). Its results' kinds; whether it is a tuple."""
    module = ir.Module(getattr(function, "__name__", "mapped"))
    entry = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64, I64]), "run")
    target = Vectors(ir.IRBuilder(entry.append_basic_block("entry")), machine.host().traits)
    builder, (table, count), results = target.builder, entry.args, []
    several = False

    def place(at: int, index: Any, kind: Kind) -> Any:
        start = builder.load(pointer(builder, table, 8 * at), typ=I64)
        return builder.add(start, builder.mul(index, number(WIDTH * kind.bits // 8)))

    def step(state: Any) -> Any:
        nonlocal several
        index, left = state
        loaded = []
        for i, kind in enumerate(kinds):
            value = builder.load(pointer(builder, place(i, index, kind)), typ=llvm_type(kind, WIDTH), align=1)
            loaded.append(Lanes(target, value, kind, WIDTH))
        values = function(*loaded)
        several = isinstance(values, tuple)
        for i, x in enumerate(values if several else (values,)):
            if not isinstance(x, Lanes) or x.width != WIDTH:
                raise TypeError(f"mapped: the function must return Lanes of {WIDTH}, or a tuple of them; got {x!r}")
            x = select(x, x.constant(1, u8), 0) if x.kind.group == "bit" else x
            results.append(x.kind)
            store(builder, x.value, place(len(kinds) + i, index, x.kind))
        return [builder.add(index, number(1)), builder.sub(left, number(1))]

    while_left(builder, [number(0), count], 1, step)
    builder.ret_void()
    (address,) = machine.link(machine.object_code(str(module)), "run")
    return ctypes.CFUNCTYPE(None, ctypes.c_ssize_t, ctypes.c_ssize_t)(address), results, several


def mapped(function: Function, *arrays: npt.ArrayLike) -> Any:
    """Apply a function of lanes to arrays, compiled for this machine like a kernel.

    Parameters
    ----------
    function : callable
        Takes one `Lanes` for each array, and returns one or a tuple. It is compiled once for each set of dtypes: pass the same
        function again, not a new one.
    *arrays : array_like
        float32, float64, or integers of 8 (unsigned) to 64 bits, of one shape or broadcast to one.

    Returns
    -------
    numpy.ndarray or tuple of numpy.ndarray
        One array for each value that the function returns; conditions as uint8.
    """
    if not arrays:
        raise TypeError("mapped takes at least one array")
    inputs = np.broadcast_arrays(*map(np.asarray, arrays))
    for x in inputs:
        if x.dtype not in _KINDS:
            raise TypeError(f"mapped takes {', '.join(map(str, _KINDS))}; got {x.dtype}")
    shape, size = inputs[0].shape, inputs[0].size
    vectors = -(-size // WIDTH)
    padded = []
    for x in inputs:
        room = np.ones(vectors * WIDTH, x.dtype)
        room[:size] = x.ravel()
        padded.append(room)
    run, kinds, several = _compiled(function, tuple(_KINDS[x.dtype] for x in inputs))
    outputs = [np.empty(vectors * WIDTH, _DTYPES[kind]) for kind in kinds]
    table = np.array([x.ctypes.data for x in (*padded, *outputs)], np.int64)
    run(table.ctypes.data, vectors)
    arrays_of = tuple(out[:size].reshape(shape) for out in outputs)
    return arrays_of if several else arrays_of[0]


def known_numbers(plan: Plan, word: Lanes) -> Any:
    """A plan's numbers as constants, for a law's functions of such words."""
    assert plan.law is not None
    law = plan.law
    named = zip(law.numbers._fields, plan.numbers.tolist(), strict=True)
    return law.numbers(*(word.constant(x, f64 if name in law.counts else REAL[word.kind.bits]) for name, x in named))
