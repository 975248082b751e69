"""fastinit for Dask: the samplers and initialisers as lazy `dask.array`s, every chunk drawn alone.

Each function is f(shape, ..., *, chunks="auto", rng=None, dtype=float32), with the parameters of the function of that name in
`fastinit.initializers`; `bits` gives raw words. The bytes are those of the NumPy call, whatever the chunks and the workers.
"""

try:
    import dask.array as _array  # noqa: F401
except ImportError as error:
    raise ImportError("fastinit.dask needs dask.array: pip install 'fastinit[dask]'") from error

from collections.abc import Callable
from typing import Any

from fastinit.dask.arrays import BY_NAME, WHOLE

__all__ = ["BY_NAME", *BY_NAME]

globals().update(BY_NAME)


def __getattr__(name: str) -> Callable[..., Any]:
    """Say why a function is not here."""
    if name in WHOLE:
        raise AttributeError(
            f"{name} is not in fastinit.dask: each chunk would compute the whole matrix; use "
            f"dask.array.from_array(fastinit.initializers.{name}(...), chunks=...)"
        )
    raise AttributeError(f"module 'fastinit.dask' has no attribute {name!r}; it has {', '.join(BY_NAME)}")
