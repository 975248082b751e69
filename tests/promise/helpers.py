"""Values to compare with, and how arrays are compared."""

import functools
import math

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from fastinit.kernels import threads
from tests.conftest import draw

INF = math.inf
SEED = 2024


def numpy_dtype(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def same_bytes(x, y, what=""):
    assert x.dtype == y.dtype, what
    assert x.shape == y.shape, what
    different = int((np.ascontiguousarray(x).view(np.uint8) != np.ascontiguousarray(y).view(np.uint8)).sum())
    assert different == 0, f"{what}: {different} bytes differ"


@functools.cache
def alone(name, dtype, size):
    """The values of a row by one thread, whatever their number; not to be written to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "PARALLEL_FROM", 1 << 62)
        values = draw(fi.default_rng(SEED), name, dtype, size=size)
    values.flags.writeable = False
    return values
