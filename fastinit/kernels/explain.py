"""What a row becomes: LLVM's code or assembly for any target, without running it."""

from __future__ import annotations

import llvmlite.binding as llvm
from llvmlite import ir

from fastinit.arithmetic.philox import round_keys
from fastinit.kernels import machine, tiles
from fastinit.kernels.row import Row
from fastinit.kernels.targets.llvm import I32, I64, Instructions, number, pointer, store
from fastinit.kernels.targets.names import TARGETS
from fastinit.kernels.targets.scalars import Scalars


def _index(target: Instructions) -> ir.Value:
    """The number of a GPU's thread."""
    names = (f"llvm.nvvm.read.ptx.sreg.{name}.x" for name in ("ctaid", "ntid", "tid"))
    block, size, thread = (target.builder.zext(target.intrinsic(name, I32), I64) for name in names)
    return target.builder.add(target.builder.mul(block, size), thread)


def trace_thread(row: Row) -> str:
    """LLVM's text of the attempt(elements, values, accepted, call, key, attempt, numbers) of one element by a GPU's thread."""
    module = ir.Module(row.law.name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * 7), "attempt")
    function.calling_convention = "ptx_kernel"
    target = Scalars(ir.IRBuilder(function.append_basic_block("entry")))
    builder, (elements, values, accepts, call, key, attempt, numbers) = target.builder, function.args
    index = _index(target)

    def place(array: ir.Value, size: int) -> ir.Value:
        return builder.add(array, builder.mul(index, number(size)))

    element = tiles.scalar(target, builder.load(pointer(builder, place(elements, 8)), typ=I64))
    stream = tiles.Stream(tiles.scalar(target, call), round_keys(tiles.scalar(target, key)))
    p = tiles.load_numbers(target, row, numbers)
    value, accepted = tiles.value_of(row, element, stream, tiles.scalar(target, attempt), p)
    store(builder, value.value, place(values, row.itemsize))
    if accepted is not None:
        store(builder, builder.zext(accepted.value, ir.IntType(8)), place(accepts, 1))
    builder.ret_void()
    return str(module)


def explain(row: Row, target: str | None = None, assembly: bool = False) -> str:
    """What a row becomes on a target of `TARGETS`, or on this machine."""
    if target not in (None, *TARGETS):
        raise ValueError(f"target must be one of {', '.join(TARGETS)}; got {target!r}")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    chosen = TARGETS[target] if target else machine.host()
    text = trace_thread(row) if target == "ptx" else tiles.trace(row, chosen.traits)
    module, target_machine = machine.compiled(text, chosen)
    return str(target_machine.emit_assembly(module) if assembly else module)
