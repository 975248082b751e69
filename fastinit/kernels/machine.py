"""Compile LLVM text to machine code and load it, for the CPU that Numba would compile for."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import llvmlite.binding as llvm

from fastinit.kernels.targets.cpu import Cpu

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

#: Held while LLVM works, and taken before a fork, so that a fork waits. Otherwise the child would inherit LLVM's lock in a
#: locked state and hang. Re-entrant: a signal handler may fork or draw meanwhile.
COMPILING = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=COMPILING.acquire, after_in_parent=COMPILING.release, after_in_child=COMPILING.release)

P = ParamSpec("P")
T = TypeVar("T")


def unforked(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate what calls LLVM: a fork waits until it has returned and its objects are freed, which takes LLVM's lock too."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with COMPILING:
            return function(*args, **kwargs)

    return call


#: Engines own the memory of the code that they loaded, so they live as long as the process.
_ENGINES: list[Any] = []


class Machine(NamedTuple):
    """A machine to compile for, in LLVM's terms."""

    triple: str
    cpu: str
    features: str

    @property
    def traits(self) -> Cpu:
        """The properties that a trace may depend on."""
        return Cpu(self.triple.partition("-")[0], frozenset(self.features.split(",")))


@functools.cache
@unforked
def host() -> Machine:
    """The CPU at hand, or what NUMBA_CPU_NAME and NUMBA_CPU_FEATURES say."""
    name = os.environ.get("NUMBA_CPU_NAME")
    features = os.environ.get("NUMBA_CPU_FEATURES", "" if name == "generic" else None)
    if features is None:
        try:
            features = llvm.get_host_cpu_features().flatten()
        except RuntimeError:  # LLVM does not know this machine
            features = ""
    return Machine(llvm.get_process_triple(), name or llvm.get_host_cpu_name(), features)


def _target_machine(machine: Machine, jit: bool) -> Any:
    reloc = "static" if jit and machine.triple.startswith(("x86", "i686")) else "default"
    model = "jitdefault" if jit else "default"
    target = llvm.Target.from_triple(machine.triple)
    return target.create_target_machine(machine.cpu, machine.features, opt=3, reloc=reloc, codemodel=model, jit=jit)


@unforked
def compiled(text: str, machine: Machine, jit: bool = False, passes: bool = True) -> tuple[Any, Any]:
    """LLVM's module after its passes, and the target machine. No pass may change a value: there are no fast-math flags."""
    module, target = llvm.parse_assembly(text), _target_machine(machine, jit)
    module.verify()
    if passes:
        builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
        builder.getModulePassManager().run(module, builder)
    return module, target


@unforked
def object_code(text: str, passes: bool = True) -> bytes:
    """Machine code for the host."""
    module, target = compiled(text, host(), jit=True, passes=passes)
    code: bytes = target.emit_object(module)
    return code


@unforked
def link(code: bytes, *names: str) -> tuple[int, ...]:
    """Load machine code; the addresses of these functions in it."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine(host(), jit=True))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _ENGINES.append(engine)
    return tuple(int(engine.get_function_address(name)) for name in names)
