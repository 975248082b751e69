"""Jumps in the sequence of mt19937: powers of x modulo its characteristic polynomial, over the field of two elements.

A polynomial is an int whose bit i is the coefficient of x^i. If g = x^J modulo that polynomial, word J + k of the sequence is
the exclusive or of the words i + k for all i with bit i of g set. H. Haramoto and others, "Efficient jump ahead for F2-linear
random number generators", 2008.
"""

from __future__ import annotations

import functools

import numpy as np

from fastinit.kernels import cache
from fastinit.torch.values.twister import TWIST, M, N

DEGREE = 32 * N - 31
#: Bits of a byte with zeros between them: squaring a polynomial spreads its bits.
_SPREAD = np.array([sum(1 << 2 * i for i in range(8) if byte >> i & 1) for byte in range(256)], "<u2")


def ones(polynomial: int) -> list[int]:
    """The exponents of a polynomial."""
    size = (polynomial.bit_length() + 7) // 8
    bits = np.unpackbits(np.frombuffer(polynomial.to_bytes(size, "little"), np.uint8), bitorder="little")
    return [int(i) for i in np.flatnonzero(bits)]


def _product(a: int, b: int) -> int:
    """The product of two polynomials, of which the second has few terms."""
    result = 0
    for i in ones(b):
        result ^= a << i
    return result


@functools.cache
def characteristic() -> tuple[int, ...]:
    """The exponents of the characteristic polynomial without its highest.

    With s = x^N + x^M, t = x^(N-1) + x^(M-1) and the bits a_i of the twist it is s (t^31 + a_0 t^30 + ... + a_30) + a_31. That
    is what the recurrence says of single bits, put together (Matsumoto and Nishimura, appendix A).
    """
    s, t = 1 << N | 1 << M, 1 << (N - 1) | 1 << (M - 1)
    result = 1
    for i in range(31):
        result = _product(result, t) ^ (TWIST >> i & 1)
    result = _product(result, s) ^ TWIST >> 31
    return tuple(ones(result ^ 1 << DEGREE))


def _reduced(polynomial: int) -> int:
    """The remainder by the characteristic polynomial."""
    while polynomial >> DEGREE:
        high = polynomial >> DEGREE
        polynomial ^= high << DEGREE
        for i in characteristic():
            polynomial ^= high << i
    return polynomial


def squared(polynomial: int) -> int:
    """The square modulo the characteristic polynomial."""
    content = polynomial.to_bytes((polynomial.bit_length() + 7) // 8, "little")
    return _reduced(int.from_bytes(_SPREAD[np.frombuffer(content, np.uint8)].tobytes(), "little"))


def power(base: int, doublings: int) -> int:
    """x^(base 2^doublings) modulo the characteristic polynomial, for a base below its degree; made once and kept on disk."""

    def make() -> bytes:
        result = 1 << base
        for _ in range(doublings):
            result = squared(result)
        return result.to_bytes(4 * N, "little")

    return int.from_bytes(cache.stored(f"torch-jump-{base}-{doublings}", make), "little")
