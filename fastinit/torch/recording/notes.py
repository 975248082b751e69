"""A scope that keeps notes about tensors without memory."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable
from typing import Any, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fastinit.generator import Call, Generator
from fastinit.torch.filling.fills import Fill
from fastinit.torch.filling.generators import from_torch, generator_of
from fastinit.torch.filling.tensors import DTYPES
from fastinit.torch.recording import access
from fastinit.torch.recording.draws import one_call_now
from fastinit.torch.recording.evaluation import Evaluator
from fastinit.torch.recording.operations import replaced
from fastinit.torch.recording.steps import Memory, Ref, Step, memory_of, ref_of
from fastinit.torch.scopes.call_order import CallOrder
from fastinit.torch.scopes.scope import Scope
from fastinit.torch.scopes.stack import current


def is_meta(tensor: torch.Tensor) -> bool:
    """Whether a tensor has no memory."""
    return bool(access.true_device(tensor).type == "meta")


def like(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor without memory."""
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")


def require_strided(tensor: torch.Tensor) -> None:
    """Refuse a sparse tensor, whose memory cannot be noted."""
    if tensor.layout is not torch.strided:
        raise NotImplementedError(
            f"a deferred block must make dense tensors; got one of shape {tuple(tensor.shape)} and layout {tensor.layout}. "
            "Make it after the block"
        )


class Notes(Scope, TorchDispatchMode, abc.ABC):  # type: ignore[misc]
    """Keeps the steps of tensors without memory, as long as the block lasts."""

    def __init__(self, rng: Generator) -> None:
        TorchDispatchMode.__init__(self)
        self.rng = rng
        self.label = "the constructor"
        #: Whether what runs now is torch's own work for an operation.
        self.is_inside = False
        self.alive: list[Memory] = []
        self._seeded: Generator | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler at the first operation, which takes a second

    def __enter__(self) -> Self:
        access.install()
        Scope.__enter__(self)
        TorchDispatchMode.__enter__(self)
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            TorchDispatchMode.__exit__(self, *error)
        finally:
            Scope.__exit__(self, *error)
            access.remove()

    def may_write(self, tensor: torch.Tensor) -> bool:
        """Whether what runs now may write a tensor."""
        return True

    def asked_for_memory(self) -> None:
        """Called when something asks whether a tensor is on the meta device, and is told that it is not."""

    @abc.abstractmethod
    def draw_for(self, step: Step) -> Call:
        """The call for a random step that is made at once."""

    def memory(self, tensor: torch.Tensor) -> Memory:
        """The memory on which a tensor is. One that was made elsewhere counts as without values."""
        return memory_of(tensor) or self.kept(Memory(tensor))

    def ref(self, tensor: torch.Tensor) -> Ref:
        """A tensor as it is now."""
        return ref_of(tensor, self.memory(tensor))

    def kept(self, memory: Memory) -> Memory:
        self.alive.append(memory)
        return memory

    def try_fill(self, tensor: torch.Tensor, fill: Fill, generator: Any, func: Any = None, args: Any = None) -> bool:
        """Note a random fill, if it is one that fastinit makes."""
        if not self.may_write(tensor):
            return True
        if not is_meta(tensor):
            return super().try_fill(tensor, fill, generator)
        if tensor.dtype not in DTYPES:
            return False
        try:
            fill.plan(DTYPES[tensor.dtype])
        except (TypeError, ValueError):
            return False  # torch has errors of its own for such parameters
        draw = self.draw() if generator is None else one_call_now(generator_of(generator))
        self.note_fill(tensor, fill, func or truncated_normal, args or (tensor,), draw)
        return True

    def fill(self, tensor: torch.Tensor, fill: Fill) -> None:
        if not is_meta(tensor) or not self.try_fill(tensor, fill, None):
            super().fill(tensor, fill)

    def notes(self, tensor: torch.Tensor) -> bool:
        return is_meta(tensor)

    def make(self, tensor: torch.Tensor, make: Callable[[torch.Tensor, Generator], None], generator: Any = None) -> None:
        """Note a fill that needs the whole tensor."""
        if not is_meta(tensor):
            super().make(tensor, make)
        elif self.may_write(tensor):
            ref = self.ref(tensor)
            draw = self.draw() if generator is None else one_call_now(generator_of(generator))
            properties: dict[str, Any] = {
                "is_random": True,
                "overwrites": True,
                "rng": self.rng,
                "draw": draw,
                "label": self.label,
            }
            self.add(Step(make, (ref,), {}, (ref,), make=make, **properties))

    def draw(self) -> Call | None:
        """The call for the next random step in a `fast_init` block inside, or after `manual_seed`; None if names decide."""
        inner = current()
        if isinstance(inner, CallOrder):
            return one_call_now(inner.rng)
        if isinstance(inner, Scope) and not isinstance(inner, Notes):
            raise RuntimeError("fast_init(values='torch') must not be used in a deferred block, which has other values")
        return None if self._seeded is None else one_call_now(self._seeded)

    def position(self) -> Any:
        return self._seeded, None if self._seeded is None else self._seeded.state

    def reseed(self, position: Any) -> None:
        if position is None:
            now = torch.Generator()
            now.set_state(torch.default_generator.get_state())
            self._seeded = from_torch(now)
            return
        self._seeded, state = position
        if self._seeded is not None:
            self._seeded.state = state

    def note_fill(self, tensor: torch.Tensor, fill: Fill, func: Any, args: Any, draw: Call | None = None) -> None:
        ref = self.ref(tensor)
        self.add(Step(func, (ref, *args[1:]), {}, (ref,), fill=fill, **self._random(draw)))

    def _random(self, draw: Call | None) -> dict[str, Any]:
        return {"is_random": True, "overwrites": True, "rng": self.rng, "draw": draw, "label": self.label}

    def add(self, step: Step) -> None:
        for target in step.targets:
            memory = target.memory
            if memory.real is None:
                memory.steps.append(step)
            else:
                Evaluator(self.draw_for).apply(step, memory, memory.real)
                memory.unset = memory.unset and not (step.overwrites and target.is_whole)

    def literal(self, values: torch.Tensor) -> torch.Tensor:
        """A tensor without memory for one that has values."""
        require_strided(values)
        result = like(values)
        self.kept(Memory(result, Step(torch.Tensor.detach, (values.detach(),), {}, label=self.label)))
        return result

    def noted(self, value: Any, written: Iterable[torch.Tensor]) -> Any:
        """An argument as a step keeps it."""

        def argument(tensor: torch.Tensor) -> Any:
            if not is_meta(tensor):
                return tensor.detach().clone()
            ref = self.ref(tensor)
            if any(tensor is each for each in written):
                return ref
            if ref.memory.real is None:
                ref.memory.read = ref.version
                return ref
            return ref.on(ref.memory.real).clone()  # somebody may write it unseen

        return replaced(value, torch.Tensor, argument)


def truncated_normal(tensor: torch.Tensor) -> None:
    """The name of the step in which `torch.nn.init.trunc_normal_` fills."""
