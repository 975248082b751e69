"""The Gumbel distribution of maxima, by inversion: loc - scale log(e) with e a standard exponential."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from fastinit.arguments import dtypes
from fastinit.arguments.checks import deviation, finite
from fastinit.arithmetic.elementary import exponential, negative_log
from fastinit.arithmetic.lanes import Lanes, fma
from fastinit.distributions.law import Law, Plan, nearest, plan

T = TypeVar("T")


class Numbers(NamedTuple, Generic[T]):
    """The mode and the scale."""

    loc: T
    scale: T


def value(w: Lanes, p: Numbers[Lanes]) -> Lanes:
    """Loc - scale log(e)."""
    e = exponential(w)
    return fma(negative_log(e, e - 1.0), p.scale, p.loc)


GUMBEL = Law("gumbel", Numbers, value)


def gumbel(loc: Any, scale: Any, real: dtypes.Real) -> Plan:
    """The plan for these arguments."""
    mode, spread = finite("loc", loc, real), deviation(scale, real)
    return plan(GUMBEL, mode, spread) if spread else nearest(mode, real)
