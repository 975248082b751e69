"""Tell what set each tensor of a model."""

from __future__ import annotations

from fastinit.torch.models.slots import Slot
from fastinit.torch.recording.steps import Ref, Step


def report_of(slots: list[Slot], groups: dict[Ref, list[Slot]]) -> dict[str, str]:
    """By name: the steps that make a tensor, or `kept`, or the name of the tensor that it is."""
    found = {slot.name: "kept" for slot in slots}
    for ref, (first, *others) in groups.items():
        found[first.name] = "; ".join(map(_sentence, ref.memory.needed(ref.version)))
        found |= {slot.name: f"is {first.name}" for slot in others}
    return dict(sorted(found.items()))


def _sentence(step: Step) -> str:
    return f"{_call(step)} by {step.label}" if step.label else _call(step)


def _call(step: Step) -> str:
    """A step as a call: the name and the numbers that it takes."""
    if step.fill is not None and step.fill.law == "draw":
        return f"draw({step.fill.parameters[0]!r})"
    if step.fill is not None:
        return f"{step.fill.law}({_numbers(step.fill.parameters)})"
    if step.constant is not None:
        return f"constant({step.constant:g})" if isinstance(step.constant, float) else f"constant({step.constant})"
    schema = getattr(step.func, "_schema", None)
    name = step.func.__name__ if schema is None else schema.name.rpartition(":")[2]
    return f"{NAMES.get(name, name)}({_numbers(step.args)})"


#: Names of steps that are no operations of torch.
NAMES = {"detach": "values", "_to_copy": "converted", "memory_given": "values", "_with": "made"}


def _numbers(values: tuple[object, ...]) -> str:
    return ", ".join(f"{value:.6g}" for value in values if isinstance(value, int | float))
