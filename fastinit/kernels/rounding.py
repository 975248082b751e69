"""Reals to stored bits: one function per dtype, the last stage before the output. Rounding is to nearest even."""

import numpy as np

from fastinit.kernels.lanes import bitcast, convert, device, minimum, round_half, select, upper_halves

f32, u16, u32 = np.float32, np.uint16, np.uint32


@device
def as_is(x):
    """float32, float64 and raw words are stored as they are."""
    return x


@device
def to_float16(x):
    """By the hardware's conversion: F16C on x86, always there on AArch64."""
    return round_half(x)


@device
def to_float16_by_integers(x):
    """The same for a CPU without the conversion, which LLVM would leave to a library that Numba does not link."""
    bits = bitcast(x, u32)
    size = bits & u32(0x7FFFFFFF)
    rebased = size - u32(0x38000000)  # exponent bias 127 to 15
    normal = (rebased + (((rebased >> 13) & u32(1)) + u32(0xFFF))) >> 13
    # below 2^-14 a sum with 1/2 rounds to multiples of 2^-24, the float16 subnormals
    subnormal = bitcast(bitcast(size, f32) + f32(0.5), u32) - u32(0x3F000000)
    half = select(size < u32(0x38800000), subnormal, minimum(normal, u32(0x7C00)))
    return convert(half | ((bits >> 16) & u32(0x8000)), u16)


@device
def to_bfloat16(x):
    """The upper half of a float32 that is not NaN, rounded by adding half of what is cut off, ties to even."""
    bits = bitcast(x, u32)
    return upper_halves(bits + (((bits >> 16) & u32(1)) + u32(0x7FFF)))
