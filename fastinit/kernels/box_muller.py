"""Two words to two independent normals (Box and Muller, "A note on the generation of random normal deviates", 1958).

The whole of the first word is the radius and the whole of the second the angle: 2^64 pairs, |z| up to 6.76 in float32 and
9.49 in float64.
"""

import numpy as np

from fastinit.kernels.lanes import bitcast, convert, device, fma, select, sqrt
from fastinit.kernels.reals import by_precision, exponential

f32, f64, i32, u32, u64 = np.float32, np.float64, np.int32, np.uint32, np.uint64


@device
def quarter_turns_f32(w):
    """Distance s of the angle (w + 1/2) / 2^32 turns from the nearest axis, in quarter turns: -1/2 .. 1/2, never 0."""
    return fma(convert(bitcast(w << 2, i32), f32), f32(2**-32), f32(2**-31))


@device
def quarter_turns_f64(w):
    """The same from the upper 54 bits of a 64-bit word, centred in their step."""
    fraction = (((w << 2) ^ u64(0x8000000000000000)) >> 12) | u64(0x3FF0000000000000)
    return (bitcast(fraction, f64) - 1.5) + 2.0**-53


@device
def sin_cos_quarter_f32(s):
    """Sin and cos of s quarter turns, |s| <= 1/2."""
    z = s * s
    p = fma(z, f32(-0.004602149128913879), f32(0.07968021929264069))
    p = fma(z, p, f32(-0.6459634900093079))
    p = fma(z, p, f32(1.5707963705062866))
    q = fma(z, f32(0.0009067399078048766), f32(-0.02086152881383896))
    q = fma(z, q, f32(0.253669410943985))
    q = fma(z, q, f32(-1.2337005138397217))
    return s * p, fma(z, q, f32(1.0))


@device
def sin_cos_quarter_f64(s):
    """Sin and cos of s quarter turns, |s| <= 1/2."""
    z = s * s
    p = fma(z, 5.633933781537854e-08, -3.59864335298231e-06)
    p = fma(z, p, 0.0001604411507421909)
    p = fma(z, p, -0.004681754132340976)
    p = fma(z, p, 0.07969262624604301)
    p = fma(z, p, -0.6459640975062443)
    p = fma(z, p, 1.5707963267948966)
    q = fma(z, -6.329396344967424e-09, 4.710678405505227e-07)
    q = fma(z, q, -2.5202039028029178e-05)
    q = fma(z, q, 0.0009192602745468447)
    q = fma(z, q, -0.020863480763340773)
    q = fma(z, q, 0.2536695079010478)
    q = fma(z, q, -1.2337005501361697)
    return s * p, fma(z, q, 1.0)


quarter_turns = by_precision(quarter_turns_f32, quarter_turns_f64)
sin_cos_quarter = by_precision(sin_cos_quarter_f32, sin_cos_quarter_f64)


@device
def place_f32(s, c, w):
    """Sin and cos of the whole angle: swapped at every second axis, with the signs of the quadrant."""
    axis = w + u32(0x20000000)  # its top two bits number the axis nearest to the angle
    top = u32(0x80000000)
    odd = (axis & u32(0x40000000)) != 0
    sine = bitcast(bitcast(select(odd, c, s), u32) ^ (axis & top), f32)
    return sine, bitcast(bitcast(select(odd, s, c), u32) ^ ((axis + u32(0x40000000)) & top), f32)


@device
def place_f64(s, c, w):
    """Sin and cos of the whole angle: swapped at every second axis, with the signs of the quadrant."""
    axis = w + u64(0x2000000000000000)
    top = u64(0x8000000000000000)
    odd = (axis & u64(0x4000000000000000)) != 0
    sine = bitcast(bitcast(select(odd, c, s), u64) ^ (axis & top), f64)
    return sine, bitcast(bitcast(select(odd, s, c), u64) ^ ((axis + u64(0x4000000000000000)) & top), f64)


place = by_precision(place_f32, place_f64)


@device
def sin_cos_turn(w):
    """Sin and cos of (w + 1/2) / 2^32 turns (of the upper 54 bits, likewise centred, for a 64-bit word)."""
    s, c = sin_cos_quarter(quarter_turns(w))
    return place(s, c, w)


@device
def box_muller(a, b):
    """R cos, r sin with r from word `a` and the angle from word `b`."""
    e = exponential(a)
    r = sqrt(e + e)
    s, c = sin_cos_turn(b)
    return r * c, r * s
