"""What is to be made for each tensor of a model that has no memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from fastinit.torch.filling.generators import rng_of
from fastinit.torch.filling.shards import is_sharded
from fastinit.torch.models.own_rules import tied_targets
from fastinit.torch.models.running import Rule, known_ref, run_rules
from fastinit.torch.models.slots import Slot
from fastinit.torch.models.trust import require_trust
from fastinit.torch.recording.coverage import Coverage
from fastinit.torch.recording.modules import places
from fastinit.torch.recording.steps import Ref


class _Zero(int):
    """The default seed, which differs from a 0 that somebody gives."""


SEED = _Zero(0)


class Planned(NamedTuple):
    """What is to be made for each slot, and the tensor whose class, attributes and hooks it has: tied ones have the same."""

    refs: dict[Slot, Ref]
    tensors: dict[Slot, Any]


def plan(model: nn.Module, slots: list[Slot], rng: Any, rule: Rule | None) -> dict[Ref, list[Slot]]:
    """The values that are to be made, and where the model holds them. Raises as `decide` does."""
    return groups_of(model, decide(model, slots, rng, rule).refs)


def decide(model: nn.Module, slots: list[Slot], rng: Any, rule: Rule | None) -> Planned:
    """Each tensor that is to be made. Raises for what has no values, and for wrong arguments."""
    if rule is not None and not callable(rule):
        raise TypeError(f"rule must be callable; got {rule!r}")
    _require_shapes(slots)
    _require_places(model, slots)
    if rng is None and any(is_sharded(slot.tensor) for slot in slots):
        raise ValueError("rng must be given for a model of DTensors, the same on every rank; got None")
    return _planned(model, slots, rng, rule)


def _require_shapes(slots: list[Slot]) -> None:
    lazy = sorted(slot.name for slot in slots if is_lazy(slot.tensor))
    if lazy:
        raise ValueError(f"model must have the shapes of all its tensors; {', '.join(lazy)} have none before a forward pass")


def _require_places(model: nn.Module, slots: list[Slot]) -> None:
    """Refuse what has no memory of its own, and a module that a block cannot have noticed."""
    for slot in slots:
        if slot.tensor.is_meta and slot.tensor.layout is not torch.strided:
            raise ValueError(f"model must hold dense tensors on the meta device; {slot.name} has layout {slot.tensor.layout}")
    lost = sorted(key for (_, key), tensor in places(model) if tensor.is_meta)
    if not slots and lost:
        raise ValueError(
            f"model must have a parameter, a buffer or a module, or its attributes cannot be noted; got only {', '.join(lost)}"
        )


def _planned(model: nn.Module, slots: list[Slot], rng: Any, rule: Rule | None) -> Planned:
    known: dict[int, Ref | None] = {}
    for slot in slots:
        if slot.tensor.is_meta and known.get(id(slot.tensor)) is None:
            known[id(slot.tensor)] = known_ref(slot)
    if not known and rule is None:
        return Planned({}, {})  # all tensors have their values
    if known and None not in known.values():
        if rng is not SEED and rule is None:
            raise ValueError(f"rng must be given to the deferred block that made the model; got {rng!r} here")
        if rule is None:
            found = ((slot, known[id(slot.tensor)]) for slot in slots if slot.tensor.is_meta)
            refs = {slot: ref for slot, ref in found if ref is not None}
            _require_all_set(slots, refs)
            return Planned(refs, {slot: slot.tensor for slot in refs})
    ran = run_rules(model, rng_of(rng), known, slots, rule, tied_targets(model))
    _require_all_set(slots, ran.refs)
    require_trust(model, ran)
    return Planned(ran.refs, ran.tensors)


def _require_all_set(slots: list[Slot], refs: dict[Slot, Ref]) -> None:
    coverage = Coverage()
    unset = [slot for slot, ref in refs.items() if not coverage.is_set(ref)]
    unset += [slot for slot in slots if slot.tensor.is_meta and slot not in refs]
    if unset:
        names = ", ".join(sorted(slot.name for slot in unset))
        raise ValueError(
            f"model must have a rule for every parameter and buffer; none sets {names}. "
            "Build it in a fastinit.torch.deferred block, give a rule=, or build the model with these on the CPU"
        )


def groups_of(model: nn.Module, refs: dict[Slot, Ref]) -> dict[Ref, list[Slot]]:
    """The slots of all that is to be made, in the order of their names."""
    targets = tied_targets(model)
    groups: dict[Ref, list[Slot]] = {}
    for slot in sorted(refs, key=lambda slot: (slot.name in targets, slot.name)):
        groups.setdefault(refs[slot], []).append(slot)
    return groups
