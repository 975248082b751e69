"""From an array that is not stored to a `dask.array`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
from dask.base import normalize_token, tokenize

from fastinit.arguments.seeds import STREAM_VERSION
from fastinit.dask import threads
from fastinit.dask.arrays import chunked
from fastinit.dask.chunks import lengths
from fastinit.lazy_arrays.array import LazyArray, require_lazy


@dataclass(frozen=True)
class Chunks:
    """Draws a chunk by its index: the graph holds it, some hundred bytes."""

    lazy: LazyArray

    def __call__(self, index: tuple[slice, ...]) -> Any:
        """Draw a chunk."""
        with threads.share():
            return self.lazy.read((*index, ...))


def _token(lazy: LazyArray) -> Any:
    """A lazy array for `dask.base.tokenize`."""
    return "fastinit.LazyArray", STREAM_VERSION, *map(normalize_token, lazy.__reduce__()[1])


normalize_token.register(LazyArray, _token)


def from_lazy(lazy: LazyArray, *, chunks: Any = "auto") -> da.Array:
    """Make a `dask.array` whose chunks are drawn where they are computed.

    Parameters
    ----------
    lazy : fastinit.LazyArray
        The array, or a block of one.
    chunks : int, tuple, dict or str
        How to cut the array, as in `dask.array`; "auto" makes chunks of Dask's `array.chunk-size`. At most 2^24 along an axis.

    Returns
    -------
    dask.array.Array
        The values of `numpy.asarray(lazy)`, whatever the chunks, the scheduler and the workers.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument.

    Notes
    -----
    Equal arguments give equal keys. A worker's thread draws a chunk alone; the main thread uses all threads that fastinit may
    use.

    Examples
    --------
    >>> import numpy as np, fastinit as fi, fastinit.dask as fd
    >>> w = fi.lazy(fi.laws.normal(), (6, 4), rng=0)
    >>> bool((fd.from_lazy(w, chunks=2).compute() == np.asarray(w)).all())
    True
    """
    parts = lengths(chunks, require_lazy(lazy).shape, lazy.dtype)
    return chunked(Chunks(lazy), f"lazy-{tokenize(lazy, parts)}", parts, lazy.dtype)
