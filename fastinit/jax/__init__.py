"""fastinit for JAX: the samplers and initialisers as `jax.Array`s of any sharding, every device's block generated alone.

Each function is f(shape, ..., *, sharding=None, rng=None, dtype=float32), with the parameters of the function of that name in
`fastinit.initializers`; `bits` gives raw words. `fastinit.jax.initializers` has the names of `jax.nn.initializers`.
"""

try:
    import jax as _jax  # noqa: F401
except ImportError as error:
    raise ImportError("fastinit.jax needs JAX: pip install 'fastinit[jax]'") from error

from typing import Any

from fastinit.jax import initializers
from fastinit.jax.arrays import BY_NAME
from fastinit.jax.keys import generator_from_key

__all__ = ["BY_NAME", "generator_from_key", "initializers", *BY_NAME]

globals().update(BY_NAME)


def __getattr__(name: str) -> Any:
    """Say what there is; for type checkers, that there are names which are not spelled out here."""
    raise AttributeError(f"module 'fastinit.jax' has no attribute {name!r}; it has {', '.join(__all__)}")
