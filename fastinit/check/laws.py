"""The exact law of what a sampler stores, for each distribution and dtype.

A stored value is a real number of the law, rounded to the computing type (float32 or float64) and then, for the small dtypes,
once more. A uniform number is low + (high - low) k 2^-24 (2^-53) with k equally likely. So chances are differences of the
distribution function at *edges* half way between neighbours of the computing type, which no stored value can lie on.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from fastinit.arguments import dtypes

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

#: Where an infinite side ends for integrals: the mass beyond is below 10^-45.
_FAR = 14.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


class Law(NamedTuple):
    """A distribution: "uniform", "normal" (standard, between a and b) or "bits" (words as multiples of 2^-32)."""

    kind: str
    a: float = 0.0
    b: float = 1.0

    @property
    def method(self) -> str:
        """The name of the Generator's method."""
        if self.kind != "normal":
            return self.kind
        return "normal" if math.isinf(self.a) and math.isinf(self.b) else "truncated_normal"

    @property
    def title(self) -> str:
        """For tables: `truncated_normal -2 2`."""
        if self.kind == "bits" or self.method == "normal" or (self.kind, self.a, self.b) == ("uniform", 0.0, 1.0):
            return self.method
        return f"{self.method} {self.a:g} {self.b:g}"

    def steps(self, real: dtypes.Real) -> int:
        """How many equally likely multiples a uniform number is taken from; 0 for a continuous law."""
        if self.kind == "bits":
            return 2**32
        return 0 if self.kind == "normal" else 2**24 if real.compute.itemsize == 4 else 2**53

    def ends(self, real: dtypes.Real) -> tuple[float, float]:
        """The least and the greatest number of the dtype that may appear."""
        if self.kind == "normal":
            return dtypes.at_least(self.a, real), dtypes.at_most(self.b, real)
        return dtypes.at_least(self.a, real), dtypes.below(self.b, real)


NORMAL = Law("normal", -math.inf, math.inf)
UNIFORM = Law("uniform")
BITS = Law("bits")


@functools.cache
def base(law: Law) -> Any:
    """SciPy's distribution of the real numbers that are rounded."""
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
    """The chances of the cells that inner edges divide the line into, without cancellation in either tail."""
    below, above = below_and_above(law, real, edges)
    low, high = np.diff(below, prepend=0.0, append=1.0), -np.diff(above, prepend=1.0, append=0.0)
    return np.where(np.append(below, 1.0) <= 0.5, low, high)


def quantiles(law: Law, count: int) -> Floats:
    """The inner edges of so many equally likely cells of the base law."""
    ranks = np.arange(1, count) / count
    half = ranks <= 0.5
    return np.concatenate([base(law).ppf(ranks[half]), base(law).isf(1 - ranks[~half])])


def span(law: Law) -> tuple[float, float]:
    """Where all but 10^-15 of the mass lies."""
    low, high = law.a, law.b
    return (
        float(base(law).ppf(1e-15)) if math.isinf(low) else low,
        float(base(law).isf(1e-15)) if math.isinf(high) else high,
    )


def _panels(law: Law, count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of an integral over the law, by Gauss and Legendre on panels of equal width."""
    near = 0.0 if law.kind != "normal" else min(max(law.a, 0.0), abs(law.b))
    low = law.a if law.a > -math.inf else min(-_FAR, law.b - _FAR)
    high = law.b if law.b < math.inf else max(_FAR, near + _FAR)
    if law.kind == "normal":  # nothing to be seen further from the bound nearer to 0
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


def _moments(x: Floats, weights: Floats) -> Moments:
    x, weights = x[weights > 0], weights[weights > 0] / weights.sum()
    mean = float(weights @ x)
    deviation = math.sqrt(float(weights @ (x - mean) ** 2))
    y = (x - mean) / max(deviation, 1e-300)
    return Moments(mean, deviation, np.array([weights @ y**k for k in range(33)]))


@functools.cache
def moments(law: Law, real: dtypes.Real) -> Moments:
    """The moments of the base law; those of a uniform law are moved by half a step, as its numbers are rounded down."""
    x, weights = _panels(law, 200)
    found = _moments(x, weights * base(law).pdf(x))
    steps = law.steps(real)
    return found._replace(mean=found.mean - (law.b - law.a) / steps / 2) if steps else found


def moments_of(values: Floats, mass: Floats) -> Moments:
    """The moments of a law on a few numbers."""
    return _moments(values, mass)


def occupancy(law: Law, real: dtypes.Real, draws: int) -> tuple[float, float]:
    """Mean and variance of how many of so many draws repeat a value that came before: of float32 and float64."""
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
    # (1 - e^-r)(e^-r) summed, less what the fixed total takes away; for small r both are nearly r
    variance = float(weights @ ((-np.expm1(-rate) * np.exp(-rate)) / unit)) - single * single / draws
    if digits == 53:
        repeats = float(weights @ (rate * rate / 2 / unit))
        return repeats, max(repeats, 1e-12)
    total = float(weights @ (rate / unit))  # draws, but for the integral's own error
    return total - used, max(variance, 1e-12)
