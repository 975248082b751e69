"""Variance scaling: the one formula behind `variance_scaling` and the named rules."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Unpack

from fastinit.arguments import checks, dtypes
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.initializers.fan import Fans
from fastinit.initializers.keywords import Request, Shape, WeightOptions, initializer, read_weight
from fastinit.initializers.truncation import divisor

TWO_SIGMA = (-2.0, 2.0)

#: What the variance is divided by.
MODES: dict[str, Callable[[Fans], float]] = {
    "fan_in": lambda fans: float(fans.fan_in),
    "fan_out": lambda fans: float(fans.fan_out),
    "fan_avg": lambda fans: 0.5 * (fans.fan_in + fans.fan_out),
    "fan_geo_avg": lambda fans: math.sqrt(fans.fan_in * fans.fan_out),
}
DISTRIBUTIONS = ("uniform", "normal", "truncated_normal")

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
#: The square of each nonlinearity's gain; that of leaky_relu depends on its slope.
_SQUARED_GAINS = dict.fromkeys((*_LINEAR, "sigmoid"), 1.0) | {"tanh": 25.0 / 9.0, "relu": 2.0, "selu": 0.5625}
NONLINEARITIES = (*_SQUARED_GAINS, "leaky_relu")


def squared_gain(nonlinearity: Any, a: Any) -> float:
    """The factor on the variance of weights that a nonlinearity asks for."""
    name = checks.one_of("nonlinearity", nonlinearity, NONLINEARITIES)
    slope = checks.number("a", a)
    return 2.0 / (1.0 + slope * slope) if name == "leaky_relu" else _SQUARED_GAINS[name]


def gain(nonlinearity: str, a: float = 0.01) -> float:
    """Give the factor on the deviation of weights that compensates for what a nonlinearity does to the variance.

    Parameters
    ----------
    nonlinearity : str
        "linear", "conv1d" to "conv3d", "conv_transpose1d" to "conv_transpose3d" and "sigmoid": 1; "tanh": 5/3; "relu": sqrt(2);
        "leaky_relu": sqrt(2 / (1 + a^2)); "selu": 3/4.
    a : float
        Slope of leaky_relu below 0; the others ignore it.

    Returns
    -------
    float
        The factor, at least 0, as in torch. Those of tanh and selu are empirical.

    Raises
    ------
    TypeError, ValueError
        For a nonlinearity that is not in the list, or a slope that is not a real number.

    Examples
    --------
    >>> from fastinit.initializers import gain
    >>> round(gain("relu") ** 2, 12), round(gain("leaky_relu", 1.0), 12)
    (2.0, 1.0)
    """
    return math.sqrt(squared_gain(nonlinearity, a))


class Spread(NamedTuple):
    """A distribution whose variance is still to be set."""

    distribution: str
    bounds: tuple[float, float] = TWO_SIGMA
    corrected: bool = True


UNIFORM = Spread("uniform")


def bell(truncated: Any) -> Spread:
    """The normal distribution, or the one truncated at two standard deviations."""
    return Spread("truncated_normal" if checks.switch("truncated", truncated) else "normal")


def draw_bell(request: Request, deviation: float, spread: Spread) -> Any:
    """Draw with mean 0 and this standard deviation from a normal distribution, truncated or not."""
    if spread.distribution == "normal":
        return request.draw(request.rng.normal, 0.0, deviation)
    before = deviation / divisor("bounds", *spread.bounds) if spread.corrected else deviation
    try:  # first the plan alone: its errors name arguments that the caller has not given
        truncated_normal(*spread.bounds, 0.0, before, "std", request.real)
    except ValueError as error:
        raise ValueError(f"bounds must leave values that {request.real.name} holds; got {spread.bounds!r} ({error})") from None
    return request.draw(request.rng.truncated_normal, *spread.bounds, 0.0, before)


def _pair(bounds: Any) -> tuple[float, float]:
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise TypeError(f"bounds must be a pair of numbers; got {bounds!r}")
    lower, upper = (checks.number("bounds", bound) for bound in bounds)
    if not lower < upper:
        raise ValueError(f"bounds must ascend; got {bounds!r}")
    return lower, upper


#: Below it a double has fewer digits, so the deviation would be wrong.
_LEAST_VARIANCE = sys.float_info.min


def _most_variance(real: dtypes.Real) -> float:
    """The largest variance: the computing type holds 4 deviations, and a double 3 variances."""
    return min((real.largest / 4.0) * (real.largest / 4.0), sys.float_info.max / 3.0)


def scaled(shape: Any, scale: float, mode: str, spread: Spread, options: WeightOptions, /, **given: float) -> Any:
    """Draw with mean 0 and variance scale / n, where n are the fans of the mode.

    `given` is the caller's argument from which `scale` was computed. Errors blame it if the variance is out of range.
    """
    checks.one_of("mode", mode, MODES)
    request, fans = read_weight(shape, options)
    variance = scale / (MODES[mode](fans) or 1.0)  # only an array without elements has an n of 0
    most = _most_variance(request.real)
    for name, value in given.items():
        if value and not _LEAST_VARIANCE <= variance <= most:
            allowed = f"a variance from {_LEAST_VARIANCE:.6g} to {most:.6g} for {request.real.name}"
            raise ValueError(f"{name} must be 0 or leave {allowed}; got {name}={value!r}, so {variance!r} with {fans}")
    if spread.distribution == "uniform":
        half = math.sqrt(3.0 * variance)
        return request.draw(request.rng.uniform, -half, half)
    return draw_bell(request, math.sqrt(variance), spread)


@initializer()
def variance_scaling(
    shape: Shape,
    *,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
    bounds: tuple[float, float] = TWO_SIGMA,
    corrected: bool = True,
    **options: Unpack[WeightOptions],
) -> Any:
    """Draw with mean 0 and variance scale / n, where n counts the weight's inputs or outputs.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array, of at least two axes unless `in_axis` and `out_axis` name its axes.
    scale : float
        Finite, at least 0; 0 fills with 0.
    distribution : {"uniform", "normal", "truncated_normal"}
        Uniform on [-b, b) with b = sqrt(3 scale / n), normal, or normal truncated to `bounds`.
    bounds : pair of float
        Bounds of the truncated normal, in standard deviations before truncation; ascending, may be infinite.
    corrected : bool
        True: scale / n is the variance after truncation, as in JAX and Keras, and the standard deviation before truncation is
        sqrt(scale / n) / `truncated_std(*bounds)`. False: it is the variance before truncation.

    Notes
    -----
    An array with a dimension of 0 is returned empty. Unless the bounds are symmetric, the mean is not 0; the variance, about
    that mean, is still scale / n.

    Examples
    --------
    >>> from fastinit.initializers import variance_scaling
    >>> w = variance_scaling((512, 256), scale=2.0, mode="fan_in", rng=0)
    >>> round(float(w.var()) * 256, 1)
    2.0
    """
    checks.one_of("distribution", distribution, DISTRIBUTIONS)
    spread = Spread(distribution, _pair(bounds), checks.switch("corrected", corrected))
    number = checks.at_least_zero("scale", scale)
    return scaled(shape, number, mode, spread, options, scale=number)
