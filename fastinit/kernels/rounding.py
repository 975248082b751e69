"""Reals to stored bits: one function per dtype, the last stage before the output. Rounding is to nearest even."""

import numpy as np

from fastinit.kernels.lanes import bitcast, device, round_half, upper_halves

u32 = np.uint32


@device
def as_is(x):
    """float32, float64 and raw words are stored as they are."""
    return x


@device
def to_float16(x):
    return round_half(x)


@device
def to_bfloat16(x):
    """The upper half of a float32 that is not NaN, rounded by adding half of what is cut off, ties to even."""
    bits = bitcast(x, u32)
    return upper_halves(bits + (((bits >> 16) & u32(1)) + u32(0x7FFF)))
