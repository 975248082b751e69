"""A `with` block in which torch makes all random values itself, whatever block is around it."""

from __future__ import annotations

from typing import Any

import torch

from fastinit.generator import Generator
from fastinit.torch.filling.generators import generator_of
from fastinit.torch.scopes.scope import Scope


class Aside(Scope):
    """A block in which torch makes all values itself."""

    def generator(self, tensor: torch.Tensor) -> Generator:
        """As outside of blocks."""
        return generator_of(None)

    def try_fill(self, tensor: torch.Tensor, fill: Any, generator: Any) -> bool:
        """Leave it to torch."""
        return False
