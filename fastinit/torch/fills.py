"""A distribution with torch's parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fastinit.arguments.dtypes import Real
from fastinit.distributions.law import Plan
from fastinit.distributions.normal import normal as plan_normal
from fastinit.distributions.truncated_normal import truncated_normal as plan_truncated_normal
from fastinit.distributions.uniform import uniform as plan_uniform
from fastinit.generator import Generator


class Fill(NamedTuple):
    """The plan for each dtype. Making one checks the parameters; errors name them as torch does."""

    plan: Callable[[Real], Plan]

    def draw(self, rng: Generator, real: Real, size: Any = None, out: Any = None, index: Any = None) -> Any:
        """Draw with one call of a Generator."""
        return rng._draw(self.plan(real), real.name, real.dtype, size, out, index)


def uniform(a: Any, b: Any) -> Fill:
    return Fill(lambda real: plan_uniform(a, b, real, "a", "b"))


def normal(mean: Any, std: Any) -> Fill:
    return Fill(lambda real: plan_normal(mean, std, real, "mean", "std"))


def truncated_normal(mean: Any, std: Any, a: Any, b: Any) -> Fill:
    return Fill(lambda real: plan_truncated_normal(a, b, mean, std, "absolute", real, "mean", "std"))
