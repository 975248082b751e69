"""The modules that a constructor makes, and where each of them holds its tensors."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy

from fastinit.torch.recording.steps import Ref, memory_of, ref_of

#: Where a module keeps what was noted about its tensors.
ATTRIBUTE = "_fastinit_noted"

Place = tuple[str, str]


class Noted(NamedTuple):
    """A tensor of a module at the end of its block."""

    ref: Ref
    tensor: weakref.ref[torch.Tensor]
    changes: int
    #: Whether the block has values that are the same on every rank.
    is_seeded: bool

    def __deepcopy__(self, memo: dict[int, Any]) -> Noted:
        return self


def places(module: nn.Module) -> Iterator[tuple[Place, torch.Tensor]]:
    """Where a module holds tensors: parameters, buffers, plain attributes."""
    for group in ("_parameters", "_buffers"):
        for key, tensor in getattr(module, group).items():
            if tensor is not None:
                yield (group, key), tensor
    for key, value in vars(module).items():
        if isinstance(value, torch.Tensor):
            yield ("__dict__", key), value


@contextlib.contextmanager
def collected() -> Iterator[list[nn.Module]]:
    """Collect the modules in which this thread registers something."""
    found: list[nn.Module] = []
    here = threading.get_ident()

    def note(module: nn.Module, *_: Any) -> None:
        if threading.get_ident() == here:
            found.append(module)

    registered = [
        hooks.register_module_parameter_registration_hook(note),
        hooks.register_module_buffer_registration_hook(note),
        hooks.register_module_module_registration_hook(note),
    ]
    try:
        yield found
    finally:
        for each in registered:
            each.remove()


def with_parts(modules: list[nn.Module]) -> Iterator[nn.Module]:
    """The modules and all below them, each once."""
    seen: set[nn.Module] = set()
    for module in modules:
        yield from (part for _, part in module.named_modules(memo=seen))


def note(modules: list[nn.Module], is_seeded: bool) -> None:
    """Keep in each module what was noted about its tensors."""
    for module in with_parts(modules):
        noted = vars(module).setdefault(ATTRIBUTE, {})
        for place, tensor in places(module):
            memory = None if is_lazy(tensor) or tensor.device.type != "meta" else memory_of(tensor)
            if memory is not None:
                noted[place] = Noted(ref_of(tensor, memory), weakref.ref(tensor), tensor._version, is_seeded)


def is_noted(module: nn.Module) -> bool:
    """Whether a block made the module."""
    return ATTRIBUTE in vars(module)


def noted_of(module: nn.Module, place: Place) -> Noted | None:
    """What was noted about a tensor of a module."""
    found: Noted | None = vars(module).get(ATTRIBUTE, {}).get(place)
    return found


def forget(module: nn.Module) -> None:
    """Remove what was noted, once the module has its values."""
    vars(module).pop(ATTRIBUTE, None)
