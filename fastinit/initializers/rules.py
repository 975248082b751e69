"""The rules of Glorot and of He: each a row of `scaling.RULES`, with the arguments that other libraries give it."""

from __future__ import annotations

from typing import Any, Unpack

from fastinit.initializers.fan import chosen
from fastinit.initializers.keywords import Shape, WeightOptions, at_least_zero, initializer
from fastinit.initializers.variance import MODES, RULES, UNIFORM, bell, ruled, squared_gain


@initializer
def xavier_uniform(shape: Shape, gain: float = 1.0, **options: Unpack[WeightOptions]) -> Any:
    """Draw from U[-b, b) with b = gain * sqrt(6 / (fan_in + fan_out)); `glorot_uniform` is the same function.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    gain : float
        Factor on the deviation, finite, at least 0; `gain("tanh")` and the like give the usual ones.
    **options
        layout, in_axis, out_axis, batch_axis, groups (see `fans`); rng, dtype, out, index (see `uniform`).

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape, of variance 2 gain^2 / (fan_in + fan_out).

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    The same on every machine, with any number of threads, whole or in blocks. After X. Glorot and Y. Bengio, "Understanding the
    difficulty of training deep feedforward neural networks" (2010), equation 16.

    Examples
    --------
    >>> from fastinit.initializers import xavier_uniform
    >>> w = xavier_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= (6 / (512 + 256)) ** 0.5)
    True
    """
    factor = at_least_zero("gain", gain)
    return ruled(shape, "xavier", factor * factor, UNIFORM, options)


@initializer
def xavier_normal(shape: Shape, gain: float = 1.0, *, truncated: bool = False, **options: Unpack[WeightOptions]) -> Any:
    """Draw from the normal of variance 2 gain^2 / (fan_in + fan_out); `glorot_normal` is the same function.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    gain : float
        Factor on the deviation, finite, at least 0; `gain("tanh")` and the like give the usual ones.
    truncated : bool
        Whether to draw from the normal truncated at two deviations, widened so that the variance stays as said, rather than
        from the plain normal.
    **options
        layout, in_axis, out_axis, batch_axis, groups (see `fans`); rng, dtype, out, index (see `uniform`).

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    The same on every machine, with any number of threads, whole or in blocks. After X. Glorot and Y. Bengio, "Understanding the
    difficulty of training deep feedforward neural networks" (2010), equation 12.

    Examples
    --------
    >>> from fastinit.initializers import xavier_normal
    >>> w = xavier_normal((512, 256), rng=0)
    >>> round(float(w.var()) * (512 + 256), 1)
    2.0
    """
    factor = at_least_zero("gain", gain)
    return ruled(shape, "xavier", factor * factor, bell(truncated), options)


@initializer
def he_uniform(
    shape: Shape,
    a: float = 0.0,
    mode: str = RULES["he"].mode,
    nonlinearity: str = "leaky_relu",
    **options: Unpack[WeightOptions],
) -> Any:
    """Draw from U[-b, b) with b = gain * sqrt(3 / n); `kaiming_uniform` is the same function.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    a : float
        Slope of leaky_relu below 0; with 0, the default, it is relu.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
        What n is. With "fan_in", the default, values keep their variance going forward, with "fan_out" gradients going back.
    nonlinearity : str
        What follows the layer, one of those that `gain` knows.
    **options
        layout, in_axis, out_axis, batch_axis, groups (see `fans`); rng, dtype, out, index (see `uniform`).

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape, of variance gain(nonlinearity, a)^2 / n, with n the fans of `mode`.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    The same on every machine, with any number of threads, whole or in blocks. After K. He, X. Zhang, S. Ren and J. Sun,
    "Delving deep into rectifiers" (2015), equations 10 and 15.

    Examples
    --------
    >>> from fastinit.initializers import he_uniform
    >>> w = he_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= (6 / 256) ** 0.5)
    True
    """
    chosen("mode", mode, tuple(MODES))
    return ruled(shape, "he", squared_gain(nonlinearity, a), UNIFORM, options, mode)


@initializer
def he_normal(
    shape: Shape,
    a: float = 0.0,
    mode: str = RULES["he"].mode,
    nonlinearity: str = "leaky_relu",
    *,
    truncated: bool = False,
    **options: Unpack[WeightOptions],
) -> Any:
    """Draw from the normal of variance gain^2 / n; `kaiming_normal` is the same function.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    a : float
        Slope of leaky_relu below 0; with 0, the default, it is relu.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
        What n is. With "fan_in", the default, values keep their variance going forward, with "fan_out" gradients going back.
    nonlinearity : str
        What follows the layer, one of those that `gain` knows.
    truncated : bool
        Whether to draw from the normal truncated at two deviations, widened so that the variance stays as said, rather than
        from the plain normal.
    **options
        layout, in_axis, out_axis, batch_axis, groups (see `fans`); rng, dtype, out, index (see `uniform`).

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape; the gain is gain(nonlinearity, a), and n the fans of `mode`.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    The same on every machine, with any number of threads, whole or in blocks. After K. He, X. Zhang, S. Ren and J. Sun,
    "Delving deep into rectifiers" (2015), equations 10 and 15.

    Examples
    --------
    >>> from fastinit.initializers import he_normal
    >>> w = he_normal((512, 256), truncated=True, rng=0)
    >>> round(float(w.var()) * 256, 1)
    2.0
    """
    chosen("mode", mode, tuple(MODES))
    return ruled(shape, "he", squared_gain(nonlinearity, a), bell(truncated), options, mode)
