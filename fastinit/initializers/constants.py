"""Deterministic initialisers. They accept `rng` like the others but never draw from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastinit.arguments import checks, dtypes
from fastinit.arguments.outputs import assign
from fastinit.initializers.fan import Axes, axes_of
from fastinit.initializers.keywords import Array, Options, Shape, initializer, read


def set_elements(target: Array, indices: Sequence[range], points: Sequence[npt.NDArray[np.int64]], value: float) -> None:
    """Set those points of the whole array that lie in the target; `indices` are those that the target has along each axis."""
    inside = np.ones(points[0].shape, bool)
    positions = []
    for point, along in zip(points, indices, strict=True):
        position, rest = np.divmod(point - along.start, along.step)
        inside &= (rest == 0) & (position >= 0) & (position < len(along))
        positions.append(position)
    target[tuple(position[inside] for position in positions)] = value


@initializer(random=False)
def zeros(shape: Shape, **options: Unpack[Options]) -> Any:
    """Fill with 0.

    Examples
    --------
    >>> from fastinit.initializers import zeros
    >>> zeros(3)
    array([0., 0., 0.], dtype=float32)
    """
    request = read(shape, options)
    target = request.target(np.zeros)
    if request.out is not None:
        assign(target, 0)
    return request.result(target)


@initializer(random=False)
def ones(shape: Shape, **options: Unpack[Options]) -> Any:
    """Fill with 1.

    Examples
    --------
    >>> from fastinit.initializers import ones
    >>> ones(3, dtype="float16")
    array([1., 1., 1.], dtype=float16)
    """
    return constant(shape, value=1.0, **options)


@initializer(random=False)
def constant(shape: Shape, *, value: float = 0.0, **options: Unpack[Options]) -> Any:
    """Fill with one value.

    Parameters
    ----------
    value : float
        Finite. It is rounded to the dtype; in float16 a value beyond 65,504 becomes infinite.

    Examples
    --------
    >>> from fastinit.initializers import constant
    >>> constant((2, 2), value=0.5)
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """
    request = read(shape, options)
    number = checks.representable("value", checks.number("value", value), request.real)
    target = request.target()
    assign(target, dtypes.nearest(number, request.real))
    return request.result(target)


@initializer("identity", random=False)
def eye(shape: Shape, *, gain: float = 1.0, **options: Unpack[Options]) -> Any:
    """Make a matrix with `gain` on the diagonal and 0 elsewhere; `identity` is the same function.

    Parameters
    ----------
    shape : sequence of int
        Two dimensions, not necessarily equal.
    gain : float
        Finite, at least 0.

    Examples
    --------
    >>> from fastinit.initializers import eye
    >>> eye((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    request = read(shape, options)
    if len(request.shape) != 2:
        raise ValueError(f"shape must have 2 axes for an identity; got {request.shape}")
    number = checks.representable("gain", checks.at_least_zero("gain", gain), request.real)
    target = request.target(np.zeros)
    assign(target, 0)
    view, (rows, columns) = request.with_all_axes(target)
    diagonal = np.arange(rows.start, rows.stop, rows.step, dtype=np.int64)
    set_elements(view, (rows, columns), (diagonal, diagonal), dtypes.nearest(number, request.real))
    return request.result(target)


def convolution(shape: tuple[int, ...], layout: Any) -> Axes:
    """The axes of a weight with one axis of inputs, one of outputs and at least one of a kernel."""
    axes = axes_of(len(shape), layout) if len(shape) > 2 else None
    if axes is None:
        raise ValueError(f"shape must have at least 3 axes, of outputs, inputs and a kernel; got {shape}")
    if not axes.inputs:
        raise ValueError(f"layout must be 'out_in' or 'in_out' here; got {layout!r}")
    return axes


@initializer(random=False)
def dirac(shape: Shape, *, groups: int = 1, layout: str = "out_in", **options: Unpack[Options]) -> Any:
    """Make the convolution that returns its inputs unchanged, as many of them as there are outputs for.

    Element k // 2 of each kernel dimension k is 1 for input i and output i of each group. All other elements are 0.

    Parameters
    ----------
    shape : sequence of int
        At least three dimensions.
    groups : int
        Number of groups of the convolution, at least 1; it must divide the outputs. Each group returns its own inputs.
    layout : {"out_in", "in_out"}
        [out, in, *kernel] (torch) or [*kernel, in, out] (Keras, JAX).

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
    request = read(shape, options)
    axes = convolution(request.shape, layout)
    (input_axis,), (output_axis,) = axes.inputs, axes.outputs
    groups = checks.positive_int("groups", groups)
    if request.shape[output_axis] % groups:
        raise ValueError(f"groups must divide the {request.shape[output_axis]} outputs of shape {request.shape}; got {groups}")
    target = request.target(np.zeros)
    assign(target, 0)
    view, indices = request.with_all_axes(target)
    channels = indices[output_axis]
    outputs = np.arange(channels.start, channels.stop, channels.step, dtype=np.int64)
    points = [np.full(outputs.shape, n // 2) for n in request.shape]
    points[output_axis], points[input_axis] = outputs, outputs % max(request.shape[output_axis] // groups, 1)
    set_elements(view, indices, points, 1.0)
    return request.result(target)
