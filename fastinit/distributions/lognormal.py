"""The lognormal distribution: the exponential function of a normal value."""

from __future__ import annotations

import decimal
from typing import Any

from fastinit.arguments import dtypes
from fastinit.arguments.checks import deviation, finite
from fastinit.arithmetic.elementary import exp
from fastinit.arithmetic.lanes import Lanes
from fastinit.distributions import normal
from fastinit.distributions.law import HEAVY, Law, Plan, decimals, nearest, plan


def pair(a: Lanes, b: Lanes, p: normal.Numbers[Lanes]) -> tuple[Lanes, Lanes]:
    """The exponential function of both normals."""
    x, y = normal.pair(a, b, p)
    return exp(x), exp(y)


#: Without the dtypes of 8 bits, which hold too little of its tail.
LOGNORMAL = Law("lognormal", normal.Numbers, pair=pair, dtypes=HEAVY)


def lognormal(mean: Any, sigma: Any, real: dtypes.Real) -> Plan:
    """The plan for these arguments: those of the normal value."""
    loc, scale = finite("mean", mean, real), deviation(sigma, real, "sigma")
    return plan(LOGNORMAL, loc, scale) if scale else nearest(_exp(loc), real)


def _exp(x: float) -> float:
    with decimal.localcontext(decimals(40)):
        return float(decimal.Decimal(x).exp())
