"""The named rules that look at a weight's inputs alone: rows of `scaling.RULES` too."""

from __future__ import annotations

from typing import Any, Unpack

from fastinit.initializers.keywords import Shape, WeightOptions, initializer
from fastinit.initializers.variance import UNIFORM, bell, ruled


@initializer
def lecun_uniform(shape: Shape, **options: Unpack[WeightOptions]) -> Any:
    """Draw from U[-b, b) with b = sqrt(3 / fan_in).

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    **options
        layout, in_axis, out_axis, batch_axis, groups (see `fans`); rng, dtype, out, index (see `uniform`).

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape, of variance 1 / fan_in.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    The same on every machine, with any number of threads, whole or in blocks. After Y. LeCun, L. Bottou, G. Orr and
    K.-R. Müller, "Efficient backprop" (1998), equation 16.

    Examples
    --------
    >>> from fastinit.initializers import lecun_uniform
    >>> w = lecun_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= (3 / 256) ** 0.5)
    True
    """
    return ruled(shape, "lecun", 1.0, UNIFORM, options)


@initializer
def lecun_normal(shape: Shape, *, truncated: bool = False, **options: Unpack[WeightOptions]) -> Any:
    """Draw from the normal of variance 1 / fan_in.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
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
    The same on every machine, with any number of threads, whole or in blocks. After Y. LeCun, L. Bottou, G. Orr and
    K.-R. Müller, "Efficient backprop" (1998), equation 16.

    Examples
    --------
    >>> from fastinit.initializers import lecun_normal
    >>> w = lecun_normal((512, 256), rng=0)
    >>> round(float(w.var()) * 256, 1)
    1.0
    """
    return ruled(shape, "lecun", 1.0, bell(truncated), options)


@initializer
def fan_in_uniform(shape: Shape, **options: Unpack[WeightOptions]) -> Any:
    """Draw from U[-b, b) with b = 1 / sqrt(fan_in): what torch gives `Linear` and `Conv`, and some texts call Xavier.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    **options
        layout, in_axis, out_axis, batch_axis, groups (see `fans`); rng, dtype, out, index (see `uniform`).

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape, of variance 1 / (3 fan_in): a third of what keeps a variance.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    The same on every machine, with any number of threads, whole or in blocks. The heuristic that
    X. Glorot and Y. Bengio (2010) quote as their equation 1 and improve upon.

    Examples
    --------
    >>> from fastinit.initializers import fan_in_uniform
    >>> w = fan_in_uniform((512, 256), rng=0)
    >>> bool(abs(w).max() <= 256**-0.5)
    True
    """
    return ruled(shape, "fan_in_uniform", 1.0, UNIFORM, options)
