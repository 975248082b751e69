"""Exact distributions as laws that are tested: those of SciPy, and distribution functions."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
from scipy import stats

from fastinit.arguments import dtypes
from fastinit.check.exact import Array, moments, moments_of, quiet
from fastinit.check.laws import DTYPES, MOST_POINTS, Law, is_real, short
from fastinit.check.numeric import Numeric
from fastinit.laws import Distribution

#: What lies beyond the counted values of a discrete law, on either side.
_RARE = 1e-18
#: What a dtype may leave out of a discrete law that it holds.
_UNHELD = 1e-12
#: The error of moments in deviations that no test sees below 10^12 values; the kurtosis of tails that are heavy.
EXACT, HEAVY = 1e-7, 20.0
#: Places at which a function is looked at before anything is drawn.
_LOOKS = np.concatenate([-np.logspace(9, -9, 37), [0.0], np.logspace(-9, 9, 37)])
_CONTINUOUS = ("cdf", "sf", "ppf", "isf", "support")


def _text(base: Any) -> str:
    """A frozen distribution of SciPy as text, or the name of a function."""
    if hasattr(base, "dist"):
        named = [f"{name}={value:g}" for name, value in base.kwds.items()]
        return f"{base.dist.name}({', '.join([*(f'{value:g}' for value in base.args), *named])})"
    return str(getattr(base, "name", None) or getattr(base, "__name__", None) or type(base).__name__)


def _complete(base: Any, what: str, got: str) -> Any:
    """The base with all methods of a distribution: itself, or one that is made of its cdf; ValueError says what is wrong."""
    if hasattr(base, "pmf"):
        return base
    if not callable(getattr(base, "cdf", base)):
        raise ValueError(f"{what} must be a function of floats, or have a method cdf; got {got}")
    try:
        own = all(hasattr(base, name) for name in _CONTINUOUS)
        whole = base if own else Numeric(getattr(base, "cdf", base))
        chances = np.asarray(whole.cdf(_LOOKS), np.float64)
    except Exception as error:  # whatever the function raises
        raise ValueError(f"{what} must be a function of floats; {got} raises {type(error).__name__}: {error}") from error
    low, high = chances[0], chances[-1]
    if not (low >= 0 and high <= 1 and (np.diff(chances) >= 0).all() and (own or (low < 1e-3 and high > 1 - 1e-3))):
        raise ValueError(f"{what} must rise from 0 to 1 between -1e9 and 1e9; got {got}, {low:g} to {high:g}")
    return whole


def _holding(low: float, high: float, values: Array | None = None) -> tuple[str, ...]:
    """The names of the dtypes that have all integers of a range, or all these values."""
    held = []
    for name in DTYPES:
        real = dtypes.resolve(name, DTYPES)
        if values is not None:
            with np.errstate(all="ignore"):  # what does not fit becomes something else, and is seen by that
                fits = bool((values.astype(real.dtype).astype(np.float64) == values).all())
        elif is_real(real):
            fits = real.dtype.itemsize >= 4
        else:
            fits = real.dtype != np.bool_ and np.iinfo(real.dtype).min <= low and high <= np.iinfo(real.dtype).max
        held += [name] if fits else []
    return tuple(held)


def _points(values: Array, chances: Array) -> dict[str, Any]:
    order = np.argsort(values)
    order = order[chances[order] > 0]
    values, chances = values[order], chances[order]
    below, above = np.cumsum(chances), np.cumsum(chances[::-1])[::-1]
    held = _holding(0, 0, values[(below > _UNHELD) & (above > _UNHELD)])
    light = float(moments_of(values, chances).standard[4]) < HEAVY
    points = {"points": values, "chances": chances, "a": values[0], "b": values[-1]}
    return {**points, "moments": light, "coarse": False, "held_by": held}


def _discrete(base: Any, what: str, got: str) -> dict[str, Any]:
    """Points and their chances or, of more than 2^16 integers, the distribution itself."""
    a, b = map(float, base.support())
    dist = getattr(base, "dist", base)
    if hasattr(dist, "xk"):
        values, chances = np.asarray(dist.xk, np.float64), np.asarray(dist.pk, np.float64)
        if len(values) > MOST_POINTS:
            raise ValueError(f"{what} must have at most {MOST_POINTS} points; got {got}, {len(values)}")
        return _points(values + (a - values.min()), chances)
    apart = float(base.ppf(0.5)) % 1.0  # from integers, if it has a location
    # the cdf of some adds up all chances from `a` on
    sums = getattr(type(dist), "_cdf", None) is stats.rv_discrete._cdf

    def floor(x: Any) -> Any:
        return np.floor(x - apart) + apart

    # SciPy's quantiles may be NaN or take minutes far out, and some of its functions are wrong between integers
    inverted = None if sums else Numeric(lambda x: base.cdf(floor(x)), lambda x: base.sf(floor(x)))
    low = a if inverted is None else float(inverted.ppf(_RARE))
    if base.sf(low + MOST_POINTS) <= _RARE:
        values = np.arange(low, low + MOST_POINTS + 1)
        chances = np.asarray(base.pmf(values), np.float64)
        return _points(values, np.where(chances > _RARE / MOST_POINTS, chances, 0.0))
    if inverted is None:
        raise ValueError(f"{what} must have at most {MOST_POINTS} points, or a cdf in closed form; got {got}")
    held = _holding(float(inverted.ppf(_UNHELD)), float(inverted.isf(_UNHELD)))
    whole = {"base": functools.partial(_same, inverted), "a": a, "b": b}
    return {**whole, "discrete": True, "moments": False, "coarse": False, "held_by": held}


def _has_moments(law: Law) -> bool:
    """Whether the moments of a continuous law are exact as the tests compute them, and its tails light."""
    base = law.base()
    try:
        mine, mean, deviation = moments(law, dtypes.resolve("float64")), float(base.mean()), float(base.std())
    except Exception:  # it has no density or no moments, or SciPy finds none
        return False
    error = max(abs(mine.mean - mean), abs(mine.deviation - deviation))
    return bool(error < EXACT * deviation < math.inf and mine.standard[4] < HEAVY and np.isfinite(mine.standard).all())


def known(
    base: Any, distribution: Distribution | None = None, title: str | None = None, what: str = "law", got: str | None = None
) -> Law:
    """The law of an exact distribution.

    Parameters
    ----------
    base : object
        A frozen distribution of `scipy.stats`, continuous or discrete; an object with a method `cdf`; or a function from a
        float to the chance of at most as much, of a continuous law.
    distribution : fastinit.laws.Distribution, optional
        What fastinit draws; None for a law that only others draw.
    title : str, optional
        For tables; by default the distribution's text.
    what, got : str, optional
        How errors call the argument, and what was given.

    Returns
    -------
    Law
        For `subjects.check`. `reals` has the dtypes that hold it.

    Raises
    ------
    ValueError
        For something that is no distribution, or a discrete one that has too many points.
    """
    text = _text(base)
    got = text if got is None else got
    name = distribution.name if distribution else text.partition("(")[0]
    title = title or short(text, name)
    with quiet():
        base = _complete(base, what, got)
        if hasattr(base, "pmf"):
            return Law(title, name, distribution, **_discrete(base, what, got))
        a, b = map(float, base.support())
        whole = functools.partial(_same, base)
        law = Law(title, name, distribution, whole, a, b, kept=False, held_by=dtypes.REAL_NAMES)
        return law if _has_moments(law) else dataclasses.replace(law, moments=False)


def _same(base: Any) -> Any:
    return base
