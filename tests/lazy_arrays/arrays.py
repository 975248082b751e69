"""Lazy arrays for the tests, and what they are without being lazy."""

import fastinit as fi
from fastinit import laws
from tests.conftest import LAW_DRAWS

#: Every law and dtype.
LAWS = [laws.uniform(-1.5, 2.5), laws.normal(0.5, 2.0), laws.truncated_normal(-2, 2), laws.truncated_normal(-3, 2.5, 0.5)]
LAWS += [law for _, (law,) in LAW_DRAWS.values()]
PAIRS = [(law, dtype) for law in LAWS for dtype in law.dtype_names]


def both(law, shape, dtype="float32", seed=7):
    """A lazy array, and the array that the same call of the same Generator draws."""
    rng, again = (fi.default_rng(seed).child("projection") for _ in range(2))
    return fi.lazy(law, shape, rng, dtype=dtype), again.draw(law, shape, dtype=dtype)
