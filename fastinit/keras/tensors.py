"""From NumPy arrays to tensors of Keras's back-end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def is_traced() -> bool:
    """Whether the back-end is tracing a function: values would become constants of its graph."""
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
    """The tensor of these blocks: `block(index)` draws one, `block(None)` the whole."""
    if layout is not None:
        return _distributed(block, shape, layout)
    array = np.asarray(block(None))
    if keras.backend.backend() != "torch":
        return keras.ops.convert_to_tensor(array, dtype=dtype)
    import torch

    bits = torch.from_numpy(array.view(f"i{array.itemsize}"))  # no copy; torch does not take bfloat16 and float8 arrays
    return keras.ops.convert_to_tensor(bits.view(getattr(torch, dtype)))


def _distributed(block: Callable[[Any], Any], shape: tuple[int, ...], layout: Any) -> Any:
    """The tensor of a layout: each device's part is drawn alone."""
    backend = keras.backend.backend()
    if backend != "jax":
        raise ValueError(f"layout must be None on the {backend} back-end, where Keras cannot distribute; got {layout!r}")
    import jax

    sharding = layout.backend_layout if isinstance(layout, keras.distribution.TensorLayout) else layout
    if not isinstance(sharding, jax.sharding.Sharding):
        raise TypeError(f"layout must be a keras.distribution.TensorLayout or a jax.sharding.Sharding; got {layout!r}")
    if isinstance(getattr(sharding, "mesh", None), jax.sharding.AbstractMesh):  # a variable passes it so
        sharding = jax.sharding.NamedSharding(jax.sharding.get_mesh(), sharding.spec)
    if sharding.is_fully_replicated:
        return jax.device_put(np.asarray(block(None)), sharding)
    return jax.make_array_from_callback(shape, sharding, lambda index: np.asarray(block(index)))
