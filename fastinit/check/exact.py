"""The exact law of what a sampler stores, for each distribution and dtype.

A stored value is a real number of the law, rounded to the computing type (float32 or float64) and then, for the small dtypes,
once more. A uniform number is low + (high - low) k 2^-24 (2^-53) with k equally likely. So chances are differences of the
distribution function at *edges* half way between neighbours of the computing type. No stored value can lie on an edge.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from fastinit.arguments import dtypes
from fastinit.check.laws import Law

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

#: The end of an infinite side in integrals: the mass beyond it is below 10^-45.
_FAR = 14.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


@functools.cache
def base(law: Law) -> Any:
    """SciPy's distribution of the real numbers, before rounding."""
    if law.kind != "normal":
        return stats.uniform(law.a, law.b - law.a)
    return stats.norm() if law.method == "normal" else stats.truncnorm(law.a, law.b)


def below_and_above(law: Law, real: dtypes.Real, edges: Floats) -> tuple[Floats, Floats]:
    """The chance of a value below each edge, and above it."""
    steps = law.steps(real)
    if not steps:
        return base(law).cdf(edges), base(law).sf(edges)
    k = np.clip(np.ceil((edges - law.a) / (law.b - law.a) * steps), 0, steps)
    return k / steps, (steps - k) / steps


def masses(law: Law, real: dtypes.Real, edges: Floats) -> Floats:
    """The chances of the cells between inner edges, without cancellation in either tail."""
    below, above = below_and_above(law, real, edges)
    low, high = np.diff(below, prepend=0.0, append=1.0), -np.diff(above, prepend=1.0, append=0.0)
    return np.where(np.append(below, 1.0) <= 0.5, low, high)


def quantiles(law: Law, count: int) -> Floats:
    """The inner edges of this many equally likely cells of the base law."""
    ranks = np.arange(1, count) / count
    half = ranks <= 0.5
    return np.concatenate([base(law).ppf(ranks[half]), base(law).isf(1 - ranks[~half])])


def span(law: Law) -> tuple[float, float]:
    """An interval that holds all but 10^-15 of the mass on either side."""
    low, high = law.a, law.b
    return (
        float(base(law).ppf(1e-15)) if math.isinf(low) else low,
        float(base(law).isf(1e-15)) if math.isinf(high) else high,
    )


def _panels(law: Law, count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of an integral over the law, by Gauss and Legendre on panels of equal width."""
    near = 0.0 if law.kind != "normal" else max(law.a, -law.b, 0.0)  # the distance of the interval from 0
    low = law.a if law.a > -math.inf else min(-_FAR, law.b - _FAR)
    high = law.b if law.b < math.inf else max(_FAR, near + _FAR)
    if law.kind == "normal":  # the mass lies beside the bound that is nearer to 0
        low, high = max(low, -near - _FAR), min(high, near + _FAR)
    edges = np.linspace(low, high, count + 1)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    x = middle[:, None] + half[:, None] * _NODES
    return x.ravel(), (half[:, None] * _WEIGHTS).ravel()


class Moments(NamedTuple):
    """Mean, deviation, and the moments of (x - mean) / deviation from order 0 to 32."""

    mean: float
    deviation: float
    standard: Floats


def moments_of(x: Floats, weights: Floats) -> Moments:
    """The moments of a law on these numbers; the weights need not sum to 1."""
    x, weights = x[weights > 0], weights[weights > 0] / weights.sum()
    mean = float(weights @ x)
    deviation = math.sqrt(float(weights @ (x - mean) ** 2))
    y = (x - mean) / max(deviation, 1e-300)
    return Moments(mean, deviation, np.array([weights @ y**k for k in range(33)]))


@functools.cache
def moments(law: Law, real: dtypes.Real) -> Moments:
    """The moments of the base law. A uniform mean lies half a step lower, because its numbers are rounded down."""
    x, weights = _panels(law, 200)
    result = moments_of(x, weights * base(law).pdf(x))
    steps = law.steps(real)
    return result._replace(mean=result.mean - (law.b - law.a) / steps / 2) if steps else result


def occupancy(law: Law, real: dtypes.Real, draws: int) -> tuple[float, float]:
    """Mean and variance of how many of this many draws in float32 or float64 repeat an earlier value."""
    steps = law.steps(real)
    if steps:
        rate = draws / steps
        used = -steps * math.expm1(-rate)
        return draws - used, max(steps * math.exp(-rate) * (-math.expm1(-rate) - rate * math.exp(-rate)), 1e-12)
    digits = 24 if real.compute.itemsize == 4 else 53
    x, weights = _panels(law, 4000)
    unit = 2.0 ** (np.floor(np.log2(np.abs(x))) + 1 - digits)
    rate = draws * base(law).pdf(x) * unit
    used = float(weights @ (-np.expm1(-rate) / unit))
    single = float(weights @ (rate * np.exp(-rate) / unit))
    # (1 - e^-r)(e^-r) summed, less the covariance from the fixed total; for small r both are nearly r
    variance = float(weights @ ((-np.expm1(-rate) * np.exp(-rate)) / unit)) - single * single / draws
    if digits == 53:
        repeats = float(weights @ (rate * rate / 2 / unit))
        return repeats, max(repeats, 1e-12)
    total = float(weights @ (rate / unit))  # draws, up to the error of the integral
    return total - used, max(variance, 1e-12)
