"""A `with` block in which this thread's random fills take their values from a Generator."""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable
from typing import Any, Self

import torch

from fastinit.dispatch import run_small
from fastinit.generator import Generator
from fastinit.kernels.threads import PARALLEL_FROM
from fastinit.torch.filling import fills
from fastinit.torch.filling.fills import Fill
from fastinit.torch.filling.generators import generator_of
from fastinit.torch.filling.tensors import plain_address, real_of, require_writable
from fastinit.torch.filling.writing import can_fill_in_place, fill_tensor, fill_whole
from fastinit.torch.scopes import copies, dispatch_keys, random_operations, stack
from fastinit.torch.scopes.seeding import DEFAULT_GENERATOR
from fastinit.torch.scopes.truncation import TRUNCATION

REPLACEMENTS = (TRUNCATION, DEFAULT_GENERATOR)


class Scope(abc.ABC):
    """Random operations of this thread, whichever code calls for them, come to the innermost scope."""

    #: Whether fills of a tensor are the scope's.
    takes = staticmethod(can_fill_in_place)
    #: Whether it decides the random operations that torch computes, too.
    decides_all = False

    @abc.abstractmethod
    def generator(self, tensor: torch.Tensor) -> Generator:
        """The Generator whose next call fills the tensor."""

    def torch_generator(self) -> torch.Generator | None:
        """What decides the random operations on the CPU that torch computes, if the scope decides them."""
        return None

    def position(self) -> Any:
        """What `reseed` needs to return to this place; None if the scope has none."""
        return None

    def reseed(self, position: Any) -> None:  # noqa: B027
        """Continue at this position; None stands for the state that torch's default generator has now."""

    def fill(self, tensor: torch.Tensor, fill: Fill) -> None:
        """Fill a tensor that the scope takes."""
        fill_tensor(tensor, fill, self.generator(tensor))

    def notes(self, tensor: torch.Tensor) -> bool:
        """Whether the scope notes what is done to the tensor, instead of having it done."""
        return False

    def make(self, tensor: torch.Tensor, make: Callable[[torch.Tensor, Generator], None]) -> None:
        """Fill a tensor by a function that needs the whole of it and one call of a Generator."""
        rng = self.generator(tensor)
        fill_whole(tensor, lambda whole: make(whole, rng))

    def __enter__(self) -> Self:
        random_operations.register()
        for replacement in REPLACEMENTS:
            replacement.install()
        stack.push(self)
        dispatch_keys.enter()
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            copies.settle()
        finally:
            if stack.remove(self):
                dispatch_keys.leave()
            for replacement in REPLACEMENTS:
                replacement.remove()

    def try_fill(self, tensor: torch.Tensor, fill: Fill, generator: Any) -> bool:
        """Fill the tensor and return True, or return False for a tensor or parameters that are left to torch.

        `generator` is the caller's own, if there is one.
        """
        address = plain_address(tensor)
        if not address and not self.takes(tensor):
            return tensor.is_complex() and self._try_fill_complex(tensor, fill, generator)
        real = real_of(tensor)
        try:
            plan = fill.plan(real)
        except (TypeError, ValueError):
            return False  # torch has errors of its own for such parameters, or values
        require_writable(tensor)
        copies.settle()
        write = self.fill if generator is None else functools.partial(fill_tensor, rng=generator_of(generator))
        if copies.is_first_step(tensor, fill):
            copies.postpone(tensor, fill, write)
        elif address and generator is None and plan.law is not None and (count := tensor.numel()) < PARALLEL_FROM:
            run_small(plan, real.name, address, count, real.dtype.itemsize, self.generator(tensor)._next_call)
        else:
            write(tensor, fill)
        return True

    def _try_fill_complex(self, tensor: torch.Tensor, fill: Fill, generator: Any) -> bool:
        """Fill the real and the imaginary parts, as torch does: half of a normal's variance goes to each."""
        parts = torch.view_as_real(tensor)
        if fill.law != "normal":
            return self.try_fill(parts, fill, generator)
        mean, std = fill.parameters
        if not self.try_fill(parts, fills.normal(0.0, std / math.sqrt(2)), generator):
            return False
        if mean:
            tensor.add_(mean)
        return True
