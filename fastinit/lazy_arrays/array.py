"""The array of `fastinit.lazy`: it knows what it is, and draws what is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from fastinit.arguments import blocks, docstrings
from fastinit.arguments.docstrings import documented
from fastinit.arguments.seeds import STREAM_VERSION
from fastinit.generator import DType, Generator, Seed, Size, one_call
from fastinit.initializers.keywords import generator
from fastinit.laws.distribution import Distribution, require
from fastinit.lazy_arrays import products
from fastinit.lazy_arrays.source import Source
from fastinit.stream import CallKey

Array = npt.NDArray[Any]


class LazyArray(NDArrayOperatorsMixin):
    """An array that holds no values: it draws each block when it is touched. `fastinit.lazy` makes one.

    `W[index]` is a NumPy array, and `W.block(index)` and `W.T` are lazy arrays. `W @ x` and `x @ W` draw tile after tile.
    Two are equal if they have the same law, dtype, call and place in the whole array. They are immutable, may be keys of a
    dict, and pickle in some hundred bytes.

    Parameters
    ----------
    source : fastinit.lazy_arrays.source.Source
        What determines the values.

    Examples
    --------
    >>> import numpy as np, fastinit as fi
    >>> w = fi.lazy(fi.laws.normal(), (2**20, 2**20), rng=0)
    >>> w.nbytes, w[-1, :3].shape, (w.block(np.s_[:4, :8]) @ np.ones(8)).shape
    (4398046511104, (3,), (4,))
    """

    __slots__ = ("_source",)

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def law(self) -> Distribution:
        """The law."""
        return self._source.law

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return self._source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._source.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes that the values would need if they were stored."""
        return self.size * self.dtype.itemsize

    @property
    def T(self) -> LazyArray:
        """The array with its axes in reverse order, as a lazy array."""
        return LazyArray(self._source.transposed())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return self.read(index)

    def block(self, index: Any) -> LazyArray:
        """The block that `index` cuts out, as a lazy array.

        Parameters
        ----------
        index : int, slice, Ellipsis or tuple of these
            As `W[index]` has it.

        Returns
        -------
        LazyArray
            With the values of `W[index]`.

        Raises
        ------
        TypeError, ValueError, IndexError
            For a wrong index.
        """
        return LazyArray(self._source.part(index))

    def read(self, index: Any = ..., *, out: Any = None) -> Any:
        """Draw a block.

        Parameters
        ----------
        index : int, slice, Ellipsis or tuple of these
            The block.
        out : array, optional
            Memory to write into, as `Generator.uniform` has it.

        Returns
        -------
        array or scalar
            `out`, or a new array of the block's shape with the values of `rng.draw(law, shape, dtype=dtype, index=index)`, or
            a scalar where `index` names one element.

        Raises
        ------
        TypeError, ValueError, IndexError
            For a wrong index or `out`; then nothing is written.
        """
        values = self._source.part(index).read(out)
        return values[()] if out is None and not values.shape and blocks.is_element(index) else values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("copy=False cannot be: a lazy array holds no values, so NumPy's array is always new")
        values: Array = self.read()
        return values if dtype is None else values.astype(dtype, copy=False)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[Any, ...] = (None,), **options: Any
    ) -> Any:
        is_lazy = [isinstance(each, LazyArray) for each in (*inputs, *out)]
        if (
            ufunc is np.matmul
            and method == "__call__"
            and not options
            and is_lazy in ([True, False, False], [False, True, False])
        ):
            w, x = inputs if is_lazy[0] else inputs[::-1]
            return products.product(w._source, x, out[0], swapped=is_lazy[1])
        raise TypeError(
            f"a lazy array has @ with one stored operand, and no other arithmetic; got numpy.{ufunc.__name__}: "
            "numpy.asarray(W) draws it whole"
        )

    def __eq__(self, other: object) -> Any:
        return self._source.key == other._source.key if isinstance(other, LazyArray) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return self._source.key != other._source.key if isinstance(other, LazyArray) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._source.key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (STREAM_VERSION, *self._source[:3], *self._source.block)

    def __repr__(self) -> str:
        law, dtype, call, block = self._source
        place = "" if block == blocks.select(..., block.shape) else f", origin={block.origin}, steps={block.steps}"
        return f"LazyArray({law!r}, shape={block.shape}, dtype={dtype}, call={call}{place})"


def require_lazy(lazy: Any) -> LazyArray:
    """The argument `lazy` itself, if it is a lazy array."""
    if not isinstance(lazy, LazyArray):
        raise TypeError(f"lazy must be an array of fastinit.lazy; got {type(lazy).__name__}")
    return lazy


def _restore(
    version: int, law: Distribution, dtype: str, call: CallKey, shape: tuple[int, ...], origin: int, steps: tuple[int, ...]
) -> LazyArray:
    if version != STREAM_VERSION:
        raise RuntimeError(f"the lazy array was made with stream version {version}; this fastinit has {STREAM_VERSION}")
    return LazyArray(Source(law, dtype, call, blocks.Block(shape, origin, steps)))


@documented(
    Raises=docstrings.RAISES.replace(", IndexError", "").replace("nothing is written and ", ""), Notes=docstrings.DETERMINISM
)
def lazy(law: Distribution, shape: Size, rng: Seed, *, dtype: DType = None) -> LazyArray:
    """Make an array of random values that are drawn where they are touched, and never stored.

    Parameters
    ----------
    law : fastinit.laws.Distribution
        The law with its arguments, such as `fastinit.laws.normal(scale=0.02)`.
    shape : int or sequence of int
        Shape of the array, of less than 2^63 values.
    rng : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        The Generator to draw from, or a seed for `fastinit.default_rng`. A Generator advances by one call, at once: draws that
        follow do not change the array.
    dtype : dtype, optional
        Any that the law has. None takes the law's default, float32 for laws of reals.

    Returns
    -------
    LazyArray
        With the values of `rng.draw(law, shape, dtype=dtype)`, bit for bit. It takes some hundred bytes.

    Notes
    -----
    `W @ x` and `x @ W` need, per thread, a tile of 2 MiB of float32 and up to 512 rows of the result. They have the values of
    `W` exactly; the sums are those of NumPy's BLAS, tile by tile in an order that does not depend on the threads.

    Examples
    --------
    A projection of 16 GiB:

    >>> import numpy as np, fastinit as fi
    >>> w = fi.lazy(fi.laws.normal(scale=0.02), (2**16, 2**16), rng=fi.default_rng(0).child("projection"))
    >>> w[7:9, -3:].round(3)
    array([[-0.032,  0.022, -0.031],
           [ 0.003, -0.011,  0.014]], dtype=float32)
    >>> small = w.block(np.s_[:64, :128])
    >>> np.allclose(small @ np.ones(128), np.asarray(small).sum(axis=1))
    True
    """
    chosen, axes = require(law).real(dtype, None), blocks.shape_of(shape, "shape")
    law.plan(chosen)  # raises for arguments that the dtype cannot hold
    source: Generator = one_call(generator(rng))
    return LazyArray(Source(law, chosen.name, source._next_call(), blocks.select(..., axes)))
