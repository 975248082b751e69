"""Values that somebody else made, as flat NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastinit.arguments import dtypes, outputs
from fastinit.check.exact import Array
from fastinit.check.results import SamplerError


def flat(values: Any) -> Array:
    """All values of an array, of a tensor of any library, or of a list, in the order of C; torch is never imported."""
    if type(getattr(values, "dtype", None)).__module__ == "torch":
        owner, dtype = outputs.as_integers(values.detach().cpu().contiguous())
        x = np.asarray(owner) if dtype is None else np.asarray(owner).view(dtype)
    elif hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        x = np.from_dlpack(values)
    else:
        x = np.asarray(values)
    return np.ascontiguousarray(x.reshape(-1), x.dtype.newbyteorder("=") if not x.dtype.isnative else None)


def checked(values: Any, count: int, real: dtypes.Real) -> Array:
    """What a sampler returned, flat; SamplerError if it is not this many values of this dtype."""
    x = flat(values)
    if x.size != count or x.dtype != real.dtype:
        raise SamplerError(f"returned {x.size:,} values of {x.dtype}, not {count:,} of {real.name}")
    return x


def successive(function: Callable[[int, int, str], Any], real: dtypes.Real, seed: int) -> Callable[[int], Array]:
    """A function that draws the next values from `function(count, seed, dtype)`: the seed of each call is one more."""
    calls = -1

    def draw(count: int) -> Array:
        nonlocal calls
        calls += 1
        return checked(function(count, (seed + calls) % 2**31, real.name), count, real)

    return draw
