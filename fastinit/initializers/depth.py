"""Rules in use for transformers, which depend on the model's width and depth instead of the weight's shape."""

from __future__ import annotations

import math
from typing import Any, Unpack

from fastinit.initializers.fan import positive
from fastinit.initializers.keywords import Options, Shape, at_least_zero, initializer, task, truth
from fastinit.initializers.samplers import truncated_std


def _drawn(shape: Any, name: str, deviation: float, truncated: Any, options: Options) -> Any:
    found = task(shape, options)
    if deviation > found.real.largest / 4.0:
        raise ValueError(f"{name} must leave a deviation that {found.real.name} holds; got {deviation!r}")
    if truth("truncated", truncated):
        return found.draw(found.rng.truncated_normal, -2.0, 2.0, 0.0, deviation / truncated_std())
    return found.draw(found.rng.normal, 0.0, deviation)


@initializer
def small_init(shape: Shape, dim: int, *, truncated: bool = False, **options: Unpack[Options]) -> Any:
    """Draw from the normal of deviation sqrt(2 / (5 dim)): Xavier's for a weight of dim inputs and 4 dim outputs.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    dim : int
        Width of the model (the length of a token's vector), at least 1.
    truncated : bool
        Whether to draw from the normal truncated at two deviations, widened so that the deviation stays as said, rather than
        from the plain normal.
    **options
        rng, dtype, out, index: as for `uniform`.

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
    The same on every machine, with any number of threads, whole or in blocks. After T. Q. Nguyen and J. Salazar, "Transformers
    without tears" (2019), section 2.2.

    Examples
    --------
    >>> from fastinit.initializers import small_init
    >>> w = small_init((1024, 256), 256, rng=0)
    >>> round(float(w.var()) * 256, 1)
    0.4
    """
    return _drawn(shape, "dim", math.sqrt(2.0 / (5.0 * positive("dim", dim))), truncated, options)


@initializer
def wang_init(shape: Shape, dim: int, n_layers: int, *, truncated: bool = False, **options: Unpack[Options]) -> Any:
    """Draw from the normal of deviation 2 / (n_layers sqrt(dim)), for the layers that write into the residual stream.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    dim : int
        Width of the model (the length of a token's vector), at least 1.
    n_layers : int
        Number of the model's blocks, at least 1.
    truncated : bool
        As for `small_init`.
    **options
        rng, dtype, out, index: as for `uniform`.

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
    The same on every machine, with any number of threads, whole or in blocks. After B. Wang's Mesh Transformer JAX (2021), as
    S. Black and others, "GPT-NeoX-20B" (2022), section 2.1.3, describe it.

    Examples
    --------
    >>> from fastinit.initializers import wang_init
    >>> w = wang_init((256, 1024), 256, 4, rng=0)
    >>> round(float(w.std()), 3)
    0.031
    """
    layers = positive("n_layers", n_layers)
    return _drawn(shape, "dim", 2.0 / layers / math.sqrt(positive("dim", dim)), truncated, options)


@initializer
def residual_normal(
    shape: Shape, n_layers: int, scale: float = 0.02, *, truncated: bool = False, **options: Unpack[Options]
) -> Any:
    """Draw from the normal of deviation scale / sqrt(2 n_layers), which GPT-2 gives the layers that write into the residual.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    n_layers : int
        Number of the model's blocks, at least 1; each adds to the residual stream twice.
    scale : float
        Standard deviation of the model's other weights, finite, at least 0.
    truncated : bool
        As for `small_init`.
    **options
        rng, dtype, out, index: as for `uniform`.

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
    The same on every machine, with any number of threads, whole or in blocks. After A. Radford and others, "Language models are
    unsupervised multitask learners" (2019), section 2.3.

    Examples
    --------
    >>> from fastinit.initializers import residual_normal
    >>> w = residual_normal((256, 1024), 8, rng=0)
    >>> round(float(w.std()), 3)
    0.005
    """
    deviation = at_least_zero("scale", scale) / math.sqrt(2.0 * positive("n_layers", n_layers))
    return _drawn(shape, "scale", deviation, truncated, options)
