"""Initialisers whose distribution does not depend on the shape."""

from __future__ import annotations

from typing import Any, Unpack

from fastinit.arguments import checks
from fastinit.initializers.keywords import Options, Shape, initializer, read, without_zeros
from fastinit.initializers.truncation import before_truncation

#: A standard normal value is never nearer to 0 than 2^-47 (2^-85 in float64): the shortest radius, 2^-16 (2^-32), times the
#: smallest sine. So dtypes with float32's exponents round a value to 0 only for a scale far below any in use.
LONG_EXPONENTS = ("float32", "float64", "bfloat16")
NEVER_ZERO_FROM = 2.0**-60


@initializer()
def uniform(shape: Shape, *, low: float = 0.0, high: float = 1.0, **options: Unpack[Options]) -> Any:
    """Draw from the uniform distribution on [low, high), as `Generator.uniform` does.

    Parameters
    ----------
    low, high : float
        Bounds, finite, low <= high, with a finite difference. `high` never appears; low == high fills with `low`.

    Examples
    --------
    >>> from fastinit.initializers import uniform
    >>> w = uniform((64, 64), low=-0.05, high=0.05, rng=0)
    >>> bool(abs(w).max() <= 0.05)
    True
    """
    request = read(shape, options)
    return request.draw(request.rng.uniform, low, high)


@initializer()
def normal(shape: Shape, *, loc: float = 0.0, scale: float = 1.0, **options: Unpack[Options]) -> Any:
    """Draw from the normal distribution with mean `loc` and standard deviation `scale`, as `Generator.normal` does.

    Parameters
    ----------
    loc : float
        Mean, finite.
    scale : float
        Standard deviation, finite, at least 0; 0 fills with `loc`.

    Examples
    --------
    >>> from fastinit.initializers import normal
    >>> w = normal((512, 512), scale=0.02, rng=0)
    >>> round(float(w.std()), 3)
    0.02
    """
    request = read(shape, options)
    return request.draw(request.rng.normal, loc, scale)


@initializer()
def truncated_normal(
    shape: Shape,
    *,
    loc: float = 0.0,
    scale: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    units: str = "std",
    corrected: bool = False,
    **options: Unpack[Options],
) -> Any:
    """Draw from the normal distribution truncated to [a, b], by default at two standard deviations.

    Parameters
    ----------
    loc : float
        Mean before truncation, finite.
    scale : float
        Standard deviation, finite, at least 0; 0 fills with `loc`. It is the one before truncation, unless `corrected`: at two
        standard deviations, the values then have 0.8796 times `scale`.
    a, b : float
        Bounds, a < b; may be infinite.
    units : {"std", "absolute"}
        "std": a and b count standard deviations (those before truncation) from `loc`, as in JAX. "absolute": they are values,
        as in torch.
    corrected : bool
        True makes `scale` the standard deviation after truncation, by widening the normal distribution that is truncated. With
        units="std" the factor is 1 / `truncated_std(a, b)`. With units="absolute" it depends on the bounds, and `scale` must
        be below (b - a) / sqrt(12).

    Notes
    -----
    The values are those of `Generator.truncated_normal`, and stay in the bounds after rounding. Unless the bounds are symmetric
    about `loc`, the mean of the values is not `loc`. The correction is computed in decimal arithmetic for any bounds.

    Examples
    --------
    >>> from fastinit.initializers import truncated_normal
    >>> w = truncated_normal((512, 512), scale=0.02, rng=0)
    >>> round(float(w.std()), 4), bool(abs(w).max() <= 0.04)
    (0.0176, True)
    >>> round(float(truncated_normal((512, 512), scale=0.02, corrected=True, rng=0).std()), 4)
    0.02
    """
    request = read(shape, options)
    if checks.switch("corrected", corrected):
        scale = before_truncation(scale, a, b, loc, units)
    return request.draw(request.rng.truncated_normal, a, b, loc, scale, units=units)


@initializer()
def small_random(shape: Shape, *, scale: float = 0.01, **options: Unpack[Options]) -> Any:
    """Draw small values around 0, none of which is 0.

    Parameters
    ----------
    scale : float
        Standard deviation, finite, above 0.

    Notes
    -----
    The values are those of `Generator.normal` with loc=0, except that a value that rounds to 0 becomes the smallest normal
    number of the dtype, with the sign of the value: 6.1e-5 in float16, where two values in a million round to 0 at the default
    scale, and 1.2e-38 in float32.

    Examples
    --------
    >>> from fastinit.initializers import small_random
    >>> w = small_random((512, 512), rng=0, dtype="float16")
    >>> bool((w != 0).all()), round(float(w.std(dtype="float32")), 3)
    (True, 0.01)
    """
    request, deviation = read(shape, options), checks.above_zero("scale", scale)
    if request.real.name in LONG_EXPONENTS and deviation >= NEVER_ZERO_FROM:
        return request.draw(request.rng.normal, 0.0, deviation)
    target = request.target()
    request._replace(out=target).draw(request.rng.normal, 0.0, deviation)
    without_zeros(target)
    return request.result(target)
