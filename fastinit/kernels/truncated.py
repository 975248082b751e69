"""Normal law between two bounds, by transformed rejection; `proposals.py` chooses the transformation.

A transformation takes one word to a proposal whose density is within 1/128 of a multiple of the wanted one. So 127 of 128
words are accepted unseen (the *squeeze*); the others are *in doubt* and go through the exact ratio test, with a second word.
A *block* proposes and doubts; its *trial* decides. Bounds are in deviations, mirrored so that the nearer one comes first; a
negative scale mirrors the value back.
"""

import numpy as np

from fastinit.kernels.lanes import convert, device, fma, maximum, minimum, select, spread_as, sqrt
from fastinit.kernels.reals import by_precision, low_bits_any, negative_log, u01_open_closed, u11_closed
from fastinit.proposals import CENTRAL, CENTRAL_PEAK

f32, f64, u32, u64 = np.float32, np.float64, np.uint32, np.uint64
P = tuple(f32(c) for c in CENTRAL)
PEAK = f32(CENTRAL_PEAK)

SQUEEZE_BITS = 7

# --- inside two deviations: an odd polynomial -----------------------------------------------------------------------


@device
def inside(x, p):
    """The value that belongs to x deviations, not outside what the bounds let a dtype hold."""
    return minimum(maximum(fma(x, p[3], p[2]), p[0]), p[1])


@device
def central_one(w, p, encode):
    """Parameters p = least, greatest, loc, scale, half width and middle of the interval that u comes from."""
    u = fma(u11_closed(w), p[4], p[5])
    y = fma(u + u, u, -1.0)
    q = fma(y, P[9], P[8])
    for i in range(7, -1, -1):
        q = fma(y, q, P[i])
    return encode(inside(u * q, p)), low_bits_any(w, SQUEEZE_BITS)


@device
def central(a, b, p, encode):
    """Both planes by `central_one`."""
    x, sure_x = central_one(a, p, encode)
    y, sure_y = central_one(b, p, encode)
    return (x, y), (sure_x, sure_y)


@device
def squeezed(v):
    """What `v` completes the squeeze's 127/128 to: a uniform number in (127/128, 1]."""
    return fma(u01_open_closed(v), 1.0 / 128.0, 127.0 / 128.0)


@device
def value_and_slope(u):
    """x = u P(2 u^2 - 1) and dx/du, both by Horner's scheme."""
    y = fma(u + u, u, -1.0)
    q = fma(y, P[9], P[8])
    d = fma(y, 0.0, P[9])
    for i in range(7, -1, -1):
        d = fma(y, d, q)
        q = fma(y, q, P[i])
    return u * q, fma((u * u) * 4.0, d, q)


@device
def central_test(w, v, p):
    """Whether a proposal from `w` is accepted with `v`.

    It is if `squeezed(v)` is at most exp(-x^2 / 2) dx/du / PEAK, compared as logarithms.
    """
    x, slope = value_and_slope(fma(u11_closed(w), p[4], p[5]))
    t = squeezed(v) * PEAK / slope
    return low_bits_any(w, SQUEEZE_BITS) | (negative_log(t, t - 1.0) >= (x * x) * 0.5)


@device
def central_trial(a, b, v, w, p, encode):
    """Both planes decided by `central_test`."""
    values, _ = central(a, b, p, encode)
    return values, (central_test(a, v, p), central_test(b, w, p))


# --- elsewhere: a polynomial in the depth ----------------------------------------------------------------------------


@device
def sides_f32(w, limit):
    """Whether a word falls on the other side of 0, and its places counted from the near bound and from the far one."""
    other = w < u32(limit)
    steps = w - u32(limit)
    near, far = select(other, steps ^ u32(0xFFFFFFFF), steps), select(other, w, w ^ u32(0xFFFFFFFF))
    return other, convert(near, f32), convert(far, f32)


@device
def sides_f64(w, limit):
    """Whether a word falls on the other side of 0, and its places counted from the near bound and from the far one."""
    other = w < u64(limit)
    steps = w - u64(limit)
    near, far = select(other, steps ^ u64(0xFFFFFFFFFFFFFFFF), steps), select(other, w, w ^ u64(0xFFFFFFFFFFFFFFFF))
    return other, convert(near, f64), convert(far, f64)


sides = by_precision(sides_f32, sides_f64)


@device
def depth(w, p):
    """From a word to its side, and how deep it lies there: the near bound's depth is s_a, the proposal's is s_a r.

    `s` is the depth of x if exp(-s^2 / 2) is the chance of more than x. With t, even on a side, the chance that is left,
    s^2 = s_a^2 - 2 log(t); tau = s_a (s - s_a) is written so that nothing cancels. p[4] = 2 / s_a^2, p[5] the step of t,
    p[6] and p[7] the least t of either side, p[8] how many words belong to the other side.
    """
    other, near, far = sides(w, p[8])
    t = fma(far, p[5], select(other, spread_as(p[7], far), spread_as(p[6], far)))
    e = negative_log(t, fma(near, -p[5], -0.5 * p[5]))
    r = sqrt(fma(e, p[4], 1.0))
    return other, (e + e) / (r + 1.0), r


@device
def tails_one(w, p, encode):
    """Parameters p = least, greatest, near bound's value, scale / s_a, those of `depth`, three of the test, a polynomial."""
    other, tau, _ = depth(w, p)
    q = fma(tau, p[19], p[18])
    for i in range(17, 11, -1):
        q = fma(tau, q, p[i])
    step = select(other, spread_as(-p[3], q), spread_as(p[3], q))
    return encode(minimum(maximum(fma(tau * q, step, p[2]), p[0]), p[1])), low_bits_any(w, SQUEEZE_BITS)


@device
def tails(a, b, p, encode):
    """Both planes by `tails_one`."""
    x, sure_x = tails_one(a, p, encode)
    y, sure_y = tails_one(b, p, encode)
    return (x, y), (sure_x, sure_y)


@device
def tails_test(w, v, p):
    """Whether a proposal from `w` is accepted with `v`: as in `central_test`, for exp((s^2 - x^2) / 2) dx/ds / s.

    In d = s_a (x - a): the exponent is -(d - tau) (alpha + (d + tau) / (2 s_a^2)) - (alpha - 1) tau, alpha = a / s_a, plus
    what p[10] holds. p[9] = alpha, p[11] = alpha - 1.
    """
    _, tau, r = depth(w, p)
    q = fma(tau, p[19], p[18])
    slope = fma(tau, 0.0, p[19])
    for i in range(17, 11, -1):
        slope = fma(tau, slope, q)
        q = fma(tau, q, p[i])
    d = tau * q
    excess = fma(d - tau, fma(d + tau, 0.25 * p[4], p[9]), tau * p[11])
    t = squeezed(v) * r / (fma(tau, slope, q) * p[10])
    return low_bits_any(w, SQUEEZE_BITS) | (negative_log(t, t - 1.0) >= excess)


@device
def tails_trial(a, b, v, w, p, encode):
    """Both planes decided by `tails_test`."""
    values, _ = tails(a, b, p, encode)
    return values, (tails_test(a, v, p), tails_test(b, w, p))
