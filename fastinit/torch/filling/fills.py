"""A distribution with torch's parameters."""

from __future__ import annotations

import contextlib
import math
from typing import Any, NamedTuple, Protocol

import torch

from fastinit.arguments.dtypes import REAL_NAMES, Real
from fastinit.distributions.law import Plan
from fastinit.distributions.normal import normal as plan_normal
from fastinit.distributions.truncated_normal import truncated_normal as plan_truncated_normal
from fastinit.distributions.uniform import uniform as plan_uniform
from fastinit.generator import Generator
from fastinit.kernels import cpus
from fastinit.laws import Distribution
from fastinit.torch.filling.tensors import require_real


def as_torch_has() -> contextlib.AbstractContextManager[None]:
    """Let this thread's fills use at most as many threads as torch's own operations."""
    return cpus.at_most(torch.get_num_threads())


class Draws(Protocol):
    """What a tensor is filled with, or what is added to what it holds."""

    @property
    def adds(self) -> bool:
        """Whether the tensor keeps what it holds, as one term of a sum."""

    def plan(self, real: Real) -> Plan:
        """The plan for a dtype. Making one checks the parameters."""

    def draw(self, rng: Generator, real: Real, size: Any = None, out: Any = None, index: Any = None) -> Any:
        """Draw with one call of a Generator."""


class Fill(NamedTuple):
    """The name of a law, and torch's parameters of it; or "draw", and a Distribution."""

    law: str
    parameters: tuple[Any, ...]

    @property
    def adds(self) -> bool:
        """It overwrites."""
        return False

    def plan(self, real: Real) -> Plan:
        """The plan for a dtype. Making one checks the parameters; errors name them as torch does."""
        if self.law == "draw":
            return _plan(self.parameters[0], real)
        if real.name not in REAL_NAMES:
            require_real(getattr(torch, real.name))
        if self.law == "uniform":
            a, b = self.parameters
            return plan_uniform(a, b, real, "a", "b")
        if self.law == "normal":
            mean, std = self.parameters
            return plan_normal(mean, std, real, "mean", "std")
        mean, std, a, b = self.parameters
        if self.law == "scaled_quantile":  # what `chains` has before its last step
            std /= math.sqrt(2)
        return plan_truncated_normal(a, b, mean, std, "absolute", real, "mean", "std")

    def draw(self, rng: Generator, real: Real, size: Any = None, out: Any = None, index: Any = None) -> Any:
        """Draw with one call of a Generator."""
        with as_torch_has():
            return rng._draw(self.plan(real), real.name, real.dtype, size, out, index)


def _plan(law: Distribution, real: Real) -> Plan:
    if real.name not in law.dtype_names:
        raise TypeError(f"tensor must have one of the dtypes {', '.join(law.dtype_names)} for {law!r}; got {real.name}")
    return law.plan(real)


def draw(law: Distribution) -> Fill:
    return Fill("draw", (law,))


def uniform(a: Any, b: Any) -> Fill:
    return Fill("uniform", (a, b))


def normal(mean: Any, std: Any) -> Fill:
    return Fill("normal", (mean, std))


def truncated_normal(mean: Any, std: Any, a: Any, b: Any) -> Fill:
    return Fill("truncated_normal", (mean, std, a, b))
