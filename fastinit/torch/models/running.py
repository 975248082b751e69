"""Run a model's rules on tensors without memory, and note what they do."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

from fastinit.generator import Generator
from fastinit.torch.filling.fills import Fill
from fastinit.torch.filling.shards import is_sharded, local_part
from fastinit.torch.models import counts
from fastinit.torch.models.own_rules import ModuleRule, module_names, module_rules
from fastinit.torch.models.slots import Slot, meta_groups, replacement, slots_of
from fastinit.torch.recording.modules import is_noted, noted_of
from fastinit.torch.recording.notes import is_meta
from fastinit.torch.recording.operations import aten
from fastinit.torch.recording.recorder import Recorder
from fastinit.torch.recording.steps import Memory, Ref, Step, memory_of, ref_of, rejoined

#: What to do about a tensor that was changed outside the block.
AFTERWARDS = "Do it in the block, or in the rule= of materialize"

#: The label of steps of the argument `rule`.
RULE = "rule"

Rule = Callable[[nn.Module], Any]


class RuleRecorder(Recorder):
    """Notes rules. They do not write tensors that have values, nor a tied one that belongs to another module."""

    def __init__(self, rng: Generator, given: set[int]) -> None:
        super().__init__(rng)
        #: The memory of tensors that have values.
        self.given = given
        self.module: nn.Module | None = None
        #: The modules that share a memory, and the one whose rules count.
        self.shared: dict[Memory, tuple[set[nn.Module], nn.Module]] = {}
        #: Whether a rule does something here that it does not do on the meta device.
        self.does_more = False

    def may_write(self, tensor: torch.Tensor) -> bool:
        if not is_meta(tensor):
            return local_part(tensor).untyped_storage()._cdata not in self.given
        if not self.shared:
            return True
        memory = memory_of(tensor)
        modules, owner = self.shared.get(memory, (set(), None)) if memory is not None else (set(), None)
        return self.module is owner or self.module not in modules

    def try_fill(self, tensor: torch.Tensor, fill: Fill, generator: Any, func: Any = None, args: Any = None) -> bool:
        self.does_more |= func is None  # torch's trunc_normal_ does nothing there
        return super().try_fill(tensor, fill, generator, func, args)

    def asked_for_memory(self) -> None:
        self.does_more = True

    def run(self, module: nn.Module, label: str, rule: Callable[[], Any]) -> None:
        """Run one rule of a module."""
        self.module, self.label = module, label
        rule()


@contextlib.contextmanager
def stand_ins(slots: list[Slot]) -> Iterator[None]:
    """Put whole tensors without memory in the place of a model's, also of sharded ones.

    At the end the model's are back, and what was done to their memory meanwhile is forgotten.
    """
    before = [(slot, slot.tensor) for slot in slots]
    holders = {
        id(holder): (holder, dict(holder)) for slot, _ in before for holder in (slot.module._parameters, slot.module._buffers)
    }
    try:
        yield
    finally:
        for holder, content in holders.values():
            holder.clear()
            holder.update(content)
        for slot, tensor in before:
            slot.put(tensor)
            if tensor.is_meta and not is_sharded(tensor):
                rejoined(tensor)


def stand_in(slot: Slot, known: Ref | None) -> tuple[torch.Tensor, Memory]:
    """A tensor without memory for one of the model: on a branch of the memory that is noted, or on one without values."""
    tensor = slot.tensor
    if known is None:
        new = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")
        memory = Memory(new)
        memory.name = slot.name
    else:
        memory = known.memory.branched(known.version, slot.name)
        new = torch.empty(0, dtype=known.dtype, device="meta").set_(memory.storage, known.offset, known.size, known.stride)
    return replacement(tensor, new), memory


class Ran(NamedTuple):
    """What running the rules found."""

    #: What is to be made for each slot, and the tensors that stand for it.
    refs: dict[Slot, Ref]
    tensors: dict[Slot, Any]
    #: The tensors of modules that no block made, and how often the rules write them.
    plain: dict[Slot, Any]
    writes: dict[Slot, int]
    #: Labels of rules whose steps count, whatever the constructor did before.
    trusted: frozenset[str]


def labelled(model: nn.Module) -> list[tuple[str, ModuleRule]]:
    """The rules of modules that no block made, with their labels. As in a constructor, those of whole models come last."""
    names = module_names(model)
    rules = [each for each in module_rules(model) if not is_noted(each.module)]
    return [(f"{each.name} of {names[each.module]!r}", each) for each in sorted(rules, key=lambda each: not each.on_meta)]


def run_rules(
    model: nn.Module, rng: Generator, known: dict[int, Ref | None], slots: list[Slot], rule: Rule | None, targets: set[str]
) -> Ran:
    """Run the rules of modules that no `deferred` block made, and `rule`."""
    recorder = RuleRecorder(
        rng, {local_part(slot.tensor).untyped_storage()._cdata for slot in slots if not slot.tensor.is_meta}
    )
    groups = [sorted(group, key=lambda slot: (slot.name in targets, slot.name)) for group in meta_groups(slots)]
    plain = {group[0]: (group, group[0].tensor) for group in groups if known[id(group[0].tensor)] is None}
    count = _count(model)
    with stand_ins(slots), torch.no_grad():
        for group in groups:
            new, memory = stand_in(group[0], known[id(group[0].tensor)])
            recorder.alive.append(memory)
            for slot in group:
                slot.put(new)
            if len(group) > 1 and group[0] in plain:
                recorder.shared[memory] = {slot.module for slot in group}, group[0].module
        with recorder:
            rules = labelled(model)
            writes = counts.Writes([group for group, _ in plain.values()])
            for label, module_rule in rules:
                with writes.counted(module_rule):
                    recorder.run(module_rule.module, label, module_rule.run)
            if rule is not None:
                recorder.run(model, RULE, functools.partial(rule, model))
        tensors = {slot: slot.tensor for slot in (slots if _count(model) == count else slots_of(model))}
        found = noted_slots(tensors)
    if recorder.does_more:
        with stand_ins(slots), torch.no_grad():
            writes = counts.on_meta([module_rule for _, module_rule in rules], [group for group, _ in plain.values()])
    trusted = frozenset(label for label, module_rule in rules if not module_rule.on_meta) | {RULE}
    return Ran(found, tensors, {slot: tensor for slot, (_, tensor) in plain.items()}, writes.found, trusted)


def _count(model: nn.Module) -> int:
    return sum(len(module._parameters) + len(module._buffers) + len(module._modules) for module in model.modules())


def noted_slots(tensors: dict[Slot, Any]) -> dict[Slot, Ref]:
    """What is to be made for the slots that hold tensors without memory."""
    found = {}
    for slot, tensor in tensors.items():
        if isinstance(tensor, torch.Tensor) and is_meta(tensor) and (memory := memory_of(tensor)) is not None:
            found[slot] = ref_of(tensor, memory)
    return found


def known_ref(slot: Slot) -> Ref | None:
    """What a `deferred` block noted about a tensor. Raises if it was changed or replaced afterwards."""
    tensor, noted = slot.tensor, noted_of(slot.module, (slot.group, slot.key))
    has_shape = noted is None or tuple(tensor.shape) == noted.ref.size
    if is_sharded(tensor) and has_shape:
        if noted is not None and not noted.is_seeded:
            raise ValueError("rng of deferred must be given for a model of DTensors, the same on every rank; got None")
        return None if noted is None else _cast(noted.ref, tensor.dtype)
    memory = None if is_sharded(tensor) else memory_of(tensor)
    same = noted is not None and noted.tensor() is tensor
    if noted is not None and same and tensor._version != noted.changes:
        raise ValueError(f"model must not be changed between its deferred block and materialize; {slot.name} was. {AFTERWARDS}")
    if memory is not None:
        return ref_of(tensor, memory)
    is_converted = noted is not None and tensor.dtype != noted.ref.dtype  # `model.to(dtype)` has done it
    if noted is not None and not (has_shape and (same or is_converted)):
        raise ValueError(f"model must keep the tensors of its deferred block; {slot.name} was replaced. {AFTERWARDS}")
    return None if noted is None else _cast(noted.ref, tensor.dtype)


def _cast(ref: Ref, dtype: torch.dtype) -> Ref:
    """A tensor converted to another dtype, as `module.to(dtype)` does."""
    if dtype == ref.dtype:
        return ref
    result = torch.empty_strided(ref.size, ref.stride, dtype=dtype, device="meta")
    return ref_of(result, Memory(result, Step(aten._to_copy.default, (ref,), {"dtype": dtype}, is_pointwise=True)))
