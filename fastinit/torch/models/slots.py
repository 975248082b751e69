"""Where the modules of a model hold its tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import nn

from fastinit.torch.models.own_rules import prefix_of
from fastinit.torch.recording.modules import is_noted, places


class Slot(NamedTuple):
    """Where a module holds a tensor."""

    module: nn.Module
    group: str
    key: str
    name: str

    @property
    def tensor(self) -> Any:
        return self._holder.get(self.key)

    @property
    def _holder(self) -> dict[str, Any]:
        holder: dict[str, Any] = vars(self.module)
        return holder if self.group == "__dict__" else holder[self.group]

    def put(self, tensor: torch.Tensor | None) -> None:
        """Put a tensor there, without the module's checks."""
        self._holder[self.key] = tensor


def slots_of(model: nn.Module) -> list[Slot]:
    """The parameters and buffers of a model, and the plain attributes of modules that a `deferred` block made."""
    found = []
    for prefix, module in model.named_modules(remove_duplicate=False):
        start = prefix_of(prefix)
        found += [
            Slot(module, group, key, start + key)
            for (group, key), _ in places(module)
            if group != "__dict__" or is_noted(module)
        ]
    return found


def meta_groups(slots: Iterable[Slot]) -> list[list[Slot]]:
    """The slots of each tensor without memory."""
    groups: dict[int, list[Slot]] = {}
    for slot in slots:
        if slot.tensor.is_meta:
            groups.setdefault(id(slot.tensor), []).append(slot)
    return list(groups.values())


def replacement(old: Any, new: torch.Tensor) -> torch.Tensor:
    """A new tensor in the place of an old one: of its class, with its attributes, and its hooks if it needs a gradient."""
    needs_gradient = old.requires_grad and old.is_leaf  # another one is computed anew, as by `weight_norm`
    if type(new) is torch.Tensor and type(old).__torch_dispatch__ is torch.Tensor.__torch_dispatch__:
        tensor = torch.Tensor._make_subclass(type(old), new, needs_gradient)
    elif isinstance(old, nn.Parameter):
        tensor = nn.Parameter(new, requires_grad=needs_gradient)
    else:
        tensor = new.requires_grad_(needs_gradient)
    if needs_gradient:
        tensor._backward_hooks, tensor._post_accumulate_grad_hooks = old._backward_hooks, old._post_accumulate_grad_hooks
    attributes = getattr(old, "__dict__", None)
    if attributes:
        tensor.__dict__.update({name: value for name, value in attributes.items() if name != "_is_hf_initialized"})
    return tensor
