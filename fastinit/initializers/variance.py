"""Variance scaling: one formula, and the named rules as rows of a table on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Unpack

from fastinit.arguments import checks, dtypes
from fastinit.initializers.fan import Fans, chosen
from fastinit.initializers.keywords import Shape, WeightOptions, at_least_zero, initializer, truth, weight_task
from fastinit.initializers.samplers import left_between

TWO_SIGMA = (-2.0, 2.0)

#: What the variance is divided by.
MODES: dict[str, Callable[[Fans], float]] = {
    "fan_in": lambda fans: float(fans.fan_in),
    "fan_out": lambda fans: float(fans.fan_out),
    "fan_avg": lambda fans: 0.5 * (fans.fan_in + fans.fan_out),
    "fan_geo_avg": lambda fans: math.sqrt(fans.fan_in * fans.fan_out),
}
DISTRIBUTIONS = ("uniform", "normal", "truncated_normal")


class Rule(NamedTuple):
    """A named rule: the variance is `scale`, times what the rule's own arguments say, over the fans of `mode`."""

    scale: float
    mode: str


RULES = {
    "xavier": Rule(1.0, "fan_avg"),
    "he": Rule(1.0, "fan_in"),
    "lecun": Rule(1.0, "fan_in"),
    "fan_in_uniform": Rule(1.0 / 3.0, "fan_in"),
}

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
#: The square of the gain that each nonlinearity asks for; leaky_relu's depends on its slope.
_SQUARED_GAINS = dict.fromkeys((*_LINEAR, "sigmoid"), 1.0) | {"tanh": 25.0 / 9.0, "relu": 2.0, "selu": 0.5625}
NONLINEARITIES = (*_SQUARED_GAINS, "leaky_relu")


def squared_gain(nonlinearity: Any, a: Any) -> float:
    """What a nonlinearity multiplies the variance of its weights by."""
    name = chosen("nonlinearity", nonlinearity, NONLINEARITIES)
    slope = checks.number("a", a)
    return 2.0 / (1.0 + slope * slope) if name == "leaky_relu" else _SQUARED_GAINS[name]


def gain(nonlinearity: str, a: float = 0.01) -> float:
    """Give the factor on the deviation of weights that makes up for what a nonlinearity does to the variance.

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
        The factor, at least 0. These are torch's, some of them found by trial.

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


class _Spread(NamedTuple):
    """A law's own part of the formula."""

    distribution: str
    bounds: tuple[float, float] = TWO_SIGMA
    corrected: bool = True


UNIFORM = _Spread("uniform")


def bell(truncated: Any) -> _Spread:
    """Plain normal or two-sigma truncated one."""
    return _Spread("truncated_normal" if truth("truncated", truncated) else "normal")


def _pair(bounds: Any) -> tuple[float, float]:
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise TypeError(f"bounds must be a pair of numbers; got {bounds!r}")
    lower, upper = (checks.number("bounds", bound) for bound in bounds)
    if not lower < upper:
        raise ValueError(f"bounds must ascend; got {bounds!r}")
    return lower, upper


def _variance(scale: float, mode: str, fans: Fans, real: dtypes.Real) -> float:
    """scale / n; an n of 0, which only arrays without elements have, counts as 1."""
    variance = scale / (MODES[mode](fans) or 1.0)
    if 4.0 * math.sqrt(variance) > real.largest:
        raise ValueError(f"scale or gain must leave a variance whose root {real.name} holds; got {variance!r} for {fans}")
    return variance


def _scaled(shape: Any, scale: float, mode: str, spread: _Spread, options: WeightOptions) -> Any:
    """The one formula: draw from the law with mean 0 and variance scale / n."""
    found, fans = weight_task(shape, options)
    variance = _variance(scale, mode, fans, found.real)
    if spread.distribution == "uniform":
        half = math.sqrt(3.0 * variance)
        return found.draw(found.rng.uniform, -half, half)
    deviation = math.sqrt(variance)
    if spread.distribution == "normal":
        return found.draw(found.rng.normal, 0.0, deviation)
    lower, upper = spread.bounds
    before = deviation / left_between("bounds", lower, upper) if spread.corrected else deviation
    return found.draw(found.rng.truncated_normal, lower, upper, 0.0, before)


def ruled(shape: Any, name: str, factor: float, spread: _Spread, options: WeightOptions, mode: str | None = None) -> Any:
    """Draw by a row of RULES, with the factor and the mode of the call."""
    rule = RULES[name]
    return _scaled(shape, rule.scale * factor, mode or rule.mode, spread, options)


@initializer
def variance_scaling(
    shape: Shape,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
    *,
    bounds: tuple[float, float] = TWO_SIGMA,
    corrected: bool = True,
    **options: Unpack[WeightOptions],
) -> Any:
    """Draw with mean 0 and variance scale / n, where n is a count of the weight's inputs and outputs.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array, of at least two axes unless in_axis and out_axis say otherwise.
    scale : float
        Finite, at least 0; 0 fills with 0.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
        What n is: the inputs of an output, the outputs of an input, their mean, or their geometric mean.
    distribution : {"uniform", "normal", "truncated_normal"}
        Uniform on [-b, b) with b = sqrt(3 scale / n), normal, or normal between bounds.
    bounds : pair of float
        Where distribution="truncated_normal" truncates, in deviations before truncation; ascending, may be infinite.
    corrected : bool
        Whether scale / n is the variance after truncation (as in JAX and Keras) rather than before it. The normal that is
        truncated then has the deviation sqrt(scale / n) / `truncated_std(*bounds)`.
    layout, in_axis, out_axis, batch_axis, groups
        Which axes count inputs and outputs: see `fans`.
    rng, dtype, out, index
        As for `uniform`.

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape. An array with a dimension of 0 is returned empty.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    Values are those of the Generator's method: the same on every machine, with any number of threads, whole or in blocks.
    Between bounds that are not symmetric the mean is not 0; the variance, about that mean, is still as asked.

    Examples
    --------
    >>> from fastinit.initializers import variance_scaling
    >>> w = variance_scaling((512, 256), 2.0, "fan_in", rng=0)
    >>> round(float(w.var()) * 256, 1)
    2.0
    """
    chosen("mode", mode, tuple(MODES))
    chosen("distribution", distribution, DISTRIBUTIONS)
    spread = _Spread(distribution, _pair(bounds), truth("corrected", corrected))
    return _scaled(shape, at_least_zero("scale", scale), mode, spread, options)
