"""The code of a row for any target, CPUs and GPUs. Nothing is run."""

from __future__ import annotations

from fastinit.gpu import ptx, trace
from fastinit.kernels.explain import explain as explain_for_cpu
from fastinit.kernels.row import Row
from fastinit.kernels.targets import names

#: What a target may be called, beside this machine.
TARGETS = (*names.TARGETS, "ptx")
CHIP = 80  # whose PTX is shown


def explain(row: Row, target: str | None = None, assembly: bool = False) -> str:
    """The LLVM code or the assembly of a row on a target of `TARGETS`, or on this machine."""
    if target not in (None, *TARGETS):
        raise ValueError(f"target must be one of {', '.join(TARGETS)}; got {target!r}")
    if target != "ptx":
        return explain_for_cpu(row, target, assembly)
    kernels = (trace.tiles(row), trace.elements(row, axes=0, aligned=True))
    return "\n".join(ptx.compiled(text, CHIP) if assembly else ptx.optimised(text, CHIP) for text in kernels)
