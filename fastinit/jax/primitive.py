"""A fill as a JAX primitive: it has a shape under `jax.eval_shape`, and no compiled program may contain it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import jax
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir


def _run(*key: jax.Array, build: Callable[..., jax.Array], **_: Any) -> jax.Array:
    return build(*key)


def _shaped(*_: Any, shape: tuple[int, ...], dtype: np.dtype[Any], **__: Any) -> Any:
    return jax.core.ShapedArray(shape, dtype)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError(
        "fastinit fills memory on the host and cannot run inside a JAX trace (jit, vmap, scan, shard_map, ...): "
        "make the array outside, and pass it in"
    )


# Linen asks `eval_shape` for the shape of each parameter whenever a model is applied. A function cannot tell `eval_shape` from
# `jit`, but a primitive can refuse to be compiled or batched.
_FILL = Primitive("fastinit_fill")
_FILL.def_impl(_run)
_FILL.def_abstract_eval(_shaped)
mlir.register_lowering(_FILL, _refuse)
batching.primitive_batchers[_FILL] = _refuse


def fill(build: Callable[..., jax.Array], shape: tuple[int, ...], dtype: np.dtype[Any], *key: jax.Array) -> jax.Array:
    """`build(*key)`; inside a trace, a tracer whose computation raises RuntimeError."""
    array: jax.Array = _FILL.bind(*key, build=build, shape=shape, dtype=dtype)
    return array
