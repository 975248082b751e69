"""Reals to stored bits: one function per dtype, the last stage before the output. Rounding is to nearest even."""

import numpy as np

from fastinit.kernels.lanes import bitcast, convert, device, minimum, round_half, select, spread_as
from fastinit.kernels.shuffles import upper_halves

f32, u8, u16, u32 = np.float32, np.uint8, np.uint16, np.uint32


@device
def as_is(x):
    """float32, float64 and raw words are stored as they are."""
    return x


@device
def to_float16(x):
    """By the hardware's conversion: F16C on x86, always there on AArch64."""
    return round_half(x)


@device
def narrowed(x, cut, rebias, top):
    """Sizes of float32 lanes rounded to a shorter format, as uint32.

    It has `cut` bits of fraction less and an exponent bias less by `rebias`; all that is too large becomes `top`.
    """
    bits = bitcast(x, u32)
    size = bits & u32(0x7FFFFFFF)
    rebased = size - u32(rebias << 23)
    normal = (rebased + (((rebased >> cut) & u32(1)) + u32((1 << (cut - 1)) - 1))) >> cut
    # below the normal numbers: a sum whose unit in the last place is the smallest subnormal rounds to multiples of it
    unit = u32((rebias + cut + 1) << 23)
    subnormal = bitcast(bitcast(size, f32) + bitcast(spread_as(unit, bits), f32), u32) - unit
    return select(size < u32((rebias + 1) << 23), subnormal, minimum(normal, u32(top)))


@device
def to_float16_by_integers(x):
    """The same for a CPU without the conversion, which LLVM would leave to a library that Numba does not link."""
    return convert(narrowed(x, 13, 112, 0x7C00) | ((bitcast(x, u32) >> 16) & u32(0x8000)), u16)


@device
def to_float8_e5m2(x):
    """Sign, 5 bits of exponent, 2 of fraction; beyond 57344 infinity, as ml_dtypes has it."""
    return convert(narrowed(x, 21, 112, 0x7C) | ((bitcast(x, u32) >> 24) & u32(0x80)), u8)


@device
def to_float8_e4m3fn(x):
    """Sign, 4 bits of exponent, 3 of fraction, no infinity; beyond 448 NaN, as ml_dtypes has it."""
    return convert(narrowed(x, 20, 120, 0x7F) | ((bitcast(x, u32) >> 24) & u32(0x80)), u8)


@device
def to_bfloat16(x):
    """The upper half of a float32 that is not NaN, rounded by adding half of what is cut off, ties to even."""
    bits = bitcast(x, u32)
    return upper_halves(bits + (((bits >> 16) & u32(1)) + u32(0x7FFF)))
