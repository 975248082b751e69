"""From NumPy arrays to the tensors of the back-end that Keras runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def is_traced() -> bool:
    """Whether the back-end is tracing a function, in which values would become constants of the graph."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return isinstance(keras.ops.zeros(()), jax.core.Tracer)
    if backend == "tensorflow":
        import tensorflow

        return not tensorflow.executing_eagerly()
    if backend == "torch":
        import torch

        return bool(torch.compiler.is_compiling())
    return False


def tensor(block: Callable[[Any], Any], shape: tuple[int, ...], dtype: str, layout: Any) -> Any:
    """The tensor whose parts `block` gives by their index."""
    if layout is not None:
        return _distributed(block, shape, layout)
    array = np.asarray(block(None))
    if keras.backend.backend() != "torch":
        return keras.ops.convert_to_tensor(array, dtype=dtype)
    import torch

    bits = torch.from_numpy(array.view(f"i{array.itemsize}"))  # no copy, and torch does not know NumPy's 16-bit and 8-bit types
    return keras.ops.convert_to_tensor(bits.view(getattr(torch, dtype)))


def _distributed(block: Callable[[Any], Any], shape: tuple[int, ...], layout: Any) -> Any:
    """Each device's part drawn alone."""
    backend = keras.backend.backend()
    if backend != "jax":
        raise ValueError(f"layout must be None on the {backend} back-end, for which Keras has no distribution; got {layout!r}")
    import jax

    sharding = layout.backend_layout if isinstance(layout, keras.distribution.TensorLayout) else layout
    if not isinstance(sharding, jax.sharding.Sharding):
        raise TypeError(f"layout must be a keras.distribution.TensorLayout or a jax.sharding.Sharding; got {layout!r}")
    if isinstance(getattr(sharding, "mesh", None), jax.sharding.AbstractMesh):  # what a variable hands over
        sharding = jax.sharding.NamedSharding(jax.sharding.get_mesh(), sharding.spec)
    if sharding.is_fully_replicated:
        return jax.device_put(np.asarray(block(None)), sharding)
    return jax.make_array_from_callback(shape, sharding, lambda index: np.asarray(block(index)))
