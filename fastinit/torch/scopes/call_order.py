"""The scope of `fast_init`: the n-th fill draws from call n of one Generator."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from fastinit.generator import Generator
from fastinit.torch.filling import shards
from fastinit.torch.filling.generators import from_torch
from fastinit.torch.scopes.scope import Scope


class _Position(NamedTuple):
    rng: Generator
    state: dict[str, Any]
    others: torch.Generator | None
    others_state: torch.Tensor | None


class CallOrder(Scope):
    """Random operations that torch computes are decided by a torch.Generator that the next numbered child seeds."""

    decides_all = True

    def __init__(self, rng: Generator, same_on_all_ranks: bool) -> None:
        self.rng = rng
        self.same_on_all_ranks = same_on_all_ranks
        self._others: torch.Generator | None = None

    def generator(self, tensor: torch.Tensor) -> Generator:
        if not self.same_on_all_ranks and shards.is_sharded(tensor):
            raise ValueError("rng must be given where DTensors are filled, the same on every rank; got None")
        return self.rng

    def torch_generator(self) -> torch.Generator:
        if self._others is None:
            low, high = self.rng.spawn(1)[0].bits(2).tolist()
            self._others = torch.Generator().manual_seed(low | high << 32)
        return self._others

    def position(self) -> _Position:
        others = self._others
        return _Position(self.rng, self.rng.state, others, None if others is None else others.get_state())

    def reseed(self, position: _Position | None) -> None:
        if position is None:
            now = torch.Generator()
            now.set_state(torch.default_generator.get_state())
            self.rng, self._others = from_torch(now), None
            return
        self.rng, self._others = position.rng, position.others
        if self.rng.state != position.state:
            self.rng.state = position.state
        if position.others is not None and position.others_state is not None:
            position.others.set_state(position.others_state)
