"""The numbers of the tails proposal (docs/stream-format.md, section 5), written from that text alone."""

import math
from decimal import Decimal, localcontext

from tests.definition.reference_floats import greater

TAILS = (
    (0.0, 1.1774100225154747, 9.368, (
        1.4713595167473255, -0.2105483038044847, 0.07654109828430093, -0.019140361916619802, 0.0030514705527159435,
        -0.0002926093577928885, 1.5253760807471518e-05, -3.2951355649380313e-07,
    )),
    (1.0, 1.9188651046956184, 10.228, (
        1.2575920871813844, -0.08386736763782962, 0.025260012035709153, -0.00589668837214699, 0.0009478283403933721,
        -9.611473098237373e-05, 5.478918188824597e-06, -1.3317921407308114e-07,
    )),
    (4.0, 4.551944965951871, 18.603, (
        1.077096940231951, -0.01222430297386241, 0.0018505008778535064, -0.0002296715068170002, 2.06021900733887e-05,
        -1.2046913150750198e-06, 4.0430258594371153e-08, -5.863401342829004e-10,
    )),
    (16.0, 16.229318905841964, 80.562, (
        1.010328468752468, -0.000489157918049345, 2.0124821411565935e-05, -6.234302597284264e-07, 1.3211403785596395e-08,
        -1.770212820084424e-10, 1.3392946078610127e-12, -4.339750455731242e-15,
    )),
)  # fmt: skip


def inverse_of_tail(c, x):
    h = x / c[0]
    for _ in range(20):
        q, d = c[7], 0.0
        for k in (6, 5, 4, 3, 2, 1, 0):
            d = d * h + q
            q = q * h + c[k]
        h = h - (q * h - x) / (q + h * d)
    return h


def exp_minus(e):
    with localcontext() as context:
        context.prec = 60
        left = (-Decimal(e)).exp()
        return float(left), float(1 - left)


def tail_start(a):
    """S, the coefficients about it, F, and the end."""
    if a >= 80:
        return a, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1.0, math.inf
    start, depth, end, c = next(row for row in reversed(TAILS) if row[0] <= a)
    h = inverse_of_tail(c, a - start)
    s = depth + h
    q = [0.0, *c]
    for low in range(8):
        for i in range(7, low - 1, -1):
            q[i] = q[i] + h * q[i + 1]
    return s, q[1:], exp_minus(-0.5 * (s - a) * (s + a))[0] / (s * 2.513), end


def tail_numbers(a, b, scale, n):
    start = greater(a, 0.0)
    s, c, factor, end = tail_start(start)

    def at(distance):
        if not start + distance < end:
            return 0.0, 1.0
        h = inverse_of_tail(c, distance)
        return exp_minus(h * (s + 0.5 * h))

    left, between = at(b - start)
    other_left, other = at(-a) if a < 0 else (0.0, 0.0)
    step = (between + other) / 2.0**n
    words = math.floor(other / (between + other) * 2.0**n + 0.5)
    powers = [1.0]
    for _ in range(7):
        powers.append(powers[-1] / s)
    g = [x * power for x, power in zip(c, powers, strict=True)]
    return (
        *(scale / s, 2 / s / s, step, other_left + 0.5 * step, left + 0.5 * step, words),
        *(start / s, factor, start / s - 1.0, *g),
    )
