"""The scope in which a model's rules run: it notes each parameter's fill and makes it once, at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from fastinit.generator import Generator
from fastinit.torch.dispatch_mode import Scope
from fastinit.torch.filling import can_fill, fill_tensor
from fastinit.torch.fills import Fill
from fastinit.torch.shards import local_part
from fastinit.torch.tensors import is_dense

aten = torch.ops.aten

#: Writes that leave nothing of the tensor's old values.
OVERWRITES = (aten.zero_.default, aten.fill_.Scalar, aten.fill_.Tensor, aten.copy_.default)

#: Operations that neither read nor write a tensor's memory.
ALIASES = (aten.detach.default, aten.alias.default)

#: Functions that give access to a tensor's memory without the dispatcher.
MEMORY_ACCESS = (
    torch.Tensor.numpy,
    torch.Tensor.__array__,
    torch.Tensor.__dlpack__,
    torch.Tensor.data_ptr,
    torch.Tensor.tolist,
    torch.Tensor.untyped_storage,
)


@dataclass(eq=False)
class Entry:
    """A parameter or buffer of the model: its modules, the fill that is noted, and whether any rule has set it."""

    name: str
    tensor: torch.Tensor
    was_meta: bool
    owner: nn.Module
    modules: set[nn.Module] = field(default_factory=set)
    fill: Fill | None = None
    rng: Generator | None = None
    is_set: bool = False

    def is_closed_to(self, module: nn.Module | None) -> bool:
        """Whether a rule of this module may not write it: it had values before, or is tied and belongs to another module."""
        return not self.was_meta or (module in self.modules and module is not self.owner)

    def is_whole(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor on the same memory has the same elements in the same order."""
        part, whole = local_part(tensor), local_part(self.tensor)
        with torch._C.DisableTorchFunction():
            same = part.data_ptr() == whole.data_ptr() and part.shape == whole.shape and part.stride() == whole.stride()
        return bool(same and tensor.shape == self.tensor.shape)


class Recording(Scope):
    """Values of a parameter come from the child of its name: call 0 for a fill of the whole, the next calls for parts of it."""

    takes = staticmethod(can_fill)

    def __init__(self, rng: Generator, entries: dict[int, Entry], names: dict[nn.Module, str]) -> None:
        super().__init__()
        self.rng = rng
        self.entries = entries
        self.names = names
        self.module: nn.Module | None = None
        self._module_rng: Generator | None = None

    def start(self, module: nn.Module) -> None:
        """Begin a rule of this module. What it draws for other tensors comes from the child of the module's name."""
        self.module = module
        self._module_rng = None

    def entry_of(self, tensor: Any) -> Entry | None:
        """The parameter or buffer on whose memory a tensor is."""
        if not isinstance(tensor, torch.Tensor):
            return None
        part = local_part(tensor)
        if not is_dense(part) or part.is_meta:
            return None
        with torch._C.DisableTorchFunction():  # MemoryAccess is for the rules' access
            return self.entries.get(part.untyped_storage().data_ptr())

    def generator(self, tensor: torch.Tensor) -> Generator:
        entry = self.entry_of(tensor)
        if entry is None:
            if self._module_rng is None:
                self._module_rng = self.rng.child("" if self.module is None else self.names[self.module])
            return self._module_rng
        self.settle(entry)
        if entry.rng is None or tensor.numel() == entry.tensor.numel():
            entry.rng = self.rng.child(entry.name)
        entry.is_set = True
        return entry.rng

    def fill(self, tensor: torch.Tensor, fill: Fill) -> None:
        entry = self.entry_of(tensor)
        if local_part(tensor).numel() == 0:
            return  # an empty part of a parameter that other ranks fill
        if entry is None:
            super().fill(tensor, fill)
        elif not entry.is_closed_to(self.module):
            if entry.is_whole(tensor):
                entry.fill, entry.is_set = fill, True
            else:
                super().fill(tensor, fill)

    def settle(self, entry: Entry) -> None:
        """Make the fill that is noted."""
        if entry.fill is not None:
            fill, entry.fill = entry.fill, None
            entry.rng = self.rng.child(entry.name)
            fill_tensor(entry.tensor, fill, entry.rng)

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for tensor, is_written in () if func in ALIASES else _tensors(func, args, kwargs):
            entry = self.entry_of(tensor)
            if entry is None:
                continue
            if is_written and entry.is_closed_to(self.module) and tensor is args[0]:
                return tensor
            if func in OVERWRITES and tensor is args[0] and entry.is_whole(tensor):
                entry.fill = None
            self.settle(entry)
            entry.is_set = entry.is_set or is_written
        return func(*args, **kwargs)


def _tensors(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[torch.Tensor, bool]]:
    """The tensors that an operation takes, and whether it writes into each."""
    for position, argument in enumerate(func._schema.arguments):
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        is_written = argument.alias_info is not None and argument.alias_info.is_write
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, torch.Tensor):
                yield each, is_written


class MemoryAccess(TorchFunctionMode):  # type: ignore[misc]
    """Settles a parameter before a rule gets at its memory without the dispatcher."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self.recording = recording

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func in MEMORY_ACCESS:
            entry = self.recording.entry_of(args[0])
            if entry is not None:
                self.recording.settle(entry)
                entry.is_set = True  # fastinit cannot see what the rule writes
        return func(*args, **(kwargs or {}))
