"""Normal law between two bounds, by rejection from four proposals; `docs/stream-format.md` says when each is used.

Bounds and offsets are in deviations, on the side where the nearer bound (in the tail) is positive; a negative scale
mirrors the value back. A *block* proposes and rejects; its *trial* does so to the last digit with a second pair of words.
Where the two differ, the block may call a value doubtful that the trial keeps, never the other way.
"""

import numpy as np

from fastinit.kernels.box_muller import box_muller
from fastinit.kernels.lanes import device, fma, maximum, minimum
from fastinit.kernels.reals import exponential, low_bits_any, negative_log, u01_minus_1, u01_open_closed, u11_closed

# Transformed rejection: x = u P(2 u^2 - 1), u uniform on +-1, has density f_x with phi(x) / f_x within 0.6 % of constant on
# +-2 (docs/scripts/coefficients.py, ten coefficients). So 127 of 128 proposals are accepted unseen.
P = tuple(
    np.float32(c)
    for c in (
        1.3916634321212769,
        0.2777452766895294,
        0.12312187254428864,
        0.02136828750371933,
        0.03838174417614937,
        0.2271842658519745,
        0.011412260122597218,
        -0.30343392491340637,
        0.03176914528012276,
        0.1807885617017746,
    )
)
PEAK = np.float32(1.2)  # above the largest exp(-x^2 / 2) dx/du, 1.19986, and below the least, 1.19269, over 127/128
SQUEEZE_BITS = 7


@device
def inside(x, p):
    """The value that belongs to x deviations, not outside what the bounds let a dtype hold."""
    return minimum(maximum(fma(x, p[3], p[2]), p[0]), p[1])


@device
def propose(w):
    u = u11_closed(w)
    y = fma(u + u, u, -1.0)
    q = fma(y, P[9], P[8])
    for i in range(7, -1, -1):
        q = fma(y, q, P[i])
    return u * q


@device
def between(x, p):
    return (x >= p[4]) & (x <= p[5])


@device
def central(a, b, p, encode):
    """Parameters p = least, greatest, loc, scale, lower and upper bound within +-2."""
    x, y = propose(a), propose(b)
    sure_x = low_bits_any(a, SQUEEZE_BITS) & between(x, p)
    sure_y = low_bits_any(b, SQUEEZE_BITS) & between(y, p)
    return (encode(inside(x, p)), encode(inside(y, p))), (sure_x, sure_y)


@device
def passes_ratio_test(w, v):
    """Whether a proposal from `w` is accepted when `v` completes the squeeze's 127/128 to a uniform number in (0, 1].

    It is if that is at most exp(-x^2 / 2) dx/du / PEAK, compared as logarithms; dx/du comes by Horner's scheme along with P.
    """
    u = u11_closed(w)
    y = fma(u + u, u, -1.0)
    q = fma(y, P[9], P[8])
    d = fma(y, 0.0, P[9])
    for i in range(7, -1, -1):
        d = fma(y, d, q)
        q = fma(y, q, P[i])
    x = u * q
    slope = fma((u * u) * 4.0, d, q)
    t = fma(u01_open_closed(v), 1.0 / 128.0, 127.0 / 128.0) * PEAK / slope
    return negative_log(t, t - 1.0) >= (x * x) * 0.5


@device
def central_trial(a, b, v, w, p, encode):
    x, y = propose(a), propose(b)
    accept_x = (low_bits_any(a, SQUEEZE_BITS) | passes_ratio_test(a, v)) & between(x, p)
    accept_y = (low_bits_any(b, SQUEEZE_BITS) | passes_ratio_test(b, w)) & between(y, p)
    return (encode(inside(x, p)), encode(inside(y, p))), (accept_x, accept_y)


@device
def normal(a, b, p, encode):
    """Parameters p = least, greatest, loc, scale, bounds, and -1 to propose |z| instead of z, else 1."""
    x, y = box_muller(a, b)
    x, y = maximum(x, x * p[6]), maximum(y, y * p[6])
    return (encode(inside(x, p)), encode(inside(y, p))), (between(x, p), between(y, p))


@device
def flat(a, b, p, encode):
    """Uniform proposal from word a, accepted by word b.

    p = least, greatest, nearer bound's value, width as a value, a, b - a, min(a, 0)^2 / 2.
    With d = x - a the exponent x^2/2 - a^2/2 is d (a + d/2), free of cancellation far out.
    """
    u = u01_open_closed(a)
    d = u * p[5]
    excess = fma(d, fma(d, 0.5, p[4]), p[6])
    return (encode(inside(u, p)),), (exponential(b) >= excess,)


@device
def tail(a, b, p, encode):
    """Exponential proposal of rate r from the nearer bound on (Robert 1995, "Simulation of truncated normal variables", 2.2).

    It is cut off at the further bound by construction. Accepted with probability exp(-(x - r)^2 / 2) by word b.
    p = least, greatest, nearer bound's value, scale / r, exp(-r (b - a)), 1 - that, 1 / r, r - a.
    """
    x = fma(u01_open_closed(a), p[5], p[4])
    e = negative_log(x, u01_minus_1(a) * p[5])
    d = fma(e, p[6], -1.0 * p[7])
    return (encode(inside(e, p)),), (exponential(b) >= (d * d) * 0.5,)


@device
def normal_trial(a, b, v, w, p, encode):
    return normal(a, b, p, encode)


@device
def flat_trial(a, b, v, w, p, encode):
    return flat(a, b, p, encode)


@device
def tail_trial(a, b, v, w, p, encode):
    return tail(a, b, p, encode)
