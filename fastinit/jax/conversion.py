"""From an array that is not stored to a `jax.Array`."""

from __future__ import annotations

from typing import Any

import jax

from fastinit.arguments import dtypes
from fastinit.jax.arrays import held, make
from fastinit.lazy_arrays.array import LazyArray, require_lazy


def from_lazy(lazy: LazyArray, *, sharding: Any = None) -> jax.Array:
    """Draw a lazy array into the memory of JAX's devices.

    Parameters
    ----------
    lazy : fastinit.LazyArray
        The array, or a block of one.
    sharding : jax.sharding.Sharding, jax.sharding.PartitionSpec or None
        A sharding that cuts the shape evenly; or a PartitionSpec of the mesh that `jax.set_mesh` has set; or None for JAX's
        default device.

    Returns
    -------
    jax.Array
        The values of `numpy.asarray(lazy)`, whatever the sharding.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument, or for a dtype that JAX lacks in its present configuration.
    RuntimeError
        Inside a JAX trace, when the program is compiled or batched.

    Notes
    -----
    Each block is drawn alone, once for all devices of this process that hold it. The host holds one block at a time.

    Examples
    --------
    >>> import numpy as np, fastinit as fi, fastinit.jax as fj
    >>> w = fi.lazy(fi.laws.normal(), (8, 4), rng=0)
    >>> bool((fj.from_lazy(w) == np.asarray(w)).all())
    True
    """
    source = require_lazy(lazy)

    def fill(*, index: Any = ..., out: Any = None, **_: Any) -> Any:
        return source.read(index, out=out)

    dtype = held(dtypes.resolve(source.dtype, source.law.dtype_names))
    return make(fill, source.shape, dtype, sharding, 0, whole=False)
