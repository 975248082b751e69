"""mt19937 and the uniform values that torch makes of its words.

M. Matsumoto, T. Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator",
1998.
"""

from __future__ import annotations

from fastinit.arithmetic.lanes import Lanes, bitcast, convert, f32, f64, fma, i32, select

#: Words of the state, which is a block of the sequence; the recurrence's middle term; the coefficients of the twist.
N, M, TWIST = 624, 397, 0x9908B0DF


def next_words(first: Lanes, second: Lanes, middle: Lanes) -> Lanes:
    """Words N places after `first`; `second` is one place after it, `middle` M places."""
    joined = (first & 0x80000000) | (second & 0x7FFFFFFF)
    return middle ^ (joined >> 1) ^ select((second & 1) != 0, second.constant(TWIST), 0)


def tempered(w: Lanes) -> Lanes:
    """The generator's output for a word of its sequence."""
    w = w ^ (w >> 11)
    w = w ^ ((w << 7) & 0x9D2C5680)
    w = w ^ ((w << 15) & 0xEFC60000)
    return w ^ (w >> 18)


def steps_f32(w: Lanes) -> Lanes:
    """0 .. 2^24 - 1: the lower 24 bits of u32 lanes."""
    return convert(bitcast(w & 0xFFFFFF, i32), f32)


def steps_f64(pair: Lanes) -> Lanes:
    """0 .. 2^53 - 1 of two words in u64 lanes: the first, in the lower half, has the higher bits."""
    return convert(((pair & 0x1FFFFF) << 32) | (pair >> 32), f64)


def scaled(x: Lanes, start: Lanes, width: Lanes, fused: bool) -> Lanes:
    """Values in [0, 1) moved to an interval. Whether the sum is rounded once depends on how torch was compiled."""
    return fma(x, width, start) if fused else x * width + start
