"""Named rules: those of Glorot, He and LeCun, and those in use for transformers."""

from __future__ import annotations

import math
from typing import Any, Unpack

from fastinit.arguments import checks
from fastinit.initializers.keywords import Options, Shape, WeightOptions, initializer, read
from fastinit.initializers.variance import UNIFORM, bell, draw_bell, scaled, squared_gain


@initializer("glorot_uniform")
def xavier_uniform(shape: Shape, *, gain: float = 1.0, **options: Unpack[WeightOptions]) -> Any:
    """Draw from U[-b, b) with b = gain * sqrt(6 / (fan_in + fan_out)); `glorot_uniform` is the same function.

    Notes
    -----
    The variance is 2 gain^2 / (fan_in + fan_out). `fastinit.initializers.gain("tanh")` and the like give the usual gains.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), equation 16.

    Examples
    --------
    >>> from fastinit.initializers import xavier_uniform
    >>> w = xavier_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= (6 / (512 + 256)) ** 0.5)
    True
    """
    factor = checks.at_least_zero("gain", gain)
    return scaled(shape, factor * factor, "fan_avg", UNIFORM, options, gain=factor)


@initializer("glorot_normal")
def xavier_normal(shape: Shape, *, gain: float = 1.0, truncated: bool = False, **options: Unpack[WeightOptions]) -> Any:
    """Draw from the normal distribution of variance 2 gain^2 / (fan_in + fan_out); `glorot_normal` is the same function.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), equation 12.

    Examples
    --------
    >>> from fastinit.initializers import xavier_normal
    >>> w = xavier_normal((512, 256), rng=0)
    >>> round(float(w.var()) * (512 + 256), 1)
    2.0
    """
    factor = checks.at_least_zero("gain", gain)
    return scaled(shape, factor * factor, "fan_avg", bell(truncated), options, gain=factor)


@initializer("kaiming_uniform")
def he_uniform(
    shape: Shape, *, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", **options: Unpack[WeightOptions]
) -> Any:
    """Draw from U[-b, b) with b = gain(nonlinearity, a) * sqrt(3 / n); `kaiming_uniform` is the same function.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers" (2015), equations 10 and 15.

    Examples
    --------
    >>> from fastinit.initializers import he_uniform
    >>> w = he_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= (6 / 256) ** 0.5)
    True
    """
    return scaled(shape, squared_gain(nonlinearity, a), mode, UNIFORM, options, a=a)


@initializer("kaiming_normal")
def he_normal(
    shape: Shape,
    *,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    truncated: bool = False,
    **options: Unpack[WeightOptions],
) -> Any:
    """Draw from the normal distribution of variance gain(nonlinearity, a)^2 / n; `kaiming_normal` is the same function.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers" (2015), equations 10 and 15.

    Examples
    --------
    >>> from fastinit.initializers import he_normal
    >>> w = he_normal((512, 256), truncated=True, rng=0)
    >>> round(float(w.var()) * 256, 1)
    2.0
    """
    return scaled(shape, squared_gain(nonlinearity, a), mode, bell(truncated), options, a=a)


@initializer()
def lecun_uniform(shape: Shape, **options: Unpack[WeightOptions]) -> Any:
    """Draw from U[-b, b) with b = sqrt(3 / fan_in); the variance is 1 / fan_in.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient backprop" (1998), equation 16.

    Examples
    --------
    >>> from fastinit.initializers import lecun_uniform
    >>> w = lecun_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= (3 / 256) ** 0.5)
    True
    """
    return scaled(shape, 1.0, "fan_in", UNIFORM, options)


@initializer()
def lecun_normal(shape: Shape, *, truncated: bool = False, **options: Unpack[WeightOptions]) -> Any:
    """Draw from the normal distribution of variance 1 / fan_in.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient backprop" (1998), equation 16.

    Examples
    --------
    >>> from fastinit.initializers import lecun_normal
    >>> w = lecun_normal((512, 256), rng=0)
    >>> round(float(w.var()) * 256, 1)
    1.0
    """
    return scaled(shape, 1.0, "fan_in", bell(truncated), options)


@initializer()
def fan_in_uniform(shape: Shape, **options: Unpack[WeightOptions]) -> Any:
    """Draw from U[-b, b) with b = 1 / sqrt(fan_in), as torch does for the weights of `Linear` and `Conv`.

    Notes
    -----
    The variance is 1 / (3 fan_in), a third of that which keeps the variance of the values. Some texts call this rule Xavier.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), equation 1,
    where it is the usual rule to be improved.

    Examples
    --------
    >>> from fastinit.initializers import fan_in_uniform
    >>> w = fan_in_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= 256**-0.5)
    True
    """
    return scaled(shape, 1.0 / 3.0, "fan_in", UNIFORM, options)


def _draw(shape: Any, deviation: float, truncated: Any, options: Options) -> Any:
    """Draw with this standard deviation."""
    request = read(shape, options)
    most = request.real.largest / 4.0
    if deviation > most:  # only `residual_normal` can have one so large
        raise ValueError(f"scale must leave a deviation of at most {most:.6g} for {request.real.name}; got {deviation!r}")
    return draw_bell(request, deviation, bell(truncated))


@initializer()
def small_init(shape: Shape, *, dim: int, truncated: bool = False, **options: Unpack[Options]) -> Any:
    """Draw from the normal distribution of standard deviation sqrt(2 / (5 dim)).

    Notes
    -----
    That is the deviation of `xavier_normal` for a weight of dim inputs and 4 dim outputs.

    References
    ----------
    T. Q. Nguyen and J. Salazar, "Transformers without tears" (2019), section 2.2.

    Examples
    --------
    >>> from fastinit.initializers import small_init
    >>> w = small_init((1024, 256), dim=256, rng=0)
    >>> round(float(w.var()) * 256, 1)
    0.4
    """
    return _draw(shape, math.sqrt(2.0 / (5.0 * checks.positive_int("dim", dim))), truncated, options)


@initializer()
def wang_init(shape: Shape, *, dim: int, n_layers: int, truncated: bool = False, **options: Unpack[Options]) -> Any:
    """Draw normal values of standard deviation 2 / (n_layers sqrt(dim)), for layers that write to the residual stream.

    References
    ----------
    B. Wang, Mesh Transformer JAX (2021), as described by S. Black and others, "GPT-NeoX-20B" (2022), section 2.1.3.

    Examples
    --------
    >>> from fastinit.initializers import wang_init
    >>> w = wang_init((256, 1024), dim=256, n_layers=4, rng=0)
    >>> round(float(w.std()), 3)
    0.031
    """
    layers = checks.positive_int("n_layers", n_layers)
    return _draw(shape, 2.0 / layers / math.sqrt(checks.positive_int("dim", dim)), truncated, options)


@initializer()
def residual_normal(
    shape: Shape, *, n_layers: int, scale: float = 0.02, truncated: bool = False, **options: Unpack[Options]
) -> Any:
    """Draw normal values of standard deviation scale / sqrt(2 n_layers), for layers that write to the residual stream.

    Parameters
    ----------
    n_layers : int
        Number of the model's blocks, at least 1; each of them writes to the residual stream twice.
    scale : float
        Standard deviation of the model's other weights, finite, at least 0.

    References
    ----------
    A. Radford and others, "Language models are unsupervised multitask learners" (GPT-2, 2019), section 2.3.

    Examples
    --------
    >>> from fastinit.initializers import residual_normal
    >>> w = residual_normal((256, 1024), n_layers=8, rng=0)
    >>> round(float(w.std()), 3)
    0.005
    """
    deviation = checks.at_least_zero("scale", scale) / math.sqrt(2.0 * checks.positive_int("n_layers", n_layers))
    return _draw(shape, deviation, truncated, options)
