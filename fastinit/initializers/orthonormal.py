"""Random matrices with orthonormal rows or columns, uniform over all of them.

The Q of a Gaussian matrix's QR factorisation is a product of Householder reflections, each of which depends on one column of
what is left at that step: a Gaussian vector again, independent of the earlier ones. So the reflections can be drawn and the
matrix need not be factorised (Stewart 1980), at half the work; and they can be drawn where they are needed, so that no second
matrix is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from fastinit.arguments import dtypes
from fastinit.arguments.outputs import assign
from fastinit.generator import Generator
from fastinit.initializers.constants import convolution
from fastinit.initializers.fan import one_axis
from fastinit.initializers.keywords import Array, Options, Shape, at_least_zero, initializer, representable, task

#: Reflections applied at once, and rows of the matrix that they are applied to at once.
REFLECTIONS, ROWS = 256, 1024


def _reflectors(
    child: Callable[[str], Generator], shape: tuple[int, int], first: int, real: dtypes.Real
) -> tuple[Array, Array]:
    """Reflectors from number `first` on, one per row from the diagonal on, v @ v = 2; and the signs of R's diagonal.

    The reflection 1 - v v' takes the Gaussian vector x that v is made of to R's diagonal entry, -sign(x[0]) |x|.
    """
    places = slice(first, min(first + REFLECTIONS, shape[0])), slice(first, None)
    v = np.triu(child("reflectors").normal(size=shape, dtype=real.compute, index=places))
    lengths = np.sqrt(np.einsum("ij,ij->i", v, v, dtype=np.float64))
    corner = np.einsum("ii->i", v[:, : len(v)])  # a view of the diagonal
    signs = np.copysign(1.0, corner)
    lengths[lengths == 0.0] = 1.0  # a vector of zeros: any reflection that leaves it serves
    weights = 1.0 / np.sqrt(lengths * (lengths + np.abs(corner)))
    corner += signs * lengths
    v *= weights[:, None].astype(real.compute)
    return v, -signs


def orthonormal_rows(child: Callable[[str], Generator], shape: tuple[int, int], real: dtypes.Real) -> Array:
    """A matrix of no more rows than columns, in the type that the dtype is computed in.

    From the last block of reflections to the first. A block V of them, as rows, is 1 - V' T V with 1 / T the upper triangle of
    V V', its diagonal halved (Joffrain and others 2006, "Accumulating Householder transformations, revisited").
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


def _factor(gain: Any, real: dtypes.Real) -> Any:
    """`gain` in the type that the dtype is computed in."""
    return real.compute.type(representable("gain", at_least_zero("gain", gain), real))


def _write(target: Array, values: Array) -> None:
    """Round to the target's dtype."""
    with np.errstate(all="ignore"):  # float16 past its largest number is infinite, as everywhere
        target[...] = values


@initializer
def orthogonal(shape: Shape, gain: float = 1.0, *, axis: int = 0, **options: Unpack[Options]) -> Any:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer, uniformly from all such matrices.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the whole array, of at least two axes. The rows run along `axis`, the columns along all the others, flattened.
    gain : float
        Factor on the matrix, finite, at least 0.
    axis : int
        0 for torch's [out, in, *kernel], -1 for [*kernel, in, out] of Keras and JAX.
    **options
        rng, dtype, out, index: as for `uniform`. A block costs what the whole costs, in time and memory: the whole is
        computed and cut.

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape. W @ W.T is gain^2 times the identity for no more rows than columns, W.T @ W
        else: within some 1e-6 for float32, 1e-14 for float64, and the rounding of the elements for float16 and bfloat16,
        which are computed in float32. An array with a dimension of 0 is returned empty.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    Signs are such that the distribution is the Haar measure. The Gaussian numbers behind the matrix are the same on every
    machine; the matrix is computed from them by NumPy's matrix product, which may round differently on another machine, with
    another BLAS or with another number of threads. So its values agree to some 1e-6 (float32) or 1e-15 (float64) of the gain
    there, not to the last bit. Memory: the matrix in float32 or float64, and the output, and some rows.

    After G. W. Stewart, "The efficient generation of random orthogonal matrices with an application to condition estimators"
    (1980), section 3; signs after F. Mezzadri, "How to generate random matrices from the classical compact groups" (2007).

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit.initializers import orthogonal
    >>> w = orthogonal((16, 8, 3, 3), rng=0).reshape(16, -1)
    >>> bool(abs(w @ w.T - np.eye(16)).max() < 1e-5)
    True
    """
    found = task(shape, options)
    rank = len(found.shape)
    if rank < 2:
        raise ValueError(f"shape must have at least 2 axes for an orthogonal matrix; got {found.shape}")
    place = one_axis("axis", axis, rank)
    factor = _factor(gain, found.real)
    target = found.target()
    child = found.private()
    if not target.size:
        return target
    rows = found.shape[place]
    others = [n for i, n in enumerate(found.shape) if i != place]
    rest = math.prod(others)
    matrix = orthonormal_rows(child, (min(rows, rest), max(rows, rest)), found.real)
    matrix *= factor
    view = matrix.reshape(rows, *others) if rows <= rest else np.moveaxis(matrix.reshape(*others, rows), -1, 0)
    _write(target, np.moveaxis(view, 0, place)[... if found.index is None else found.index])
    return found.result(target)


@initializer
def delta_orthogonal(shape: Shape, gain: float = 1.0, *, layout: str = "in_out", **options: Unpack[Options]) -> Any:
    """Draw a convolution that keeps the norm of its inputs: an orthogonal matrix at the kernel's centre, 0 elsewhere.

    Parameters
    ----------
    shape : sequence of int
        At least three dimensions, with no more inputs than outputs.
    gain : float
        Factor on the matrix, finite, at least 0.
    layout : {"in_out", "out_in"}
        [*kernel, in, out] (JAX, Keras) or [out, in, *kernel] (torch).
    **options
        rng, dtype, out, index: as for `uniform`. A block costs the whole matrix.

    Returns
    -------
    numpy.ndarray or scalar
        `out`, or a new array of the block's shape. The matrix stands at (k - 1) // 2 of each kernel dimension of k; its rows,
        one for each input, are orthonormal times `gain`, and uniform over all such matrices.

    Raises
    ------
    TypeError, ValueError, IndexError
        For an argument that is not as above; nothing is written then, and no call is taken.

    Notes
    -----
    Values agree between machines as those of `orthogonal` do. After L. Xiao and others, "Dynamical isometry and a mean field
    theory of CNNs" (2018), algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit.initializers import delta_orthogonal
    >>> w = delta_orthogonal((3, 3, 4, 8), rng=0)
    >>> bool(abs(w[1, 1] @ w[1, 1].T - np.eye(4)).max() < 1e-5), int((w != 0).any(axis=(2, 3)).sum())
    (True, 1)
    """
    found = task(shape, options)
    axes = convolution(found.shape, layout)
    (into,), (from_,) = axes.inputs, axes.outputs
    inputs, outputs = found.shape[into], found.shape[from_]
    if inputs > outputs:
        raise ValueError(f"shape must have no more inputs than outputs; got {inputs} and {outputs} in {found.shape}")
    factor = _factor(gain, found.real)
    target = found.target(np.zeros)
    child = found.private()
    assign(target, 0)
    if not target.size:
        return target
    matrix = orthonormal_rows(child, (inputs, outputs), found.real)
    matrix *= factor
    view, places = found.axes(target)
    corner: list[Any] = [slice(None)] * len(places)
    for i, held in enumerate(places):
        if i not in (into, from_):
            centre = (found.shape[i] - 1) // 2
            if centre not in held:
                return found.result(target)
            corner[i] = held.index(centre)
    if into > from_:
        matrix = matrix.T
    cut = matrix[np.ix_(*(np.array(places[i]) for i in sorted((into, from_))))]
    _write(view[tuple(corner)], cut)
    return found.result(target)
