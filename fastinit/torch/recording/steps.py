"""Memory that is not there yet, and the steps that will write it."""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from fastinit.generator import Call, Generator
from fastinit.torch.filling.fills import Fill
from fastinit.torch.recording import operations

_time = itertools.count()


class Ref(NamedTuple):
    """A tensor as it was after so many steps of its memory."""

    memory: Memory
    version: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    #: Whether its values are the conjugates of what the memory holds, and whether they are the negatives.
    is_conj: bool = False
    is_neg: bool = False

    def on(self, storage: torch.UntypedStorage) -> torch.Tensor:
        """The tensor on real memory."""
        tensor = torch.empty(0, dtype=self.dtype, device="cpu").set_(storage, self.offset, self.size, self.stride)
        tensor = tensor.conj() if self.is_conj else tensor
        return torch._neg_view(tensor) if self.is_neg else tensor

    def has_geometry_of(self, other: Ref) -> bool:
        """Whether two tensors have the same elements of their memory in the same order."""
        return self[2:] == other[2:]

    @property
    def is_whole(self) -> bool:
        """Whether the tensor has every element of its memory."""
        whole = self.memory.whole
        return self[2:] == whole[2:] or (self.is_dense and self.nbytes == whole.nbytes and self.dtype == whole.dtype)

    @property
    def is_dense(self) -> bool:
        """Whether no two elements are in one place, and nothing lies between them."""
        expected = 1
        for stride, size in sorted((stride, size) for stride, size in zip(self.stride, self.size, strict=True) if size > 1):
            if stride != expected:
                return False
            expected *= size
        return True

    @property
    def numel(self) -> int:
        return math.prod(self.size)

    @property
    def nbytes(self) -> int:
        return self.numel * int(self.dtype.itemsize)


class Step:
    """An operation, with a Ref for each tensor without memory. `targets` are what it writes; if none, it makes its results."""

    __slots__ = (
        "args", "constant", "draw", "dtype", "fill", "func", "is_pointwise", "is_random", "kwargs", "label", "law", "make",
        "overwrites", "rng", "targets", "time",
    )  # fmt: skip

    def __init__(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        targets: tuple[Ref, ...] = (),
        *,
        constant: Any = None,
        fill: Fill | None = None,
        make: Callable[[torch.Tensor, Generator], None] | None = None,
        is_random: bool = False,
        is_pointwise: bool = False,
        overwrites: bool = False,
        rng: Generator | None = None,
        draw: Call | None = None,
        label: str = "",
    ) -> None:
        self.func, self.args, self.kwargs, self.targets = func, args, kwargs, targets
        self.constant, self.fill, self.make, self.is_random = constant, fill, make, is_random
        self.is_pointwise, self.overwrites = is_pointwise, overwrites
        self.rng, self.draw, self.label = rng, draw, label
        self.law = fill
        #: torch's default dtype: what is computed from integers depends on it.
        self.dtype = torch.get_default_dtype()
        self.time = next(_time)

    def target_on(self, memory: Memory) -> Ref:
        """What it writes of a memory."""
        return next(target for target in self.targets if target.memory is memory)

    def call(self, real: Callable[[Ref], torch.Tensor], kwargs: dict[str, Any] | None = None) -> Any:
        """Do the operation, with `real` for the tensors that it takes, in the default dtype that it was noted in."""
        with _default_dtype(self.dtype):
            return operations.call(self.func, self.args, self.kwargs if kwargs is None else kwargs, Ref, real)

    def inputs(self) -> Iterator[Ref]:
        """The tensors that it takes. One that it overwrites does not count: `out`, or the first argument."""
        is_out = self.overwrites and "out" in self.kwargs
        yield from refs_in(self.args[1:] if self.overwrites and not is_out else self.args)
        yield from refs_in(each for name, each in self.kwargs.items() if not (is_out and name == "out"))


def refs_in(arguments: Any) -> Iterator[Ref]:
    """The tensors among a step's arguments, or in lists of these."""
    for each in arguments:
        if isinstance(each, Ref):
            yield each
        elif type(each) in (list, tuple):
            yield from refs_in(each)


@contextlib.contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    if dtype == before:  # the default is the whole process's: set only where it differs
        yield
        return
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Memory:
    """The memory of a tensor on the meta device, and the steps that write it.

    `creation` is the step that makes it, or None for memory without values. With several results `index` tells which. `real` is
    there when somebody had to have the memory at once.

    While rules run, a `branch` notes their steps in its place, so that they can be forgotten. `origin` is the memory that a
    branch continues, and the version of it.
    """

    __slots__ = (
        "__weakref__", "branch", "creation", "index", "name", "origin", "read", "real", "steps", "storage", "unset", "whole",
    )  # fmt: skip

    def __init__(self, tensor: torch.Tensor, creation: Step | None = None, index: int = 0) -> None:
        self.storage = tensor.untyped_storage()  # kept, so that no other one gets its address
        self.creation, self.index = creation, index
        self.steps: list[Step] = []
        self.name: str | None = None
        self.real: torch.UntypedStorage | None = None
        self.unset = False
        #: The last version that something else was computed from.
        self.read = 0
        self.branch: Memory | None = None
        self.origin: tuple[Memory, int] | None = None
        self.whole = Ref(self, 0, tuple(tensor.size()), tensor.stride(), tensor.storage_offset(), tensor.dtype)
        _memories[self.storage._cdata] = self

    def __deepcopy__(self, memo: dict[int, Any]) -> Memory:
        return self

    def branched(self, version: int, name: str) -> Memory:
        """The memory that stands for this one in `memory_of` until `rejoined`, with this version as its beginning."""
        if self.branch is None:
            self.branch = branch = copy.copy(self)
            branch.origin, branch.name, branch.creation = (self, version), name, None
            branch.steps, branch.real, branch.unset, branch.read = [], None, False, 0
            branch.whole = self.whole._replace(memory=branch)
        root = _memories[self.storage._cdata]
        if root is not self:
            root.branch = self
        return self.branch

    def base(self, version: int) -> int:
        """The last step before a version that leaves nothing of what was there, or -1 if the creation counts."""
        for number in range(version - 1, -1, -1):
            step = self.steps[number]
            if step.overwrites and step.target_on(self).is_whole:
                return number
        return -1

    def needed(self, version: int) -> Iterator[Step]:
        """The steps that make a version."""
        first = self.base(version)
        if first < 0 and self.origin is not None:
            yield from self.origin[0].needed(self.origin[1])
        if first < 0 and self.creation is not None:
            yield self.creation
        yield from self.steps[max(first, 0) : version]

    def only_step(self, version: int) -> Step | None:
        """The step that makes a version alone, from no other memory; None if there are more."""
        if version and (step := self.steps[version - 1]).overwrites and step.targets[0].is_whole and len(step.targets) == 1:
            return step if step.fill is not None or step.constant is not None else None
        return None if version or self.origin is None else self.origin[0].only_step(self.origin[1])


_memories: weakref.WeakValueDictionary[int, Memory] = weakref.WeakValueDictionary()


def memory_of(tensor: torch.Tensor) -> Memory | None:
    """The memory on which a tensor of the meta device is, if its steps are noted."""
    memory = _memories.get(tensor.untyped_storage()._cdata)
    while memory is not None and memory.branch is not None:
        memory = memory.branch
    return memory


def rejoined(tensor: torch.Tensor) -> None:
    """Let `memory_of` give a tensor's own memory again, without the steps of its branches."""
    memory = _memories.get(tensor.untyped_storage()._cdata)
    while memory is not None:
        memory.branch, memory = None, memory.branch


def ref_of(tensor: torch.Tensor, memory: Memory) -> Ref:
    """A tensor on a memory, as it is now."""
    size, stride = tuple(tensor.size()), tensor.stride()
    return Ref(
        memory, len(memory.steps), size, stride, tensor.storage_offset(), tensor.dtype, tensor.is_conj(), tensor.is_neg()
    )


def needed_steps(ref: Ref, seen: set[tuple[int, int]]) -> Iterator[Step]:
    """The steps that a tensor needs, of all memories. The versions of memories in `seen` count as known."""
    waiting = [(ref.memory, ref.version)]
    while waiting:
        memory, version = waiting.pop()
        if (id(memory), version) in seen:
            continue
        seen.add((id(memory), version))
        for number, step in enumerate(memory.needed(version)):
            yield step
            others = (each for each in step.inputs() if each.memory is not memory or number == 0)  # later ones read it as it is
            waiting.extend((each.memory, each.version) for each in others)
