"""Distributions that take every word: raw bits, uniform, normal.

A *block* maps the words of the two planes to stored values: `block(a, b, p, encode) -> (values, accepts)`. `values` has one
entry per plane that a tile's elements fill; `accepts` has a mask for each, or is empty where every value is kept.
`p` holds the row's parameters, in the order that `parameters.py` packs them.
"""

from fastinit.kernels.box_muller import box_muller
from fastinit.kernels.lanes import device, fma, maximum, minimum
from fastinit.kernels.reals import steps, u01_closed_open


@device
def bits(a, b, p, encode):
    return (a, b), ()


@device
def uniform(a, b, p, encode):
    """The value start + k step, k = 0, 1, ...: p = start, step."""
    return (encode(fma(steps(a), p[1], p[0])), encode(fma(steps(b), p[1], p[0]))), ()


@device
def uniform_within(a, b, p, encode):
    """The same kept between bounds, for dtypes that round it once more and for steps below the normal numbers.

    Here p = least, greatest, start, width, and a value is start + width u.
    """
    x = minimum(maximum(fma(u01_closed_open(a), p[3], p[2]), p[0]), p[1])
    y = minimum(maximum(fma(u01_closed_open(b), p[3], p[2]), p[0]), p[1])
    return (encode(x), encode(y)), ()


@device
def normal(a, b, p, encode):
    """The value loc + scale z: p = loc, scale."""
    x, y = box_muller(a, b)
    return (encode(fma(x, p[1], p[0])), encode(fma(y, p[1], p[0]))), ()


@device
def bits_trial(a, b, v, w, p, encode):
    return bits(a, b, p, encode)


@device
def uniform_trial(a, b, v, w, p, encode):
    return uniform(a, b, p, encode)


@device
def uniform_within_trial(a, b, v, w, p, encode):
    return uniform_within(a, b, p, encode)


@device
def normal_trial(a, b, v, w, p, encode):
    return normal(a, b, p, encode)
