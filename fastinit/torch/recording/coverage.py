"""Whether steps set every element of a tensor."""

from __future__ import annotations

import torch

from fastinit.torch.recording.steps import Memory, Ref, Step


class Coverage:
    """Finds tensors that depend on memory without values."""

    def __init__(self) -> None:
        self._known: dict[tuple[Memory, int], torch.Tensor | bool] = {}

    def is_set(self, ref: Ref) -> bool:
        """Whether every element of the tensor has a value that does not depend on memory without values."""
        mask = ref.memory.only_step(ref.version) is not None or 0 in ref.size or self._mask(ref.memory, ref.version)
        if isinstance(mask, bool):
            return mask
        return bool(self._elements(ref, mask).all())

    def _mask(self, memory: Memory, version: int) -> torch.Tensor | bool:
        key = (memory, version)
        if key not in self._known:
            self._known[key] = self._find(memory, version)
        return self._known[key]

    def _find(self, memory: Memory, version: int) -> torch.Tensor | bool:
        """True if all of a memory is set, False if nothing is, else which elements are."""
        if memory.real is not None and version == len(memory.steps):
            return not memory.unset
        first = memory.base(version)
        mask: torch.Tensor | bool = first < 0 and memory.creation is not None and self._are_set(memory.creation, memory)
        if first < 0 and memory.origin is not None:
            mask = self._mask(*memory.origin)
        for step in memory.steps[max(first, 0) : version]:
            mask = self._after(step, memory, mask)
        return mask

    def _after(self, step: Step, memory: Memory, mask: torch.Tensor | bool) -> torch.Tensor | bool:
        target, good = step.target_on(memory), self._are_set(step, memory)
        if step.overwrites and target.is_whole:
            return good
        if mask is True and good:
            return True
        if not step.overwrites and good:
            return mask  # what was not set is not set by what is computed from it
        if isinstance(mask, bool):
            if not mask and not good:
                return False
            elements = memory.storage.nbytes() // memory.whole.dtype.itemsize
            mask = torch.full((elements,), mask, device="cpu")
        else:
            mask = mask.clone()
        self._elements(target, mask).fill_(good)
        return True if bool(mask.all()) else mask

    def _are_set(self, step: Step, memory: Memory) -> bool:
        """Whether what a step takes from other memories is set."""
        return all(self.is_set(ref) for ref in step.inputs() if ref.memory is not memory or step.overwrites)

    @staticmethod
    def _elements(ref: Ref, mask: torch.Tensor) -> torch.Tensor:
        if ref.dtype.itemsize != ref.memory.whole.dtype.itemsize:
            return mask  # elements of another size: all of the memory counts
        return mask.as_strided(ref.size, ref.stride, ref.offset)
