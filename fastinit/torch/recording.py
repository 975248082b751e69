"""The mode in which a model's rules run: fills are noted by parameter, and made once each at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from fastinit.generator import Generator
from fastinit.torch.dispatch_mode import FillMode
from fastinit.torch.filling import fill, held, is_reachable
from fastinit.torch.fills import Law
from fastinit.torch.tensors import DTYPES, is_dense

aten = torch.ops.aten

#: Writes that leave nothing of what was in the tensor before.
OVERWRITES = (aten.zero_.default, aten.fill_.Scalar, aten.fill_.Tensor, aten.copy_.default)

#: What only gives a tensor another face: later operations on it are seen as well.
ALIASES = (aten.detach.default, aten.alias.default)

#: Ways to a tensor's memory that pass the dispatcher by.
ESCAPES = (
    torch.Tensor.numpy,
    torch.Tensor.__array__,
    torch.Tensor.__dlpack__,
    torch.Tensor.data_ptr,
    torch.Tensor.tolist,
    torch.Tensor.untyped_storage,
)


class Entry:
    """A parameter or buffer of the model: how it is called, what is to be filled in, whether any rule has set it."""

    def __init__(self, name: str, tensor: torch.Tensor, fresh: bool) -> None:
        self.name = name
        self.tensor = tensor
        self.fresh = fresh
        self.holders: set[nn.Module] = set()
        self.owner: nn.Module | None = None
        self.law: Law | None = None
        self.rng: Generator | None = None
        self.is_set = False

    def is_closed_to(self, module: nn.Module | None) -> bool:
        """Whether a rule for this module leaves it alone: it had values before, or it is tied and belongs to another module."""
        return not self.fresh or (module in self.holders and module is not self.owner)

    def is_all(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor of the same memory has the same elements in the same places."""
        part, own = held(tensor), held(self.tensor)
        same = part.data_ptr() == own.data_ptr() and part.shape == own.shape and part.stride() == own.stride()
        return bool(same and tensor.shape == self.tensor.shape)


class Naming(FillMode):
    """Values of a parameter come from the child of its name: call 0 for a fill of it all, the next ones for fills of parts."""

    def __init__(self, rng: Generator, entries: dict[int, Entry], names: dict[nn.Module, str]) -> None:
        super().__init__()
        self.rng = rng
        self.entries = entries
        self.names = names
        self.module: nn.Module | None = None
        self._beside: Generator | None = None
        self.busy = 0

    def start(self, module: nn.Module) -> None:
        """Go on to a rule for this module; what it draws beside the parameters comes from the child of the module's name."""
        self.module = module
        self._beside = None

    def beside(self) -> Generator:
        """The Generator of the module whose rule runs."""
        if self._beside is None:
            self._beside = self.rng.child("" if self.module is None else self.names[self.module])
        return self._beside

    def entry_of(self, tensor: Any) -> Entry | None:
        """The parameter or buffer whose memory a tensor shows."""
        if not isinstance(tensor, torch.Tensor):
            return None
        part = held(tensor)
        if not is_dense(part) or part.is_meta:
            return None
        return self.entries.get(part.untyped_storage().data_ptr())

    def generator(self, tensor: torch.Tensor) -> Generator:
        entry = self.entry_of(tensor)
        if entry is None:
            return self.beside()
        self.settle(entry)
        if entry.rng is None or tensor.numel() == entry.tensor.numel():
            entry.rng = self.rng.child(entry.name)
        entry.is_set = True
        return entry.rng

    def takes(self, tensor: Any) -> bool:
        part = held(tensor)
        return is_dense(part) and part.dtype in DTYPES and is_reachable(part.device)

    def serve(self, tensor: torch.Tensor, law: Law, generator: Any) -> bool:
        with self._at_work():
            return super().serve(tensor, law, generator)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        with self._at_work():
            return super().__torch_dispatch__(func, types, args, kwargs)

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """Tell our own looks at memory from those of a rule."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

    def fill(self, tensor: torch.Tensor, law: Law) -> None:
        entry = self.entry_of(tensor)
        if held(tensor).numel() == 0:
            return  # an empty part of a parameter that other ranks fill
        if entry is not None and entry.is_closed_to(self.module):
            return
        if entry is not None and entry.is_all(tensor):
            entry.law, entry.is_set = law, True
        else:
            fill(tensor, law, self.generator(tensor))

    def settle(self, entry: Entry) -> None:
        """Make the fill that is noted."""
        if entry.law is not None:
            law, entry.law = entry.law, None
            entry.rng = self.rng.child(entry.name)
            fill(entry.tensor, law, entry.rng)

    def other(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for tensor, writes in () if func in ALIASES else _tensors(func, args, kwargs):
            entry = self.entry_of(tensor)
            if entry is None:
                continue
            if writes and entry.is_closed_to(self.module) and tensor is args[0]:
                return tensor
            if func in OVERWRITES and tensor is args[0] and entry.is_all(tensor):
                entry.law = None
            self.settle(entry)
            entry.is_set = entry.is_set or writes
        return func(*args, **kwargs)


def _tensors(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[torch.Tensor, bool]]:
    """The tensors that an operation takes, and whether it writes into them."""
    for place, argument in enumerate(func._schema.arguments):
        value = args[place] if place < len(args) else kwargs.get(argument.name)
        writes = argument.alias_info is not None and argument.alias_info.is_write
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, torch.Tensor):
                yield each, writes


class Escapes(TorchFunctionMode):  # type: ignore[misc]
    """Settles a tensor whose memory is about to be seen without the dispatcher."""

    def __init__(self, naming: Naming) -> None:
        super().__init__()
        self.naming = naming

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func in ESCAPES and not self.naming.busy:
            with self.naming._at_work():
                entry = self.naming.entry_of(args[0])
                if entry is not None:
                    self.naming.settle(entry)
            if entry is not None:
                entry.is_set = True  # by whoever has the memory, as far as can be known
        return func(*args, **(kwargs or {}))
