"""The LLVM code or the assembly of a row for any CPU. Nothing is run."""

from __future__ import annotations

import llvmlite.binding as llvm

from fastinit.kernels import machine, tiles
from fastinit.kernels.row import Row
from fastinit.kernels.targets.names import TARGETS


@machine.unforked
def explain(row: Row, target: str | None = None, assembly: bool = False) -> str:
    """The code of a row on a target of `TARGETS`, or on this machine."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    chosen = TARGETS[target] if target else machine.host()
    module, target_machine = machine.compiled(tiles.trace(row, chosen.traits), chosen)
    return str(target_machine.emit_assembly(module) if assembly else module)
