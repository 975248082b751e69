"""Derive every polynomial of the stream format: `python -m docs.scripts.derivations.coefficients` prints the constants.

Elementary functions are interpolated at Chebyshev nodes in 60-digit arithmetic; their error is within a factor of about two
of the minimax error. For the truncated normal distribution, a sequence of linear programmes (SciPy) finds the polynomials for
which the ratio of the wanted density to the proposed one varies least; other versions of SciPy give other last digits.
"""

from itertools import pairwise

import mpmath as mp
import numpy as np
from scipy.optimize import brentq, linprog
from scipy.special import log_ndtr, ndtr, ndtri

from docs.scripts import arguments

mp.mp.dps = 60


def interpolate(function, low, high, degree):
    """Coefficients, lowest first, of the polynomial through `degree + 1` Chebyshev nodes."""
    nodes = [mp.cos(mp.pi * (2 * i + 1) / (2 * degree + 2)) for i in range(degree + 1)]
    nodes = [(mp.mpf(low) + high) / 2 + (mp.mpf(high) - low) / 2 * t for t in nodes]
    matrix = mp.matrix(degree + 1, degree + 1)
    for i, x in enumerate(nodes):
        for j in range(degree + 1):
            matrix[i, j] = x**j
    return list(mp.lu_solve(matrix, mp.matrix([function(x) for x in nodes])))


def worst(function, coefficients, low, high):
    """Largest relative error over 4,001 points, as a power of two."""
    points = (mp.mpf(low) + (mp.mpf(high) - low) * i / 4000 for i in range(4001))
    error = max(abs(mp.polyval(coefficients[::-1], x) / function(x) - 1) for x in points)
    return float(mp.log(error, 2))


def pinned(function, at_zero, low, high, degree):
    """Like `interpolate`, with a fixed constant term `at_zero`."""
    rest = interpolate(lambda x: (function(x) - at_zero) / x, low, high, degree - 1)
    return [mp.mpf(at_zero), *rest]


def show(name, function, coefficients, low, high, real):
    """Print the coefficients rounded to the precision, and their error."""
    rounded = [real(float(c)) for c in coefficients]
    error = worst(function, [mp.mpf(float(c)) for c in rounded], low, high)
    print(f"{name}: relative error 2^{error:.1f}")
    print("   ", ", ".join(repr(float(c)) for c in rounded))


def central(count, target=2.0):
    """The odd polynomial u P(2 u^2 - 1) onto [-2, 2] whose density ratio to the normal distribution varies least."""
    u = np.sort(np.cos(np.linspace(0, np.pi / 2, 1500)))
    y = 2 * u * u - 1
    powers = np.array([y**i for i in range(count)])
    slopes = np.array([i * y ** max(i - 1, 0) for i in range(count)])
    value, slope = (u * powers).T, (powers + u * 4 * u * slopes).T
    at_one = np.ones(count)
    c = np.linalg.lstsq(value, ndtri(0.5 + u * (ndtr(2) - 0.5)), rcond=None)[0]
    c[0] += target - c.sum()
    for step in range(60):
        q, dq = value @ c, slope @ c
        h = -q * q / 2 + np.log(dq)
        jacobian = -q[:, None] * value + slope / dq[:, None]
        ones = np.ones((len(u), 1))
        limit = 0.5 * 0.95**step
        answer = linprog(
            np.r_[np.zeros(count), 1, 0],
            A_ub=np.r_[np.c_[jacobian, -ones, -ones], np.c_[-jacobian, -ones, ones]],
            b_ub=np.r_[-h, h],
            A_eq=[np.r_[at_one, 0, 0]],
            b_eq=[target - c.sum()],
            bounds=[(-limit, limit)] * count + [(0, None), (None, None)],
        )
        change = answer.x[:count]
        c = c + (change if (slope @ (c + change)).min() > 0 else 0.3 * change)
    return c


def show_central(count):
    """Print the central proposal with so many coefficients."""
    target = 2.0 + 2.0**-20
    c = central(count, target).astype(np.float32).astype(np.float64)
    u = np.linspace(0, 1, 200_001)
    y = 2 * u * u - 1
    p = np.polyval(c[::-1], y)
    dp = np.polyval((c[1:] * np.arange(1, count))[::-1], y)
    q, dq = u * p, p + 4 * u * u * dp
    h = np.exp(-q * q / 2) * dq
    print(f"central {count}: Q(1) = {float(q[-1])!r}, max h = {h.max():.7f}, 1 - min h / max h = {1 - h.min() / h.max():.7f}")
    print(f"    condition {np.abs(c).sum() / 2:.2f}, mean rejected {1 - np.trapezoid(h, u) / h.max():.6f}")
    print("   ", ", ".join(repr(float(x)) for x in c))


#: Each polynomial of the tail serves near bounds from its start up to the next number, the last one up to 80.
TAIL_STARTS = (0, 1, 4, 16, 80)
LONGEST = 45.2  # above -log(2^-65), the smallest chance that a 64-bit word can stand for


def depth(x):
    """The s for which exp(-s^2 / 2) is the mass of the normal distribution above x."""
    return np.sqrt(-2 * log_ndtr(-x))


def tail(start, stop, count):
    """x as a polynomial of s - depth(start), up to depth `stop`, for which the density ratio varies least."""
    first = depth(start)
    s = first + (stop - first) * (np.cos(np.pi * (np.arange(600) + 0.5) / 600) + 1) / 2
    x = np.array([brentq(lambda x, at=at: depth(x) - at, start - 1, stop) for at in s])
    d = (s - first) / (stop - first)
    value = np.array([d**i for i in range(1, count + 1)]).T
    slope = np.array([i * d ** (i - 1) for i in range(1, count + 1)]).T / (stop - first)
    c = np.linalg.lstsq(value * (1 + x)[:, None], (x - start) * (1 + x), rcond=None)[0]
    for _ in range(30):
        q, dq = start + value @ c, slope @ c
        h = (s * s - q * q) / 2 + np.log(dq / s)
        jacobian = -q[:, None] * value + slope / dq[:, None]
        ones = np.ones((len(s), 1))
        answer = linprog(
            np.r_[np.zeros(count + 1), 1],
            A_ub=np.r_[np.c_[jacobian, -ones, -ones], np.c_[-jacobian, ones, -ones]],
            b_ub=np.r_[-h, h],
            bounds=[(-0.3, 0.3)] * count + [(None, None), (0, None)],
        )
        c = c + answer.x[:count]
    return c / (stop - first) ** np.arange(1, count + 1)


def show_tails(count=8):
    """Print the tails proposals."""
    for start, last in pairwise(TAIL_STARTS):
        stop = np.sqrt(depth(last) ** 2 + 2 * LONGEST)
        c = tail(start, stop, count)
        first = depth(start)
        s = np.linspace(first, stop, 200_001)
        q = start + (s - first) * np.polyval(c[::-1], s - first)
        dq = np.polyval((c * np.arange(1, count + 1))[::-1], s - first)
        h = np.exp((s * s - q * q) / 2) * dq / s
        print(f"tail from {start}: depth {float(first)!r}, end {q[-1]:.5f}, h {h.min():.7f} to {h.max():.7f}")
        print("   ", ", ".join(repr(float(x)) for x in c))


def log_ratio(f):
    """-log1p(f) / f."""
    return -mp.log1p(f) / f if f else mp.mpf(-1)


def log_rest(z):
    """(2 atanh(s) / s - 2) / s^2 with s^2 = z."""
    root = mp.sqrt(z)
    return (2 * mp.atanh(root) / root - 2) / z if z else mp.mpf(2) / 3


def sine(z):
    """sin(pi/2 s) / s with s^2 = z."""
    return mp.sin(mp.pi / 2 * mp.sqrt(z)) / mp.sqrt(z) if z else mp.pi / 2


def cosine(z):
    """cos(pi/2 s) with s^2 = z."""
    return mp.cos(mp.pi / 2 * mp.sqrt(z))


def growth(r):
    """(exp(r) - 1) / r."""
    return mp.expm1(r) / r if r else mp.mpf(1)


def show_elementary():
    """The logarithm, the sine, the cosine and the exponential function, in both precisions."""
    f32, f64, root, quarter = np.float32, np.float64, mp.sqrt(2), mp.mpf(1) / 4
    low, high = 1 / root - 1, root - 1
    fit = pinned(log_ratio, -1, low, high, 8)
    show("-log1p(f)/f, f in [sqrt(1/2)-1, sqrt(2)-1], float32", log_ratio, fit, low, high, f32)
    high = ((root - 1) / (root + 1)) ** 2
    show("(2 atanh(s)/s - 2)/s^2 in s^2, float64", log_rest, interpolate(log_rest, 0, high, 6), 0, high, f64)
    fit = interpolate(sine, 0, quarter, 3)
    show("sin(pi/2 s)/s in s^2, |s| <= 1/2, float32", sine, fit, 0, quarter, f32)
    show("cos(pi/2 s) in s^2, float32", cosine, pinned(cosine, 1, 0, quarter, 4), 0, quarter, f32)
    show("sin(pi/2 s)/s in s^2, float64", sine, interpolate(sine, 0, quarter, 6), 0, quarter, f64)
    show("cos(pi/2 s) in s^2, float64", cosine, pinned(cosine, 1, 0, quarter, 7), 0, quarter, f64)
    half = mp.log(2) / 2
    show("(exp(r) - 1)/r, |r| <= log(2)/2, float32", growth, interpolate(growth, -half, half, 5), -half, half, f32)
    show("(exp(r) - 1)/r, float64", growth, interpolate(growth, -half, half, 10), -half, half, f64)


def main():
    """Derive and print everything."""
    arguments.parser(__doc__).parse_args()
    show_elementary()
    for count in (8, 9, 10, 11, 12):
        show_central(count)
    show_tails()


if __name__ == "__main__":
    main()
