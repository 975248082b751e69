"""Make tensors that were only noted: run the steps that they need, and no others, on real memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from fastinit.generator import Call, Generator
from fastinit.torch.filling.writing import fill_tensor, fill_whole
from fastinit.torch.recording.operations import tensors_in
from fastinit.torch.recording.steps import Memory, Ref, Step
from fastinit.torch.scopes.aside import Aside

#: From a random step to the call of a Generator that it draws from.
Draws = Callable[[Step], Call]


class Evaluator:
    """Runs steps on the CPU. Memory that several tensors need is made once and kept."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self._made: dict[tuple[Memory, int], torch.UntypedStorage] = {}

    def tensor(self, ref: Ref) -> torch.Tensor:
        """The tensor with its values. It may share memory with other results."""
        key = (ref.memory, ref.version)
        if key not in self._made:
            self._made[key] = self.storage(*key)
        return ref.on(self._made[key])

    def storage(self, memory: Memory, version: int) -> torch.UntypedStorage:
        """The memory after so many steps: its own if it is there, else new."""
        if memory.real is not None and version == len(memory.steps):
            return memory.real
        first = memory.base(version)
        storage = self._created(memory) if first < 0 else torch.UntypedStorage(memory.storage.nbytes())
        for step in memory.steps[max(first, 0) : version]:
            self.apply(step, memory, storage)
        return storage

    def apply(self, step: Step, memory: Memory, storage: torch.UntypedStorage) -> None:
        """Do a step on memory in which those before it are done."""

        def real(ref: Ref) -> torch.Tensor:
            if ref.memory is memory:
                return ref.on(storage)
            if any(ref.memory is target.memory for target in step.targets):
                return ref.on(self.storage(ref.memory, ref.version).clone())
            return self.tensor(ref)

        self.run(step, step.target_on(memory).on(storage) if step.targets else None, real)

    def run(self, step: Step, target: torch.Tensor | None, real: Callable[[Ref], torch.Tensor]) -> Any:
        """Run a step, with `real` for the tensors that it takes."""
        if step.fill is not None and target is not None:
            return fill_tensor(target, step.fill, self.draws(step))
        if step.make is not None and target is not None:
            return fill_whole(target, _with(step.make, self.draws(step)))
        if step.constant is not None and target is not None:
            return target.fill_(step.constant)
        if not step.is_random:
            return step.call(real)
        state = torch.default_generator.get_state()
        torch.default_generator.manual_seed(seed_of(self.draws(step)))
        try:
            with Aside():  # a fast_init block around materialize would decide it
                return step.call(real)
        finally:
            torch.default_generator.set_state(state)

    def _created(self, memory: Memory) -> torch.UntypedStorage:
        """The memory before its first step: what a step makes, in the strides that it has on the meta device."""
        if memory.origin is not None:
            before, version = memory.origin
            made = self.storage(before, version)
            is_given = made is before.real
            return made.clone() if is_given else made
        step = memory.creation
        if step is None:
            return torch.UntypedStorage(memory.storage.nbytes())
        results = list(tensors_in((self.run(step, None, self.tensor),)))
        result = results[memory.index]
        if step.func is torch.Tensor.detach:
            result = result.clone()  # values that were there: later steps must not write them
        return in_layout(result, memory)


def in_layout(result: torch.Tensor, memory: Memory) -> torch.UntypedStorage:
    """A result's memory, if it is its own and laid out as on the meta device, else a copy that is."""
    whole, storage = memory.whole, result.untyped_storage()
    same = (tuple(result.size()), result.stride(), result.storage_offset()) == whole[2:5]
    if same and storage.nbytes() == memory.storage.nbytes():
        return storage
    copy = torch.UntypedStorage(memory.storage.nbytes())
    whole.on(copy).copy_(result)
    return copy


def _with(make: Callable[[torch.Tensor, Generator], None], rng: Generator) -> Callable[[torch.Tensor], None]:
    return lambda whole: make(whole, rng)


def seed_of(draw: Call) -> int:
    """A seed for torch's generator, from one call."""
    high, low = (int(word) for word in draw.bits(2))
    return high << 32 | low
