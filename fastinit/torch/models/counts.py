"""How often rules write a model's tensors, as torch counts it on the meta device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from fastinit.torch.models.own_rules import ModuleRule
from fastinit.torch.models.slots import Slot, replacement


class Writes:
    """Counts the in-place operations on tensors: of their own modules' rules, and of those that run on the meta device."""

    def __init__(self, groups: Sequence[list[Slot]]) -> None:
        self.tensors: dict[Slot, Any] = {group[0]: group[0].tensor for group in groups}
        self.tied = {group[0]: {slot.module for slot in group[1:]} - {group[0].module} for group in groups if len(group) > 1}
        self.subtracted: dict[Slot, int] = {}
        self._at_end: dict[Slot, int] | None = None

    @contextlib.contextmanager
    def counted(self, rule: ModuleRule) -> Iterator[None]:
        """Count what a rule does."""
        if not rule.on_meta and self._at_end is None:
            self._at_end = self._now()
        others = [slot for slot, modules in self.tied.items() if rule.module in modules]
        before = [self.tensors[slot]._version for slot in others]
        yield
        for slot, count in zip(others, before, strict=True):
            self.subtracted[slot] = self.subtracted.get(slot, 0) + self.tensors[slot]._version - count

    def _now(self) -> dict[Slot, int]:
        return {slot: tensor._version - self.subtracted.get(slot, 0) for slot, tensor in self.tensors.items()}

    @property
    def found(self) -> dict[Slot, int]:
        """The count for each tensor."""
        return self._now() if self._at_end is None else self._at_end


def on_meta(rules: list[ModuleRule], groups: Sequence[list[Slot]]) -> Writes:
    """Run rules once more on plain tensors of the meta device, where some do less."""
    for group in groups:
        tensor = group[0].tensor
        new = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")
        for slot in group:
            slot.put(replacement(tensor, new) if slot is group[0] else group[0].tensor)
    writes = Writes(groups)
    with torch.device("meta"):
        for rule in rules:
            if rule.on_meta:
                with writes.counted(rule):
                    rule.run()
    return writes
