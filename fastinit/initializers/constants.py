"""Initialisers without randomness. They take `rng` as all do, and no call of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastinit.arguments import checks, dtypes
from fastinit.arguments.outputs import assign
from fastinit.initializers.fan import Axes, axes_of, positive
from fastinit.initializers.keywords import Array, Options, Shape, at_least_zero, initializer, representable, task


def place(target: Array, places: Sequence[range], spots: Sequence[npt.NDArray[np.int64]], value: float) -> None:
    """Set the elements of the whole array at these spots (one array for each axis) that the target holds."""
    inside = np.ones(spots[0].shape, bool)
    found = []
    for spot, held in zip(spots, places, strict=True):
        position, rest = np.divmod(spot - held.start, held.step)
        inside &= (rest == 0) & (position >= 0) & (position < len(held))
        found.append(position)
    target[tuple(position[inside] for position in found)] = value


@initializer
def zeros(shape: Shape, **options: Unpack[Options]) -> Any:
    """Fill with 0.

    Parameters
    ----------
    shape, **options
        As for `constant`.

    Returns
    -------
    numpy.ndarray or scalar
        As from `constant`.

    Raises
    ------
    TypeError, ValueError, IndexError
        As from `constant`.

    Examples
    --------
    >>> from fastinit.initializers import zeros
    >>> zeros(3)
    array([0., 0., 0.], dtype=float32)
    """
    found = task(shape, options)
    target = found.target(np.zeros)
    if found.out is not None:
        assign(target, 0)
    return found.result(target)


@initializer
def ones(shape: Shape, **options: Unpack[Options]) -> Any:
    """Fill with 1.

    Parameters
    ----------
    shape, **options
        As for `constant`.

    Returns
    -------
    numpy.ndarray or scalar
        As from `constant`.

    Raises
    ------
    TypeError, ValueError, IndexError
        As from `constant`.

    Examples
    --------
    >>> from fastinit.initializers import ones
    >>> ones(3, dtype="float16")
    array([1., 1., 1.], dtype=float16)
    """
    return constant(shape, 1.0, **options)


@initializer
def constant(shape: Shape, value: float = 0.0, **options: Unpack[Options]) -> Any:
    """Fill with one value.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array.
    value : float
        Finite.
    rng : optional
        Not drawn from.
    dtype : dtype
        float32, float64, float16, bfloat16, float8_e4m3fn or float8_e5m2.
    out : numpy.ndarray, optional
        Where to put the values: writable, of this dtype and the shape of the result, with any strides.
    index : int, slice, Ellipsis or tuple of these, optional
        The block of the whole array that is wanted, at the cost of the block.

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape; float16 past 65,504 is infinite.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then.

    Examples
    --------
    >>> from fastinit.initializers import constant
    >>> constant((2, 2), 0.5)
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """
    found = task(shape, options)
    number = representable("value", checks.number("value", value), found.real)
    target = found.target()
    assign(target, dtypes.nearest(number, found.real))
    return found.result(target)


@initializer
def eye(shape: Shape, gain: float = 1.0, **options: Unpack[Options]) -> Any:
    """Make a matrix with `gain` on the diagonal and 0 elsewhere; `identity` is the same function.

    Parameters
    ----------
    shape : sequence of int
        Two dimensions, not necessarily equal.
    gain : float
        Finite, at least 0.
    **options
        rng (not drawn from), dtype, out, index: as for `constant`.

    Returns
    -------
    numpy.ndarray or scalar
        As from `constant`.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then.

    Examples
    --------
    >>> from fastinit.initializers import eye
    >>> eye((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    found = task(shape, options)
    if len(found.shape) != 2:
        raise ValueError(f"shape must have 2 axes for an identity; got {found.shape}")
    number = representable("gain", at_least_zero("gain", gain), found.real)
    target = found.target(np.zeros)
    assign(target, 0)
    view, (rows, columns) = found.axes(target)
    diagonal = np.arange(rows.start, rows.stop, rows.step, dtype=np.int64)
    place(view, (rows, columns), (diagonal, diagonal), dtypes.nearest(number, found.real))
    return found.result(target)


def convolution(shape: tuple[int, ...], layout: Any) -> Axes:
    """The axes of a weight that has one of inputs, one of outputs and one or more of a kernel."""
    axes = axes_of(len(shape), layout) if len(shape) > 2 else None
    if axes is None:
        raise ValueError(f"shape must have at least 3 axes, of outputs, inputs and a kernel; got {shape}")
    if not axes.inputs:
        raise ValueError(f"layout must be 'out_in' or 'in_out' here; got {layout!r}")
    return axes


@initializer
def dirac(shape: Shape, groups: int = 1, *, layout: str = "out_in", **options: Unpack[Options]) -> Any:
    """Make the convolution that passes its inputs on unchanged, as many as there are outputs for.

    Parameters
    ----------
    shape : sequence of int
        At least three dimensions.
    groups : int
        Groups of the convolution, each of which passes on its own inputs; at least 1, a divisor of the outputs.
    layout : {"out_in", "in_out"}
        [out, in, *kernel] (torch) or [*kernel, in, out] (Keras, JAX).
    **options
        rng (not drawn from), dtype, out, index: as for `constant`.

    Returns
    -------
    numpy.ndarray or scalar
        1 at the place k // 2 of each kernel dimension of k for input i and output i of each group, 0 elsewhere.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then.

    Examples
    --------
    >>> from fastinit.initializers import dirac
    >>> dirac((2, 2, 3))
    array([[[0., 1., 0.],
            [0., 0., 0.]],
    <BLANKLINE>
           [[0., 0., 0.],
            [0., 1., 0.]]], dtype=float32)
    """
    found = task(shape, options)
    axes = convolution(found.shape, layout)
    (into,), (from_,) = axes.inputs, axes.outputs
    groups = positive("groups", groups)
    if found.shape[from_] % groups:
        raise ValueError(f"groups must divide the {found.shape[from_]} outputs of shape {found.shape}; got {groups}")
    target = found.target(np.zeros)
    assign(target, 0)
    view, places = found.axes(target)
    held = places[from_]
    outputs = np.arange(held.start, held.stop, held.step, dtype=np.int64)
    spots = [np.full(outputs.shape, n // 2) for n in found.shape]
    spots[from_], spots[into] = outputs, outputs % max(found.shape[from_] // groups, 1)
    place(view, places, spots, 1.0)
    return found.result(target)
