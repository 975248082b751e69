"""Values that a constructor needs at once."""

from __future__ import annotations

import torch

from fastinit.generator import Call, Generator
from fastinit.torch.recording.coverage import Coverage
from fastinit.torch.recording.draws import assign, one_call_now
from fastinit.torch.recording.evaluation import Evaluator
from fastinit.torch.recording.notes import Notes
from fastinit.torch.recording.steps import Ref, Step


class AtOnce(Notes):
    """Makes what is needed at once from the steps that are noted."""

    def __init__(self, rng: Generator) -> None:
        super().__init__(rng)
        self._unnamed: Generator | None = None

    def generator(self, tensor: torch.Tensor) -> Generator:
        """For what has to be drawn before it has a name."""
        if self._unnamed is None:
            self._unnamed = self.rng.child("")
        return self._unnamed

    def draw_for(self, step: Step) -> Call:
        """The call for a random step that is made at once. For a constructor's step that a rule needs, its name decides."""
        branch = step.targets[0].memory.branch if step.targets else None
        if step.draw is None and branch is not None and branch.origin is not None:
            memory, version = branch.origin
            _name(branch.name, memory.whole._replace(version=version))
        if step.draw is None:
            step.draw = one_call_now(self.generator(torch.empty(0, device="cpu")))
        return step.draw

    def value(self, tensor: torch.Tensor) -> torch.Tensor:
        """The values that a tensor has now, in memory of their own."""
        ref = self.ref(tensor)
        if not Coverage().is_set(ref):
            raise RuntimeError(f"a constructor needs the values of a tensor of shape {ref.size} that nothing has set")
        real = ref.on(self._storage(ref))
        ref.memory.read = ref.version
        return real if ref.memory.real is None else real.clone()

    def adopt(self, tensor: torch.Tensor) -> torch.Tensor:
        """Give a tensor memory, for somebody who may write it unseen."""
        ref = self.ref(tensor)
        memory = ref.memory
        if memory.real is None:
            memory.unset = not Coverage().is_set(memory.whole._replace(version=ref.version))
            memory.real = self._storage(ref)
            memory.steps.append(Step(memory_given, (), {}, (memory.whole,), overwrites=True, label=self.label))
        return ref.on(memory.real)

    def _storage(self, ref: Ref) -> torch.UntypedStorage:
        _name(ref.memory.name, ref)
        with torch.no_grad():
            return Evaluator(self.draw_for).storage(ref.memory, ref.version)


def _name(name: str | None, ref: Ref) -> None:
    """Let a name decide the random steps of a tensor, if it has one."""
    if name is not None:
        for step, draw in assign([(name, ref)]).items():
            step.draw = draw


def memory_given() -> None:
    """The name of the step after which a memory is real."""
