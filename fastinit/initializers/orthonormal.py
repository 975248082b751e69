"""Random matrices with orthonormal rows or columns, uniform over all such matrices.

The Q of a Gaussian matrix's QR factorisation is a product of Householder reflections. Each depends on one column of what the
earlier ones left, which is a Gaussian vector again and independent of them. So the reflections can be drawn directly (Stewart
1980), at half the work of a factorisation. They are drawn when they are needed, so no second matrix is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from fastinit.arguments import checks, dtypes
from fastinit.arguments.outputs import assign
from fastinit.generator import Generator
from fastinit.initializers.constants import convolution
from fastinit.initializers.keywords import Array, Options, Shape, initializer, read

#: Reflections applied at once, and rows of the matrix they are applied to at once.
REFLECTIONS, ROWS = 256, 1024


def _reflectors(
    child: Callable[[str], Generator], shape: tuple[int, int], first: int, real: dtypes.Real
) -> tuple[Array, Array]:
    """Reflectors v from number `first` on, as rows with v @ v = 2, and the signs of R's diagonal.

    The reflection 1 - v v' maps the Gaussian vector x, from which v is made, to R's diagonal entry -sign(x[0]) |x|.
    """
    block = slice(first, min(first + REFLECTIONS, shape[0])), slice(first, None)
    v = np.triu(child("reflectors").normal(size=shape, dtype=real.compute, index=block))
    lengths = np.sqrt(np.einsum("ij,ij->i", v, v, dtype=np.float64))
    corner = np.einsum("ii->i", v[:, : len(v)])  # a view of the diagonal
    signs = np.copysign(1.0, corner)
    lengths[lengths == 0.0] = 1.0  # for a vector of zeros any reflection will do
    weights = 1.0 / np.sqrt(lengths * (lengths + np.abs(corner)))
    corner += signs * lengths
    v *= weights[:, None].astype(real.compute)
    return v, -signs


def orthonormal_rows(child: Callable[[str], Generator], shape: tuple[int, int], real: dtypes.Real) -> Array:
    """A matrix with no more rows than columns, in the type that the dtype is computed in.

    The blocks of reflections are applied from the last to the first. A block with the rows V is 1 - V' T V, where 1 / T is the
    upper triangle of V V' with its diagonal halved (Joffrain and others 2006, "Accumulating Householder transformations,
    revisited").
    """
    rows, _ = shape
    matrix = np.zeros(shape, real.compute)
    for first in reversed(range(0, rows, REFLECTIONS)):
        v, signs = _reflectors(child, shape, first, real)
        gram = np.matmul(v, v.T, dtype=real.compute).astype(np.float64)
        inverse = np.triu(gram)
        np.einsum("ii->i", inverse)[:] *= 0.5
        t = np.linalg.inv(inverse).astype(real.compute)
        index = np.arange(first, first + len(v))
        matrix[index, index] = signs
        for top in range(first, rows, ROWS):
            part = matrix[top : top + ROWS, first:]
            part -= (part @ v.T) @ t.T @ v
    return matrix


# The three below ignore what the caller made NumPy raise: a small gain may underflow, and float16 beyond its largest number is
# infinite, as everywhere.


@np.errstate(all="ignore")
def _factor(gain: Any, real: dtypes.Real) -> Any:
    """The gain in the type that the dtype is computed in."""
    return real.compute.type(checks.representable("gain", checks.at_least_zero("gain", gain), real))


@np.errstate(all="ignore")
def _scaled_rows(child: Callable[[str], Generator], shape: tuple[int, int], real: dtypes.Real, factor: Any) -> Array:
    """An orthonormal matrix times the factor."""
    matrix = orthonormal_rows(child, shape, real)
    matrix *= factor
    return matrix


@np.errstate(all="ignore")
def _write(target: Array, values: Array) -> None:
    """Round to the target's dtype."""
    target[...] = values


@initializer(block="whole")
def orthogonal(shape: Shape, *, gain: float = 1.0, axis: int = 0, **options: Unpack[Options]) -> Any:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer, uniformly from all such matrices.

    With no more rows than columns, W @ W.T is gain^2 times the identity; else W.T @ W is. This holds to some 1e-6 for float32
    and 1e-14 for float64. Values of 16 and 8 bits are computed in float32 and then rounded.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array, of at least two axes. The rows run along `axis`, the columns along all others, flattened.
    gain : float
        Factor on the matrix, finite, at least 0.
    axis : int
        0 for torch's [out, in, *kernel], -1 for [*kernel, in, out] of Keras and JAX.

    Notes
    -----
    The distribution is the Haar measure. An array with a dimension of 0 is returned empty. Memory: the matrix in float32 or
    float64, some rows, and the output.

    References
    ----------
    G. W. Stewart, "The efficient generation of random orthogonal matrices with an application to condition estimators" (1980),
    section 3. F. Mezzadri, "How to generate random matrices from the classical compact groups" (2007), for the signs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit.initializers import orthogonal
    >>> w = orthogonal((16, 8, 3, 3), rng=0).reshape(16, -1)
    >>> bool(abs(w @ w.T - np.eye(16)).max() < 1e-5)
    True
    """
    request = read(shape, options)
    rank = len(request.shape)
    if rank < 2:
        raise ValueError(f"shape must have at least 2 axes for an orthogonal matrix; got {request.shape}")
    axis = checks.one_axis("axis", axis, rank)
    factor = _factor(gain, request.real)
    target = request.target()
    child = request.named_generators()
    if not target.size:
        return request.result(target)
    rows = request.shape[axis]
    others = [n for i, n in enumerate(request.shape) if i != axis]
    columns = math.prod(others)
    matrix = _scaled_rows(child, (min(rows, columns), max(rows, columns)), request.real, factor)
    view = matrix.reshape(rows, *others) if rows <= columns else np.moveaxis(matrix.reshape(*others, rows), -1, 0)
    _write(target, np.moveaxis(view, 0, axis)[... if request.index is None else request.index])
    return request.result(target)


@initializer(block="whole")
def delta_orthogonal(shape: Shape, *, gain: float = 1.0, layout: str = "in_out", **options: Unpack[Options]) -> Any:
    """Draw a convolution that keeps the norm of its inputs: an orthogonal matrix at the kernel's centre, 0 elsewhere.

    Parameters
    ----------
    shape : sequence of int
        At least three dimensions, with no more inputs than outputs.
    gain : float
        Factor on the matrix, finite, at least 0.
    layout : {"in_out", "out_in"}
        [*kernel, in, out] (JAX, Keras) or [out, in, *kernel] (torch).

    Notes
    -----
    The matrix stands at element (k - 1) // 2 of each kernel dimension k. It has one row for each input. The rows are
    orthonormal times `gain`, and uniform over all such matrices.

    References
    ----------
    L. Xiao and others, "Dynamical isometry and a mean field theory of CNNs" (2018), algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit.initializers import delta_orthogonal
    >>> w = delta_orthogonal((3, 3, 4, 8), rng=0)
    >>> bool(abs(w[1, 1] @ w[1, 1].T - np.eye(4)).max() < 1e-5), int((w != 0).any(axis=(2, 3)).sum())
    (True, 1)
    """
    request = read(shape, options)
    axes = convolution(request.shape, layout)
    (input_axis,), (output_axis,) = axes.inputs, axes.outputs
    inputs, outputs = request.shape[input_axis], request.shape[output_axis]
    if inputs > outputs:
        raise ValueError(f"shape must have no more inputs than outputs; got {inputs} and {outputs} in {request.shape}")
    factor = _factor(gain, request.real)
    target = request.target(np.zeros)
    child = request.named_generators()
    assign(target, 0)
    view, indices = request.with_all_axes(target)
    centre: list[Any] = [slice(None)] * len(indices)
    for i in set(range(len(indices))) - {input_axis, output_axis}:
        middle = (request.shape[i] - 1) // 2
        if middle not in indices[i]:
            return request.result(target)
        centre[i] = indices[i].index(middle)
    if not target.size:
        return request.result(target)
    matrix = _scaled_rows(child, (inputs, outputs), request.real, factor)
    if input_axis > output_axis:
        matrix = matrix.T
    block = matrix[np.ix_(*(np.array(indices[i]) for i in sorted((input_axis, output_axis))))]
    _write(view[tuple(centre)], block)
    return request.result(target)
