"""The exact law of what a sampler stores, for each distribution and dtype.

A stored real is a real number of the law, rounded to the computing type (float32 or float64) and then, for the small dtypes,
once more. A uniform number is low + (high - low) k 2^-24 (2^-53) with k equally likely, and an integer likewise. So chances are
differences of the distribution function at *edges* half way between neighbours. No stored value can lie on an edge; of float64
the edge is no number, and its chance is interpolated.
"""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.check.laws import Law

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

#: The mass on either side of integrals, and of pictures: much more for heavy tails, whose ends are far out.
_FAR, _SEEN, _SEEN_HEAVY = 1e-45, 1e-15, 1e-3
#: Steps that are counted exactly, and how near to a step an edge must be to need it.
_FEW, _NEAR = 1 << 32, 1e-3
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let no warning of SciPy or NumPy stop a test, as pytest's `-W error` would."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _steps_below(law: Law, steps: int, edges: Floats) -> Floats:
    """How many of the equal steps from `a` to `b` begin below each edge."""
    place = (edges - law.a) / (law.b - law.a) * steps
    found = np.ceil(place)
    if steps <= _FEW:  # beside a small edge `a` may round it away, which moves a step into another cell
        low, width = Fraction(law.a), Fraction(law.b) - Fraction(law.a)
        near = np.flatnonzero(np.abs(place - np.rint(place)) < _NEAR)
        found[near] = [math.ceil((Fraction(edge) - low) / width * steps) for edge in edges[near].tolist()]
    return np.clip(found, 0, steps)


def below_and_above(law: Law, real: dtypes.Real, edges: Floats) -> tuple[Floats, Floats]:
    """The chance of a value below each edge, and above it."""
    steps = law.steps(real)
    if not steps:
        with np.errstate(all="ignore"):  # SciPy's laws, far out
            return law.base().cdf(edges), law.base().sf(edges)
    k = _steps_below(law, steps, edges)
    return k / steps, (steps - k) / steps


def masses(law: Law, real: dtypes.Real, edges: Floats) -> Floats:
    """The chances of the cells between inner edges."""
    return between(*below_and_above(law, real, edges))


def between(below: Floats, above: Floats) -> Floats:
    """The chances of the cells between edges, from those below and above each, without cancellation in either tail."""
    low, high = np.diff(below, prepend=0.0, append=1.0), -np.diff(above, prepend=1.0, append=0.0)
    return np.where(np.append(below, 1.0) <= 0.5, low, high)


def quantiles(law: Law, count: int) -> Floats:
    """The inner edges of this many equally likely cells of the law."""
    ranks = np.arange(1, count) / count
    half = ranks <= 0.5
    return np.concatenate([law.base().ppf(ranks[half]), law.base().isf(1 - ranks[~half])])


@functools.lru_cache(maxsize=64)
def span(law: Law) -> tuple[float, float]:
    """An interval for pictures: all of the law, or the middle of one with heavy tails."""
    if law.points is not None:
        return law.a - 0.5, law.b + 0.5
    rest = _SEEN if law.moments else _SEEN_HEAVY
    return (
        float(law.base().ppf(rest)) if math.isinf(law.a) else law.a,
        float(law.base().isf(rest)) if math.isinf(law.b) else law.b,
    )


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


@functools.lru_cache(maxsize=64)
def moments(law: Law, real: dtypes.Real) -> Moments:
    """The moments of the law, by Gauss and Legendre on panels of equal width.

    A mean of equal steps lies half a step lower, because they are rounded down.
    """
    low, high = float(law.base().ppf(_FAR)), float(law.base().isf(_FAR))
    edges = np.linspace(max(low, law.a), min(high, law.b), 201)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    x = (middle[:, None] + half[:, None] * _NODES).ravel()
    result = moments_of(x, (half[:, None] * _WEIGHTS).ravel() * law.base().pdf(x))
    steps = law.steps(real)
    return result._replace(mean=result.mean - (law.b - law.a) / steps / 2) if steps else result
