"""Turn a step after a random fill into a fill with the law that both make: many projects have such a `trunc_normal_`."""

from __future__ import annotations

import math

from fastinit.torch.filling import fills
from fastinit.torch.filling.fills import Fill
from fastinit.torch.filling.tensors import REALS
from fastinit.torch.recording.steps import Step
from fastinit.torch.scopes import chains


def fold(step: Step) -> None:
    """Make a step a fill, if it follows a fill of the same tensor and fastinit has the law of both."""
    target = step.targets[0]
    before = target.memory.steps[-1] if target.memory.steps and target.memory.real is None else None
    if before is None or before.law is None or len(step.targets) > 1 or step.func not in chains.STEPS:
        return
    if target.memory.read == target.version:  # what was computed from the fill must go together with what comes of it
        return
    if not target.is_whole or not before.targets[0].has_geometry_of(target) or target.dtype not in REALS:
        return
    law = chains.followed_by(before.law, step.func, step.args[1:], step.kwargs)
    if law is None:
        return
    fill = _truncated(law) if law.law == chains.PENDING else law
    try:
        fill.plan(REALS[target.dtype])
    except (TypeError, ValueError):
        return
    step.law, step.fill, step.draw, step.rng = law, fill, before.draw, before.rng
    step.is_random = step.overwrites = True


def _truncated(law: Fill) -> Fill:
    mean, scale, a, b = law.parameters
    return fills.truncated_normal(mean, scale / math.sqrt(2), a, b)
