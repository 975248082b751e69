"""Refuse a model whose constructor may have given its tensors other values than its rules do."""

from __future__ import annotations

from typing import Any

from torch import nn

from fastinit.torch.filling.shards import is_sharded
from fastinit.torch.models.constructors import Constructors
from fastinit.torch.models.own_rules import prefix_of
from fastinit.torch.models.running import Ran
from fastinit.torch.models.slots import Slot
from fastinit.torch.recording.modules import is_noted
from fastinit.torch.recording.steps import Ref

#: What is wrong with tensors that torch makes off the meta device.
GARBAGE = "torch.Tensor(n) is not on the meta device, and has no values"

#: Most names in a message.
MOST = 5


def require_trust(model: nn.Module, ran: Ran) -> None:
    """Raise for tensors that the constructor may have written otherwise."""
    tensors, writes = ran.plain, ran.writes
    doubted = {
        slot: tensor for slot, tensor in tensors.items() if slot in ran.refs and not _is_final(ran.refs[slot], ran.trusted)
    }
    reasons = _by_counts(doubted, writes)
    if tensors:
        constructors = Constructors(model, any(map(is_sharded, tensors.values())))
        for reason, names in _by_code(model, constructors, [slot.name for slot in doubted]).items():
            reasons.setdefault(reason, names)
    if reasons:
        found = "; ".join(f"{_some(names)} ({reason})" for reason, names in reasons.items())
        raise ValueError(
            "model must be built in a fastinit.torch.deferred block: its constructor may have given other values than its "
            f"rules to {found}"
        )


def _by_counts(doubted: dict[Slot, Any], writes: dict[Slot, int]) -> dict[str, list[str]]:
    """The tensors that the constructor has written more or less often than the rules, by the sentence about them."""
    reasons: dict[str, list[str]] = {}
    for slot, tensor in doubted.items():
        if not is_sharded(tensor) and tensor._version != writes[slot]:
            reason = f"it wrote them {_times(tensor._version)}, and the rules do so {_times(writes[slot])}"
            reasons.setdefault(reason, []).append(slot.name)
    return reasons


def _by_code(model: nn.Module, constructors: Constructors, doubted: list[str]) -> dict[str, list[str]]:
    """The tensors that a constructor can write without a trace, by its code."""
    reasons: dict[str, list[str]] = {}
    for name, module in model.named_modules():
        if is_noted(module):
            continue
        prefix = prefix_of(name)
        why = constructors.reason(module)
        names = [] if why is None else [each for each in doubted if each.startswith(prefix)]
        if why is not None and names:
            reasons.setdefault(why, names)
        given = [key for key, tensor in module._parameters.items() if tensor is not None and not tensor.is_meta]
        if given and constructors.makes_uninitialised(module):
            reasons.setdefault(GARBAGE, []).extend(prefix + key for key in given)
    return reasons


def _is_final(ref: Ref, trusted: frozenset[str]) -> bool:
    """Whether a rule that counts whatever came before sets the whole tensor."""
    first = ref.memory.base(ref.version)
    return ref.memory.steps[first].label in trusted if first >= 0 else ref.memory.creation is not None


def _some(names: list[str]) -> str:
    more = len(names) - MOST
    return ", ".join(sorted(names)[:MOST]) + (f" and {more} more" if more > 0 else "")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
