"""Quantiles of a law of which only the distribution function is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastinit.check.exact import Floats

_LARGEST = float(np.finfo(np.float64).max)


def _ordered(k: Floats) -> Floats:
    """The doubles in ascending order, numbered from the least finite one to the largest: 0 is number 0."""
    bits = np.abs(k.astype(np.int64)).view(np.float64)
    return np.where(k < 0, -bits, bits)


class Numeric:
    """A law of which the distribution function is known, and perhaps the chance of more than x too.

    Without it the upper tail is 1 - cdf, so its chances are right to 10^-16 and no better. Quantiles are found by bisection
    among all doubles. The function is called with arrays if it takes them, else with floats.
    """

    def __init__(self, function: Callable[[Any], Any], above: Callable[[Any], Any] | None = None) -> None:
        self._function, self._above = self._for_arrays(function), above
        self._ends = -self._end(-1.0, 0.0), self._end(1.0, 1.0)

    @staticmethod
    def _for_arrays(function: Callable[[Any], Any]) -> Callable[[Floats], Floats]:
        some = np.array([-1.0, 0.5, 2.0])
        one_by_one = np.vectorize(lambda x: float(function(float(x))), otypes=[np.float64])
        expected = one_by_one(some)
        try:
            together = np.asarray(function(some), np.float64)
        except Exception:  # it takes floats only
            return one_by_one
        alike = together.shape == some.shape and np.allclose(together, expected, rtol=1e-9, atol=0)
        return (lambda x: np.asarray(function(x), np.float64)) if alike else one_by_one

    def _end(self, sign: float, chance: float) -> float:
        """How far from 0 the function is looked at: up to where it is 0 or 1, or fails."""
        distance = 1.0
        while distance < _LARGEST / 2:
            try:
                if float(self._function(np.array([sign * distance]))[0]) == chance:
                    break
                self._function(np.array([sign * distance * 2.0]))
            except (ArithmeticError, ValueError):
                break
            distance *= 2.0
        return distance

    def cdf(self, x: Any) -> Any:
        """The chance of at most x."""
        return self._function(np.clip(np.asarray(x, np.float64), *self._ends))

    def sf(self, x: Any) -> Any:
        """The chance of more than x."""
        return 1.0 - self.cdf(x) if self._above is None else self._above(x)

    def ppf(self, q: Any) -> Any:
        """The least x whose chance of at most x reaches q."""
        q = np.asarray(q, np.float64)
        return self._least(q.shape, lambda x: self.cdf(x) >= q)

    def isf(self, q: Any) -> Any:
        """The least x whose chance of more than x is at most q."""
        q = np.asarray(q, np.float64)
        return self.ppf(1.0 - q) if self._above is None else self._least(q.shape, lambda x: self.sf(x) <= q)

    def _least(self, shape: tuple[int, ...], reached: Callable[[Floats], Any]) -> Floats:
        """The least double for which a condition holds, which holds for all above it."""
        first, last = (np.array(end).view(np.int64) for end in np.abs(self._ends))
        low, high = np.full(shape, -first), np.full(shape, last)
        for _ in range(65):
            middle = (low >> 1) + (high >> 1) + (low & high & 1)
            below = reached(_ordered(middle))
            low, high = np.where(below, low, middle), np.where(below, middle, high)
        return _ordered(high)

    def support(self) -> tuple[float, float]:
        """Nothing is known of bounds."""
        return -math.inf, math.inf
