"""Words to reals. The interval of each conversion is in its name; `docs/stream-format.md` states every endpoint.

A function of words is written once per precision, `_f32` for 32-bit words and `_f64` for 64-bit words, and called by the
name without the ending. The constants come from `docs/scripts/coefficients.py`.
"""

import numpy as np
from numba.extending import overload

from fastinit.kernels.lanes import bitcast, convert, device, fma, select

f32, f64, i32, i64, u32, u64 = np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint64


def by_precision(single, double):
    """One name for two device functions: the width of the first argument's lanes decides."""

    def stub(*args):
        raise TypeError("a device function can be called inside a kernel only")

    @overload(stub, jit_options={"forceinline": True}, strict=False)
    def choose(*args):
        return single if args[0].element.bitwidth == 32 else double

    return stub


# --- uniform -------------------------------------------------------------------------------------------------------


@device
def steps_f32(w):
    """The upper 24 bits: 0 .. 2^24 - 1."""
    return convert(bitcast(w >> 8, i32), f32)


@device
def steps_f64(w):
    """The upper 53 bits: 0 .. 2^53 - 1."""
    return convert(w >> 11, f64)


@device
def u01_closed_open_f32(w):
    """k * 2^-24 with k the upper 24 bits."""
    return steps_f32(w) * f32(2**-24)


@device
def u01_closed_open_f64(w):
    """k * 2^-53 with k the upper 53 bits."""
    return steps_f64(w) * 2.0**-53


@device
def u01_open_closed_f32(w):
    """(w + 1/2) * 2^-32 rounded to float32: 2^-33 .. 1, finer and finer towards 0."""
    return fma(convert(w, f32), f32(2**-32), f32(2**-33))


@device
def u01_open_closed_f64(w):
    """(w + 1/2) * 2^-64 rounded to float64: 2^-65 .. 1, finer and finer towards 0."""
    return fma(convert(w, f64), 2.0**-64, 2.0**-65)


@device
def u11_closed_f32(w):
    """(w + 1/2) * 2^-31 rounded to float32, w read as signed: symmetric about 0, never 0, may be -1 or 1."""
    return fma(convert(bitcast(w, i32), f32), f32(2**-31), f32(2**-32))


@device
def u11_closed_f64(w):
    """(k + 1/2) * 2^-52 - 1 with the upper 53 bits k, w read as unsigned: symmetric about 0, at most 1 - 2^-53 from it."""
    return (convert(w >> 11, f64) * 2.0**-52 - 1.0) + 2.0**-53


steps = by_precision(steps_f32, steps_f64)
u01_closed_open = by_precision(u01_closed_open_f32, u01_closed_open_f64)
u01_open_closed = by_precision(u01_open_closed_f32, u01_open_closed_f64)
u11_closed = by_precision(u11_closed_f32, u11_closed_f64)


# --- logarithm -----------------------------------------------------------------------------------------------------


@device
def negative_log_f32(x, x_minus_1):
    """-log(x), relative error below 2^-22, for normal x; `x_minus_1` is read where sqrt(1/2) <= x < sqrt(2)."""
    bits = bitcast(x, i32)
    k = (bits - 0x3F3504F3) >> 23
    f = select(k == 0, x_minus_1, bitcast(bits - (k << 23), f32) - f32(1.0))
    q = fma(f, f32(-0.08787265419960022), f32(0.1415964663028717))
    q = fma(f, q, f32(-0.148347869515419))
    q = fma(f, q, f32(0.16588488221168518))
    q = fma(f, q, f32(-0.19972050189971924))
    q = fma(f, q, f32(0.25001147389411926))
    q = fma(f, q, f32(-0.3333367109298706))
    q = fma(f, q, f32(0.4999999701976776))
    q = fma(f, q, f32(-1.0))
    return fma(f, q, convert(k, f32) * f32(-0.6931471805599453))


@device
def negative_log_f64(x, x_minus_1):
    """-log(x), relative error below 2^-51, for normal x; `x_minus_1` is read where sqrt(1/2) <= x < sqrt(2)."""
    bits = bitcast(x, i64)
    k = (bits - 0x3FE6A09E667F3BCD) >> 52
    f = select(k == 0, x_minus_1, bitcast(bits - (k << 52), f64) - 1.0)
    s = f / (f + 2.0)
    z = s * s
    q = fma(z, 0.14616449685043406, 0.15331721600556042)
    q = fma(z, q, 0.18182889125261723)
    q = fma(z, q, 0.2222221113479508)
    q = fma(z, q, 0.28571428625975487)
    q = fma(z, q, 0.39999999999899505)
    q = fma(z, q, 0.666666666666667)
    tail = s * (f - z * q)  # log(1 + f) = f - s (f - s^2 q) keeps f itself unrounded (FreeBSD msun, e_log.c)
    return fma(convert(convert(k, i32), f64), -0.6931471805599453, tail - f)  # AVX2 converts int32, not int64


negative_log = by_precision(negative_log_f32, negative_log_f64)


@device
def u01_minus_1_f32(w):
    """`u01_open_closed(w)` - 1 without cancellation: taken from the complement of w before rounding."""
    return fma(convert(w ^ u32(0xFFFFFFFF), f32), f32(-(2**-32)), f32(-(2**-33)))


@device
def u01_minus_1_f64(w):
    """`u01_open_closed(w)` - 1 without cancellation: taken from the complement of w before rounding."""
    return fma(convert(w ^ u64(0xFFFFFFFFFFFFFFFF), f64), -(2.0**-64), -(2.0**-65))


u01_minus_1 = by_precision(u01_minus_1_f32, u01_minus_1_f64)


@device
def exponential(w):
    """-log of `u01_open_closed(w)`: the standard exponential, accurate at both ends."""
    return negative_log(u01_open_closed(w), u01_minus_1(w))


@device
def low_bits_any_f32(w, count):
    """Where the lowest `count` bits of a word are not all zero."""
    return (w & u32((1 << count) - 1)) != 0


@device
def low_bits_any_f64(w, count):
    """Where the lowest `count` bits of a word are not all zero."""
    return (w & u64((1 << count) - 1)) != 0


low_bits_any = by_precision(low_bits_any_f32, low_bits_any_f64)
