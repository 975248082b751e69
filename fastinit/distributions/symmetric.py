"""Laws that are symmetric about `loc`, by inversion from the nearer end of the words: both tails are equally fine.

With u twice the chance of the tail (`u01_two_sided`), the distance from `loc` in units of `scale` is

    Laplace   -log(u)
    logistic  log((1 - t) / t) with t = u / 2
    Cauchy    cot(pi t)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from fastinit.arguments import dtypes
from fastinit.arguments.checks import deviation, finite
from fastinit.arithmetic.elementary import negative_log, sin_cos_quarter
from fastinit.arithmetic.lanes import Lanes, fma, select
from fastinit.arithmetic.reals import u01_two_sided
from fastinit.distributions.law import HEAVY, Law, Plan, nearest, plan

T = TypeVar("T")


class Numbers(NamedTuple, Generic[T]):
    """The median and the scale."""

    loc: T
    scale: T


def _both_sides(distance: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Lanes, Numbers[Lanes]], Lanes]:
    """The values whose distance from `loc` is `scale` times a function of u and 1 - u."""

    def value(w: Lanes, p: Numbers[Lanes]) -> Lanes:
        lower, u, rest = u01_two_sided(w)
        return fma(distance(u, rest), select(lower, -p.scale, p.scale), p.loc)

    return value


def _laplace(u: Lanes, rest: Lanes) -> Lanes:
    return negative_log(u, -rest)


def _logistic(u: Lanes, rest: Lanes) -> Lanes:
    """The odds (1 - t) / t are 1 + q with q = (1 - 2 t) / t, which is accurate where they are near 1."""
    q = rest * 2.0 / u
    return -negative_log(q + 1.0, q)


def _cauchy(u: Lanes, rest: Lanes) -> Lanes:
    """By an angle of at most an eighth of a turn: from the end of the words, or from the median."""
    far = u <= 0.5
    sine, cosine = sin_cos_quarter(select(far, u, rest))
    return select(far, cosine, sine) / select(far, sine, cosine)


LAPLACE = Law("laplace", Numbers, _both_sides(_laplace))
LOGISTIC = Law("logistic", Numbers, _both_sides(_logistic))
#: Without the dtypes of 8 bits, which hold too little of its tails.
CAUCHY = Law("cauchy", Numbers, _both_sides(_cauchy), dtypes=HEAVY)


def _plan(law: Law, loc: Any, scale: Any, real: dtypes.Real) -> Plan:
    middle, spread = finite("loc", loc, real), deviation(scale, real)
    return plan(law, middle, spread) if spread else nearest(middle, real)


def laplace(loc: Any, scale: Any, real: dtypes.Real) -> Plan:
    """The plan for these arguments."""
    return _plan(LAPLACE, loc, scale, real)


def logistic(loc: Any, scale: Any, real: dtypes.Real) -> Plan:
    """The plan for these arguments."""
    return _plan(LOGISTIC, loc, scale, real)


def cauchy(loc: Any, scale: Any, real: dtypes.Real) -> Plan:
    """The plan for these arguments."""
    return _plan(CAUCHY, loc, scale, real)
