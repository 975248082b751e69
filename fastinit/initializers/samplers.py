"""Initialisers whose law does not depend on the shape."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from fastinit.arguments import checks
from fastinit.initializers import truncation
from fastinit.initializers.keywords import Options, Shape, above_zero, at_least_zero, initializer, task, truth, without_zeros

#: A standard normal is never nearer to 0 than 2^-47 (2^-85 in float64): the shortest radius, 2^-16 (2^-32), times the
#: smallest sine. So dtypes with float32's exponents need a scale far below any in use to round a normal to 0.
LONG_EXPONENTS = ("float32", "float64", "bfloat16")
NEVER_ZERO_FROM = 2.0**-60


def truncated_std(a: float = -2.0, b: float = 2.0) -> float:
    """Compute the standard deviation that the standard normal has left between two bounds.

    Parameters
    ----------
    a, b : float
        Bounds, a < b; may be infinite.

    Returns
    -------
    float
        In (0, 1], the same on every machine; accurate to the last digit for any bounds.

    Raises
    ------
    TypeError, ValueError
        If a or b is not a real number, or a is not below b.

    Examples
    --------
    >>> from fastinit.initializers import truncated_std
    >>> truncated_std()
    0.8796256610342398
    """
    lower, upper = checks.number("a", a), checks.number("b", b)
    if not lower < upper:
        raise ValueError(f"a must be less than b; got a={lower!r}, b={upper!r}")
    return truncation.deviation(lower, upper)


def left_between(name: str, a: float, b: float) -> float:
    """`truncated_std` to divide by: bounds that leave none, closer than the smallest double, are refused."""
    left = truncated_std(a, b)
    if not left:
        raise ValueError(f"{name} must leave a deviation that a double holds; got ({a!r}, {b!r})")
    return left


def before_truncation(scale: Any, a: Any, b: Any, loc: Any, units: Any) -> float:
    """The deviation of the normal that has the deviation `scale` once it is truncated."""
    deviation, unit = at_least_zero("scale", scale), left_between("a and b", a, b)
    centre = checks.number("loc", loc)
    if units != "absolute" or not deviation or math.isinf(centre):
        return deviation / unit
    return truncation.scale_for(deviation, checks.number("a", a), checks.number("b", b), centre)


@initializer
def uniform(shape: Shape, low: float = 0.0, high: float = 1.0, **options: Unpack[Options]) -> Any:
    """Draw from the uniform distribution on [low, high).

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    low, high : float
        Bounds, finite, low <= high.
    rng : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        What to draw from, by way of `default_rng`. A Generator gives one call; None takes entropy from the system.
    dtype : dtype
        float32, float64, float16, bfloat16, float8_e4m3fn or float8_e5m2.
    out : numpy.ndarray, optional
        Where to put the values: writable, of this dtype and the shape of the result, with any strides.
    index : int, slice, Ellipsis or tuple of these, optional
        The block of the whole array that is wanted, at the cost of the block.

    Returns
    -------
    numpy.ndarray or scalar
        What `Generator.uniform` gives: `out`, or a new array of the block's shape with values in [low, high).

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    Values are those of the Generator's method: the same on every machine, with any number of threads, whole or in blocks.

    Examples
    --------
    >>> from fastinit.initializers import uniform
    >>> w = uniform((64, 64), -0.05, 0.05, rng=0)
    >>> bool(abs(w).max() <= 0.05)
    True
    """
    found = task(shape, options)
    return found.draw(found.rng.uniform, low, high)


@initializer
def normal(shape: Shape, loc: float = 0.0, scale: float = 1.0, **options: Unpack[Options]) -> Any:
    """Draw from the normal distribution of mean `loc` and deviation `scale`, not truncated.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    loc : float
        Mean, finite.
    scale : float
        Standard deviation, finite, at least 0; 0 fills with `loc`.
    **options
        rng, dtype, out, index: as for `uniform`.

    Returns
    -------
    numpy.ndarray or scalar
        What `Generator.normal` gives: `out`, or a new array of the block's shape.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    Values are those of the Generator's method: the same on every machine, with any number of threads, whole or in blocks.

    Examples
    --------
    >>> from fastinit.initializers import normal
    >>> w = normal((512, 512), scale=0.02, rng=0)
    >>> round(float(w.std()), 3)
    0.02
    """
    found = task(shape, options)
    return found.draw(found.rng.normal, loc, scale)


@initializer
def truncated_normal(
    shape: Shape,
    loc: float = 0.0,
    scale: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    units: str = "std",
    corrected: bool = False,
    **options: Unpack[Options],
) -> Any:
    """Draw from the normal distribution between bounds; by default what falls more than two deviations away is drawn again.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    loc : float
        Mean before truncation, finite.
    scale : float
        Standard deviation, finite, at least 0; 0 fills with `loc`. Before truncation, unless `corrected`.
    a, b : float
        Bounds, a < b; may be infinite.
    units : {"std", "absolute"}
        Whether a and b count deviations (those before truncation) from `loc`, as in JAX, or are values, as in torch.
    corrected : bool
        Whether `scale` is the deviation that the values have after truncation. Then the normal that is truncated is wider: by
        1 / `truncated_std(a, b)` with units="std"; with units="absolute" by what makes it so, which exists for scales below
        (b - a) / sqrt(12).
    **options
        rng, dtype, out, index: as for `uniform`.

    Returns
    -------
    numpy.ndarray or scalar
        What `Generator.truncated_normal` gives: `out`, or a new array of the block's shape, within the bounds after rounding.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    Values are those of the Generator's method: the same on every machine, with any number of threads, whole or in blocks. The
    correction is computed in decimal arithmetic for any bounds, so it is the same everywhere too. Between bounds that are not
    symmetric about `loc` the values' mean is not `loc`.

    Examples
    --------
    >>> from fastinit.initializers import truncated_normal
    >>> w = truncated_normal((512, 512), scale=0.02, rng=0)
    >>> round(float(w.std()), 4), bool(abs(w).max() <= 0.04)
    (0.0176, True)
    >>> round(float(truncated_normal((512, 512), scale=0.02, corrected=True, rng=0).std()), 4)
    0.02
    """
    found = task(shape, options)
    if truth("corrected", corrected):
        scale = before_truncation(scale, a, b, loc, units)
    return found.draw(found.rng.truncated_normal, a, b, loc, scale, units=units)


@initializer
def small_random(shape: Shape, scale: float = 0.01, **options: Unpack[Options]) -> Any:
    """Draw small values around 0, none of which is 0.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    scale : float
        Standard deviation, finite, above 0.
    **options
        rng, dtype, out, index: as for `uniform`.

    Returns
    -------
    numpy.ndarray or scalar
        What `Generator.normal` gives with loc=0, but a value that rounds to 0 is the smallest normal number of the dtype
        instead, of the value's sign: 6.1e-5 in float16 (for some two values in a million at the default scale), 1.2e-38 in
        float32.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    The same on every machine, with any number of threads, whole or in blocks.

    Examples
    --------
    >>> from fastinit.initializers import small_random
    >>> w = small_random((512, 512), rng=0, dtype="float16")
    >>> bool((w != 0).all()), round(float(w.std(dtype="float32")), 3)
    (True, 0.01)
    """
    found, deviation = task(shape, options), above_zero("scale", scale)
    drawn = found.draw(found.rng.normal, 0.0, deviation)
    if found.real.name in LONG_EXPONENTS and deviation >= NEVER_ZERO_FROM:
        return drawn
    target = np.asarray(drawn)
    without_zeros(target)
    return found.result(target)
