"""Laws of the user's own: what the tests need of a law, from its distribution function."""

from __future__ import annotations

import functools
import importlib
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from fastinit import laws
from fastinit.arguments import calls
from fastinit.check.exact import Floats
from fastinit.check.laws import MOST_POINTS, Law, of

EXAMPLE = "scipy.stats.rayleigh(scale=2)"
#: What lies beyond the counted values of a discrete law, on either side.
_RARE = 1e-18
_LARGEST = float(np.finfo(np.float64).max)
#: Letters of a law's title, so that tables fit a terminal.
MOST_TITLE = 23
#: Places at which a function is looked at before anything is drawn.
_LOOKS = np.concatenate([-np.logspace(9, -9, 37), [0.0], np.logspace(-9, 9, 37)])


def _ordered(k: Floats) -> Floats:
    """The doubles in ascending order, numbered from the least finite one to the largest: 0 is number 0."""
    bits = np.abs(k.astype(np.int64)).view(np.float64)
    return np.where(k < 0, -bits, bits)


class Numeric:
    """A continuous law of which only the distribution function is known.

    The upper tail is 1 - cdf, so its chances are right to 10^-16 and no better. Quantiles are found by bisection among all
    doubles. The function is called with arrays if it takes them, else with floats.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = self._for_arrays(function)
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
        return 1.0 - self.cdf(x)

    def ppf(self, q: Any) -> Any:
        """The least x whose chance of at most x reaches q."""
        q = np.asarray(q, np.float64)
        first, last = (np.array(end).view(np.int64) for end in np.abs(self._ends))
        low, high = np.full(q.shape, -first), np.full(q.shape, last)
        for _ in range(65):
            middle = (low >> 1) + (high >> 1) + (low & high & 1)
            reached = self.cdf(_ordered(middle)) >= q
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return _ordered(high)

    def isf(self, q: Any) -> Any:
        """The least x whose chance of more than x is at most q."""
        return self.ppf(1.0 - np.asarray(q, np.float64))

    def support(self) -> tuple[float, float]:
        """Nothing is known of bounds."""
        return -math.inf, math.inf


def _object(text: str) -> Any:
    """What the text of --cdf names, called if it has arguments."""
    rest = text.removeprefix("scipy.stats.")
    name, positional, named = calls.read(text if rest == text else f"scipy.stats:{rest}", "--cdf", EXAMPLE)
    module, _, path = name.partition(":")
    if not path:
        raise ValueError(f"--cdf: must be module:name, or such as {EXAMPLE}; got {text!r}")
    try:
        found = operator.attrgetter(path)(importlib.import_module(module))
        return found(*positional, **named) if positional or named else found
    except Exception as error:  # whatever the module's code raises
        raise ValueError(f"--cdf: {text!r} raises {type(error).__name__}: {error}") from error


def exact(text: str) -> Any:
    """The distribution that --cdf names: a frozen one of SciPy, or one made of a function; ValueError if it is neither."""
    found = _object(text)
    if hasattr(found, "pmf"):
        return found
    if not callable(getattr(found, "cdf", found)):
        raise ValueError(f"--cdf: must be a function of floats, or have a method cdf; got {text!r}, which is {found!r}")
    complete = all(hasattr(found, name) for name in ("cdf", "sf", "ppf", "isf", "support"))
    try:
        base = found if complete else Numeric(getattr(found, "cdf", found))
        chances = np.asarray(base.cdf(_LOOKS), np.float64)
    except Exception as error:  # whatever the function raises
        raise ValueError(f"--cdf: {text!r} raises {type(error).__name__}: {error}") from error
    rises = 0 <= chances[0] < 1e-3 and 1 - 1e-3 < chances[-1] <= 1 and (np.diff(chances) >= 0).all()
    if not rises:
        raise ValueError(f"--cdf: must rise from 0 to 1 between -1e9 and 1e9; got {text!r}, from {chances[0]} to {chances[-1]}")
    return base


def _points(base: Any) -> dict[str, Any]:
    """The points of a discrete distribution of SciPy, and their chances."""
    if hasattr(base, "xk"):
        values, chances = np.asarray(base.xk, np.float64), np.asarray(base.pk, np.float64)
    else:
        low, high = int(base.ppf(_RARE)), int(base.isf(_RARE))
        values = np.arange(low, min(high, low + MOST_POINTS) + 1, dtype=np.float64)
        chances = base.pmf(values)
    if len(values) > MOST_POINTS:
        raise ValueError(f"--cdf: must have at most {MOST_POINTS} points; got {len(values)}")
    order = np.argsort(values)[chances[np.argsort(values)] > 0]
    values, chances = values[order], chances[order]
    return {"points": values, "chances": chances, "a": values[0], "b": values[-1], "coarse": False}


def law(text: str, cdf: str | None) -> Law:
    """The law that --law and --cdf name; ValueError or TypeError says what is wrong."""
    distribution = laws.parse(text)
    title = repr(distribution) if len(repr(distribution)) <= MOST_TITLE else distribution.name[:MOST_TITLE]
    if cdf is None:
        if ":" in text:
            raise ValueError(f"--cdf: must be given for a law of your own, such as {EXAMPLE}; --law is {text!r}")
        return of(distribution, title)
    base = exact(cdf)
    if hasattr(base, "pmf"):
        return Law(title, distribution.name, distribution, **_points(base), moments=False)
    a, b = map(float, base.support())
    return Law(title, distribution.name, distribution, functools.partial(_same, base), a, b, kept=False, moments=False)


def _same(base: Any) -> Any:
    return base
