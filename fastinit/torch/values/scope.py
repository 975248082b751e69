"""The `with` block in which torch's random fills are made here, with the values that torch itself would make."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch

from fastinit.arguments import checks
from fastinit.generator import Generator
from fastinit.torch.filling.fills import Fill, as_torch_has
from fastinit.torch.filling.generators import generator_of, require_torchs
from fastinit.torch.filling.pages import prefer_huge_pages
from fastinit.torch.filling.tensors import flat_array, require_writable
from fastinit.torch.scopes.scope import Scope
from fastinit.torch.scopes.stack import current
from fastinit.torch.values import proof, state

#: Values from which it pays: to read and write the generator's state takes 50 to 100 microseconds.
LEAST = {"uniform": 1 << 16, "normal": 1 << 17, "truncated_normal": 1 << 14}
#: The same for normal values of float64, and the threads: the C library makes them here as in torch, so only threads help.
LEAST_DOUBLES, THREADS = 1 << 21, 2
#: The share of normal values between the bounds above which `trunc_normal_` draws normal values.
SHARE = 0.3


class TorchValues(Scope):
    """A block that fills as torch does. What it does not fill, torch fills."""

    def generator(self, tensor: torch.Tensor) -> Generator:
        """As outside of blocks, for functions of `init` that are asked for fastinit's own values."""
        return generator_of(None)

    def try_fill(self, tensor: torch.Tensor, fill: Fill, generator: Any) -> bool:
        """Fill the tensor as torch would, and return True; or return False and leave it to torch."""
        if generator is None:
            generator = torch.default_generator
        if not _pays(fill.law, tensor) or generator.device.type != "cpu":
            return False
        if (out := flat_array(tensor)) is None or not _is_plain(fill, tensor.dtype):
            return False
        law = proof.proven(fill.law, str(tensor.dtype).removeprefix("torch."))
        if law is None:
            return False
        require_writable(tensor)
        prefer_huge_pages(tensor)
        with as_torch_has():
            while (place := state.read(generator)) is not None:
                if place.replace(proof.KINDS[fill.law].make(law, place.sequence, out, *fill.parameters)):
                    return True
                # Another thread has used the generator meanwhile: begin again, or both would use the same words.
        return False


def _pays(law: str, tensor: torch.Tensor) -> bool:
    """Whether a fill here is faster than torch's."""
    if law == "normal" and tensor.dtype == torch.float64:
        return bool(tensor.numel() >= LEAST_DOUBLES and torch.get_num_threads() >= THREADS)
    return bool(tensor.numel() >= LEAST.get(law, math.inf))


def _is_plain(fill: Fill, dtype: torch.dtype) -> bool:
    """Whether the parameters are numbers that the dtype holds and for which torch has neither an error nor another way."""
    if not all(isinstance(x, int | float) for x in fill.parameters):
        return False
    most = torch.finfo(dtype).max
    if fill.law == "uniform":
        low, high = fill.parameters
        return bool(-most <= low <= high <= most and high - low <= most)
    mean, std, *bounds = fill.parameters
    if not (abs(mean) <= most and 0 <= std <= most):
        return False
    return not bounds or (std > 0 and _share(mean, std, *bounds) > SHARE)


def _share(mean: float, std: float, a: float, b: float) -> float:
    """The probability of a normal value between the bounds, computed as `trunc_normal_` does."""
    low, high = ((1.0 + math.erf((x - mean) / std / math.sqrt(2.0))) / 2.0 for x in (a, b))
    return high - low


@contextlib.contextmanager
def standing_in(generator: torch.Generator | None) -> Iterator[torch.Generator]:
    """Let torch's default generator, of all threads, continue another one, which is moved on when the block ends."""
    default = torch.default_generator
    if generator is None or generator is default:
        yield default
        return
    if generator.device.type != "cpu":
        raise ValueError(f"rng must be on the CPU with values='torch'; got a torch.Generator on {generator.device}")
    before = default.get_state()
    default.set_state(generator.get_state())
    try:
        yield generator
    finally:
        generator.set_state(default.get_state())
        default.set_state(before)


def are_torchs(values: Any, generator: Any) -> bool:
    """Whether a function of `init` makes torch's own values: as it is told, or as the block in which it is called."""
    if values is None:
        is_torchs = generator is None or isinstance(generator, torch.Generator)
        return is_torchs and isinstance(current(), TorchValues)
    return checks.one_of("values", values, ("fastinit", "torch")) == "torch"


def call(name: str, *arguments: Any, generator: Any) -> torch.Tensor:
    """Call a function of `torch.nn.init` for torch's own values."""
    with TorchValues():
        result: torch.Tensor = getattr(torch.nn.init, name)(*arguments, generator=require_torchs("generator", generator))
    return result
