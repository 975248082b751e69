"""What a checkpoint of a model holds, and the values of its tensors, piece by piece."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import nn

from fastinit.files.slabs import Where
from fastinit.generator import default_rng
from fastinit.torch.filling.shards import Index
from fastinit.torch.models.own_rules import tied_targets, without_wrappers
from fastinit.torch.models.placing import make_piece
from fastinit.torch.models.planning import plan
from fastinit.torch.models.running import Rule, stand_in, stand_ins
from fastinit.torch.models.slots import Slot, slots_of
from fastinit.torch.recording.blockwise import Blocks
from fastinit.torch.recording.coverage import Coverage
from fastinit.torch.recording.draws import assign
from fastinit.torch.recording.evaluation import Draws, Evaluator
from fastinit.torch.recording.modules import is_noted, noted_of, places
from fastinit.torch.recording.notes import is_meta
from fastinit.torch.recording.recorder import Recorder
from fastinit.torch.recording.steps import Ref


class Entry(NamedTuple):
    """An entry of a model's `state_dict`: where it stands in the checkpoint, and its value or what makes it."""

    path: tuple[str, ...]
    value: Any
    #: What makes it; None if it has its values.
    ref: Ref | None
    draws: Draws
    #: The name of the same tensor that is kept where each tensor is written once.
    owner: str

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def is_tensor(self) -> bool:
        return isinstance(self.value, torch.Tensor)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.ref.size if self.ref is not None else tuple(self.value.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.ref.dtype if self.ref is not None else self.value.dtype

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * int(self.dtype.itemsize) if self.is_tensor else 0


def block_of(shape: tuple[int, ...], where: Where) -> Index:
    """An index with a slice for each axis, for one that `cuts` gives."""
    given = (slice(part, part + 1) if isinstance(part, int) else part for part in where)
    return (*given, *[slice(0, size) for size in shape[len(where) :]])


def size_of(block: Index) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in block)


class Pieces:
    """Makes pieces of tensors. While pieces of one tensor follow one another, what they share is made once."""

    def __init__(self) -> None:
        self._ref: Ref | None = None
        self._blocks: Blocks | None = None

    def write(self, entry: Entry, index: Index, out: torch.Tensor) -> None:
        """Write the piece `index` of a tensor into memory of the CPU that has its shape."""
        if entry.ref is None:
            out.copy_(entry.value.detach()[index])
            return
        if self._blocks is None or self._ref != entry.ref:
            self._ref, self._blocks = entry.ref, Blocks(Evaluator(entry.draws))
        with torch.no_grad():
            make_piece(entry.ref, self._blocks, index, out)


def entries_of(model: nn.Module, rng: Any, rule: Rule | None, prefix: tuple[str, ...] = ()) -> list[Entry]:
    """The entries of a model's `state_dict`. Raises for what has no values."""
    slots = slots_of(model)
    groups = plan(model, slots, rng, rule)
    draws = assign([(group[0].name, ref) for ref, group in groups.items()]).__getitem__
    state = _state(model, slots, groups)
    targets, owners = tied_targets(model), dict[Any, str]()
    for name in sorted(state, key=lambda name: (name in targets, name)):
        value, ref = state[name]
        owners.setdefault(ref or id(value), name)
    return [
        Entry((*prefix, name), value, ref, draws, ".".join((*prefix, owners[ref or id(value)])))
        for name, (value, ref) in state.items()
    ]


def _state(model: nn.Module, slots: list[Slot], groups: dict[Ref, list[Slot]]) -> dict[str, tuple[Any, Ref | None]]:
    """A model's `state_dict`, with what makes each tensor that has no values. Its hooks may compute some from others."""
    found: dict[str, tuple[Any, Ref | None]] = {}
    coverage, recorder = Coverage(), Recorder(default_rng(0))
    with stand_ins(slots), torch.no_grad(), recorder:
        for ref, group in groups.items():
            new, _ = stand_in(group[0], ref)
            for slot in group:
                slot.put(new)
        for name, value in model.state_dict(keep_vars=True).items():
            has_values = not isinstance(value, torch.Tensor) or not is_meta(value)
            found[without_wrappers(name)] = value, None if has_values else recorder.ref(value)
    lost = sorted(name for name, (_, ref) in found.items() if ref is not None and not coverage.is_set(ref))
    if lost:
        raise ValueError(f"model must have values for all of its state_dict; none are set for {', '.join(lost)}")
    return found


def is_seeded(model: nn.Module) -> bool:
    """Whether the `deferred` blocks that made a model have seeds that are the same in every process."""
    noted = (noted_of(module, place) for module in model.modules() if is_noted(module) for place, _ in places(module))
    return all(each is None or each.is_seeded for each in noted)
