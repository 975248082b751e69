"""The yardsticks' machine code: stores of a constant, through the caches or past them, and a chain that shows the clock."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir

from fastinit.kernels import machine
from fastinit.kernels.targets.llvm import I32, I64, indices, loop_while, number, pointer

#: Bytes of a store, which every address must be a multiple of.
LINE = 64
#: Steps of the chain in one iteration of its loop. Each is an addition and an XOR that wait for one another: two cycles.
STEPS, CYCLES_OF_A_STEP = 32, 2


class Loops(NamedTuple):
    """Functions that release the GIL. The stores take an address, a count of lines, a word to repeat, a count of passes."""

    store: Callable[[int, int, int, int], int]
    store_nontemporal: Callable[[int, int, int, int], int]
    #: Takes a start, an addend, a mask and a count of iterations.
    chain: Callable[[int, int, int, int], int]


def _function(module: ir.Module, name: str) -> tuple[Any, Any]:
    """A function of four integers, open at its entry, and its arguments."""
    function = ir.Function(module, ir.FunctionType(I64, [I64] * 4), name)
    return ir.IRBuilder(function.append_basic_block("entry")), function.args


def _store(module: ir.Module, name: str, nontemporal: bool) -> None:
    """Write a word everywhere. Earlier passes write other words, so that none of them can be left out."""
    builder, (address, lines, word, passes) = _function(module, name)
    vector = ir.VectorType(I64, LINE // 8)

    def is_left(state: Any) -> Any:
        return builder.icmp_unsigned(">", state[-1], number(0))

    def one_pass(state: Any) -> list[Any]:
        left = builder.sub(state[0], number(1))
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), builder.xor(word, left), ir.Constant(I32, 0))
        value = builder.shuffle_vector(one, one, indices([0] * (LINE // 8)))

        def one_line(place: Any) -> list[Any]:
            written = builder.store(value, pointer(builder, place[0]), align=LINE)
            if nontemporal:
                written.set_metadata("nontemporal", module.add_metadata([ir.Constant(I32, 1)]))
            return [builder.add(place[0], number(LINE)), builder.sub(place[1], number(1))]

        loop_while(builder, [address, lines], is_left, one_line)
        return [left]

    loop_while(builder, [passes], is_left, one_pass)
    builder.fence("seq_cst")  # the buffers of non-temporal stores are written before the time is taken
    builder.ret(number(0))


def _chain(module: ir.Module) -> None:
    """Write the chain: STEPS steps in each iteration, each of which needs the one before."""
    builder, (start, addend, mask, count) = _function(module, "chain")

    def steps(state: Any) -> list[Any]:
        x = state[0]
        for _ in range(STEPS):
            x = builder.xor(builder.add(x, addend), mask)
        return [x, builder.sub(state[1], number(1))]

    end = loop_while(builder, [start, count], lambda state: builder.icmp_unsigned(">", state[1], number(0)), steps)
    builder.ret(end[0])


def source() -> str:
    """The functions in LLVM's language."""
    module = ir.Module("yardsticks")
    _store(module, "store", nontemporal=False)
    _store(module, "store_nontemporal", nontemporal=True)
    _chain(module)
    return str(module)


@functools.cache
def loaded() -> Loops:
    """The functions, compiled for this CPU in some hundredths of a second."""
    kind = ctypes.CFUNCTYPE(*[ctypes.c_uint64] * 5)
    return Loops(*(kind(address) for address in machine.link(machine.object_code(source()), *Loops._fields)))
