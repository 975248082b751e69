"""What `torch.manual_seed`, `torch.set_rng_state` and `torch.random.fork_rng` mean in a block.

These functions, `torch.utils.checkpoint` too, reach torch's default generator by a name in `torch.random`. While any thread is
in a scope, that name stands for an object that tells the scope, which draws nothing from torch's default generator itself.
"""

from __future__ import annotations

from typing import Any

import torch

from fastinit.torch.scopes.replacement import Replacement
from fastinit.torch.scopes.stack import current

#: The attribute of a state, a tensor, that holds the position of the scope in which it was read.
POSITION = "_fastinit_position"


class _DefaultGenerator:
    """torch's default generator, and the scope of the thread that uses it."""

    def __init__(self, own: torch.Generator) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def manual_seed(self, seed: int) -> torch.Generator:
        result = self._own.manual_seed(seed)
        _tell(None)
        return result

    def seed(self) -> int:
        result = int(self._own.seed())
        _tell(None)
        return result

    def get_state(self) -> torch.Tensor:
        state = self._own.get_state()
        scope = current()
        if scope is not None and (position := scope.position()) is not None:
            setattr(state, POSITION, position)
            DEFAULT_GENERATOR.keep(state)  # so that the state is recognised after the block, too
        return state

    def set_state(self, state: torch.Tensor) -> Any:
        position = getattr(state, POSITION, None)
        if position is not None and current() is None and torch._C._current_graph_task_id() != -1:
            raise RuntimeError(
                "the backward pass must run in a fast_init block too: it computes again what an activation checkpoint "
                "computed in such a block, with other random values outside of it"
            )
        result = self._own.set_state(state)
        _tell(position)
        return result


def _tell(position: Any) -> None:
    scope = current()
    if scope is not None:
        scope.reseed(position)


DEFAULT_GENERATOR = Replacement(torch.random, "default_generator", _DefaultGenerator)
