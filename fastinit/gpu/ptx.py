"""PTX, the assembly that NVIDIA's driver takes, made by the LLVM inside llvmlite and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm

from fastinit.kernels import cache, machine

#: The chips that every LLVM we support has a name for. A newer chip takes the code of the last one before it.
CHIPS = (75, 80, 86, 89, 90, 100, 120)
TRIPLE = "nvptx64-nvidia-cuda"
_LAYOUT = "e-i64:64-i128:128-v16:16-v32:32-n16:32:64"


def chip(capability: int) -> int | None:
    """The chip to compile for, as 10 times its compute capability; None if it is too old."""
    return max((known for known in CHIPS if known <= capability), default=None)


def _module(text: str, sm: int) -> tuple[Any, Any]:
    """LLVM's module after its passes. None may change a value: there are no fast-math flags, and `.rn` forbids contraction."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = TRIPLE, _LAYOUT
    module.verify()
    target = llvm.Target.from_triple(TRIPLE).create_target_machine(f"sm_{sm}", "", opt=3)
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    return module, target


@machine.unforked
def optimised(text: str, sm: int) -> str:
    """LLVM's text after its passes."""
    return str(_module(text, sm)[0])


@machine.unforked
def compiled(text: str, sm: int) -> str:
    """The PTX of LLVM's text."""
    module, target = _module(text, sm)
    return str(target.emit_assembly(module))


def stored(name: str, sm: int, trace: Callable[[], str]) -> str:
    """The PTX of a kernel for a chip: from the cache, or compiled and kept there."""
    return cache.stored(f"{name}-sm_{sm}", lambda: compiled(trace(), sm).encode()).decode()
