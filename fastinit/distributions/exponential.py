"""The exponential distribution, by inversion: -scale log(u) with u in (0, 1] from the whole word, accurate at both ends."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from fastinit.arguments import dtypes
from fastinit.arguments.checks import deviation
from fastinit.arithmetic import elementary
from fastinit.arithmetic.lanes import Lanes
from fastinit.distributions.law import Law, Plan, nearest, plan

T = TypeVar("T")


class Numbers(NamedTuple, Generic[T]):
    """The mean."""

    scale: T


def value(w: Lanes, p: Numbers[Lanes]) -> Lanes:
    """Scale times a standard exponential."""
    return elementary.exponential(w) * p.scale


EXPONENTIAL = Law("exponential", Numbers, value)


def exponential(scale: Any, real: dtypes.Real) -> Plan:
    """The plan for these arguments."""
    mean = deviation(scale, real)
    return plan(EXPONENTIAL, mean) if mean else nearest(0.0, real)
