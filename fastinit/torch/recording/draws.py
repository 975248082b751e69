"""Which call of which Generator a random step draws from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastinit.generator import Call
from fastinit.torch.recording.steps import Ref, Step, needed_steps


def assign(ordered: Sequence[tuple[str, Ref]]) -> dict[Step, Call]:
    """The draws of named tensors: call after call of the child of a name, in the order of time.

    A step belongs to the first name on whose memory it writes. One that writes elsewhere belongs to the first name that needs
    it.
    """
    owners: dict[Step, str] = {}
    for name, ref in ordered:
        for step in ref.memory.needed(ref.version):
            if step.is_random and step.targets:
                owners.setdefault(step, name)
    seen: set[tuple[int, int]] = set()
    for name, ref in ordered:
        if ref.memory.only_step(ref.version) is None:
            for step in needed_steps(ref, seen):
                if step.is_random:
                    owners.setdefault(step, name)
    steps: dict[str, list[Step]] = {}
    for step, name in owners.items():
        steps.setdefault(name, []).append(step)
    return {step: draw for name, own in steps.items() for step, draw in _calls(name, own)}


def _calls(name: str, steps: list[Step]) -> Iterable[tuple[Step, Call]]:
    steps.sort(key=lambda step: step.time)
    rng = None
    for step in steps:
        if step.draw is not None:
            yield step, step.draw
            continue
        assert step.rng is not None
        rng = step.rng.child(name) if rng is None else rng
        yield step, one_call_now(rng)


def one_call_now(rng: object) -> Call:
    """The next call of a Generator, taken at once."""
    key = rng._next_call()  # type: ignore[attr-defined]
    return Call(lambda: key)
