"""Products of a matrix that is not stored, beside drawing it once and the product of the stored matrix."""

import math

import numpy as np

import fastinit as fi
from benchmarks.measure import FEW_ROUNDS, VALUES, medians, numpy_dtype, timed_rounds

SIDE = math.isqrt(VALUES)
COLUMNS = {"vector": (), "64 columns": (64,)}
LAW = fi.laws.normal(scale=0.02)


def product_calls(operand, order, dtype, side=SIDE):
    """Drawing a square matrix, the product of the stored one in float32, and the lazy product.

    Drawing has memory that was written before, and the stored matrix is float32 already, which favours both.
    """
    lazy = fi.lazy(LAW, (side, side), rng=0, dtype=dtype)
    out = np.ones((side, side), numpy_dtype(dtype))
    stored = lazy.read(out=out).astype(np.float32, copy=False)
    x = np.random.default_rng(0).standard_normal((side, *COLUMNS[operand]), np.float32)
    x = x if order == "W @ x" else np.ascontiguousarray(x.T)
    swapped = order == "x @ W"
    return {
        "draw": lambda: lazy.read(out=out),
        "stored": lambda: x @ stored if swapped else stored @ x,
        "lazy": lambda: x @ lazy if swapped else lazy @ x,
    }


def ratio_to_both(times):
    """The median of the lazy product's time over that of drawing and of the stored product in the same round."""
    sums = [draw + stored for draw, stored in zip(times["draw"], times["stored"], strict=True)]
    return medians({"ratio": [lazy / both for lazy, both in zip(times["lazy"], sums, strict=True)]})["ratio"]


class Lazy:
    version = "1"
    timeout = 1200
    params = (tuple(COLUMNS), ("W @ x", "x @ W"), ("float32", "bfloat16", "float16"))
    param_names = ("operand", "order", "dtype")
    unit = "times drawing and the stored product"

    def track_ratio(self, operand, order, dtype):
        return ratio_to_both(timed_rounds(product_calls(operand, order, dtype), FEW_ROUNDS, pause=0.1))
