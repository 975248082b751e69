"""Tests of whether values depend on one another: lags, lanes, repeats, partners.

They take a block in the order in which it was drawn, and compare values, and distances from the mean, both standardised.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import fft, special, stats

from fastinit.arguments import dtypes
from fastinit.check import distinct
from fastinit.check.exact import Array, Floats
from fastinit.check.fits import cells_row, chi_squared, count_row
from fastinit.check.results import Row, fault_row

NEAR, FAR = 4096, 1 << 16  # lags tested together, and those of which the largest is tested
#: With fewer values nothing is said about their order.
LEAST = 256
LANES = 128
WINDOW = 16  # bytes
WINDOWS = 1 << 20
#: Largest skewness and excess kurtosis of a sum of products that counts as normal: rare ones among zeros are not.
SKEWED, PEAKED = 0.02, 0.01
RARE = 1e-4  # repeats of windows expected by chance, at most
#: Cells of a pair's angle or radius, and on each side of the table of both.
CIRCLE, SQUARE = 4096, 64
#: Values of one plane of a tile, by the bytes of the computing type (docs/stream-format.md, section 3).
PLANE = {4: 32, 8: 16}


def standardised(x: Array) -> Floats:
    """Mean 0 and deviation 1."""
    y = np.asarray(x, np.float64)
    return np.asarray((y - y.mean()) / max(float(y.std()), 1e-300))


def ranks(x: Array) -> Floats:
    """The mean place of each value in ascending order: as a series, it has no heavy tails."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - counts / 2)[inverse], np.float64)


def _two_ways(x: Array) -> Iterator[tuple[str, Floats]]:
    if not np.ptp(x):  # equal values have no order
        return
    y = standardised(x)
    yield "values", y
    distances = np.abs(y)
    if np.ptp(distances) > 1e-9:  # signs have none
        yield "distances", standardised(distances)


def _products(y: Floats) -> tuple[float, float]:
    """The third and fourth moments of products of two independent standardised values."""
    square = y * y
    return float((square * y).mean()) ** 2, float((square * square).mean()) ** 2


def correlogram(y: Floats, most: int) -> Floats:
    """Circular autocorrelations at lags 1 .. `most`, in units of their deviation.

    Computed in float32, which is wrong by 10^-4 of a deviation.
    """
    spectrum = fft.rfft(y.astype(np.float32), workers=-1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(fft.irfft(power, len(y), workers=-1)[1 : most + 1] / math.sqrt(len(y)), np.float64)


def largest_of(z: Floats) -> float:
    """Chance that the largest of this many normal statistics is as large."""
    one = 2.0 * float(stats.norm.sf(np.abs(z).max()))
    return -math.expm1(len(z) * math.log1p(-min(one, 1 - 1e-16)))


def lags(x: Array) -> Iterator[Row]:
    """Correlations with later values: all near lags together, and the largest of many."""
    x = x[: 1 << (len(x).bit_length() - 1)]
    far = min(FAR, len(x) // 16)
    for name, y in _two_ways(x):
        third, fourth = _products(y)
        if third / math.sqrt(len(y)) > SKEWED or fourth / len(y) > PEAKED:
            continue
        z = correlogram(y, far)
        near = min(NEAR, len(x) // 64)  # of more lags than that, the sum would vary more than chi-squared does
        yield chi_squared("lags", f"{name}, lags 1 to {near}", float((z[:near] ** 2).sum()), near)
        at = int(np.abs(z).argmax())
        detail = f"{z[at] / math.sqrt(len(x)):.3g} at lag {at + 1}, {abs(z[at]):.1f} standard errors"
        yield Row("lags", f"{name}, largest of lags 1 to {far}", float(np.abs(z).max()), largest_of(z), detail=detail)


def lanes(x: Array) -> Iterator[Row]:
    """Means of the 128 places in a row of 128 values, and the correlations of these places."""
    if len(x) < LANES * 64:
        return
    for name, y in _two_ways(x[: len(x) // LANES * LANES]):
        rows = y.reshape(-1, LANES)
        count = len(rows)
        if _products(y)[1] / count > 10 * PEAKED:  # single ones are not judged, only the sum of many
            continue
        yield chi_squared("lanes", f"{name}, means of {LANES} lanes", float((rows.mean(0) ** 2).sum() * count), LANES - 1)
        z = (rows.T @ rows)[np.triu_indices(LANES, 1)] / math.sqrt(count)
        yield chi_squared("lanes", f"{name}, {len(z)} pairs of lanes", float((z**2).sum()), len(z))


def _mixed(data: Array, parts: int) -> Array:
    """A 64-bit hash of each window of `parts` times 16 bytes."""
    words = data.view(np.uint64).reshape(-1, 2 * parts)
    mixed = np.zeros(len(words), np.uint64)
    for column in words.T:
        mixed = (mixed ^ (mixed >> np.uint64(29)) ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(31))


def repeated_windows(x: Array) -> Iterator[Row]:
    """Windows of bytes that repeat, which a tile or a counter used twice would give. They are compared by a 64-bit hash.

    A window has as many times 16 bytes as are needed to make a repeat by chance rarer than one in 10,000 blocks.
    """
    data, size = np.ascontiguousarray(x).view(np.uint8), x.dtype.itemsize
    counts = np.unique(x[: 1 << 18].view(f"u{size}"), return_counts=True)[1].astype(np.float64)
    total = counts.sum()
    alike = max(float((counts * (counts - 1)).sum()) / total / (total - 1), 2.0 ** (-8 * size))
    for parts in (1, 2, 4, 8):
        window = WINDOW * parts
        windows = min(len(data) // window, WINDOWS)
        expected = windows**2 / 2 * (alike ** (window // size) + 2.0**-64)
        if expected < RARE:
            mixed = _mixed(data[: windows * window], parts)
            repeats = len(mixed) - distinct.different(mixed)
            yield count_row("repeats", f"repeated runs of {window} bytes", repeats, expected)
            return


def partners(x: Array, real: dtypes.Real) -> tuple[Floats, Floats]:
    """The values that share a pair of words: those of the cosine and those of the sine."""
    plane = PLANE[real.compute.itemsize]
    tiles = np.asarray(x[: len(x) // (2 * plane) * 2 * plane], np.float64).reshape(-1, 2, plane)
    return tiles[:, 0].ravel(), tiles[:, 1].ravel()


def pairs(x: Array, real: dtypes.Real) -> Iterator[Row]:
    """Tests of Box and Muller's pairs: the angle, the radius, both, and that the radius has more than 24 bits.

    The uniform number of a radius is exp(-r^2 / 2). If it is below 2^-12, float32 values show where it lies between multiples
    of 2^-24. That must be uniform; a number of 24 bits would lie on the multiples.
    """
    cosine, sine = partners(x, real)
    radius, angle = np.exp(-(cosine**2 + sine**2) / 2), np.arctan2(sine, cosine) / (2 * np.pi) % 1.0
    coarse = []
    for name, u in (("angle", angle), ("radius", radius)):
        places = np.minimum((u * CIRCLE).astype(np.int64), CIRCLE - 1)
        yield cells_row("pairs", f"{name}, {CIRCLE} cells", np.bincount(places, minlength=CIRCLE), len(u) / CIRCLE)
        coarse.append(places // (CIRCLE // SQUARE))
    both = np.bincount(coarse[0] * SQUARE + coarse[1], minlength=SQUARE**2)
    yield cells_row("pairs", f"angle by radius, {SQUARE} x {SQUARE} cells", both, len(angle) / SQUARE**2)
    rest = radius[radius < 2.0**-12] * 2.0**24 % 1.0
    if len(rest) >= 50:
        distance = stats.kstest(rest, "uniform").statistic
        p = float(special.kolmogorov((math.sqrt(len(rest)) + 0.12) * distance))
        yield Row("pairs", "radius between multiples of 2^-24", float(distance), p)


def rows(x: Array, *, partners_of: dtypes.Real | None, series: Array | None = None) -> Iterator[Row]:
    """All tests of a block; those of pairs only for a dtype whose partners are known.

    `series` stands for the values in the tests of lags and lanes: their ranks, if their tails are heavy.
    """
    y = np.asarray(x if series is None else series, np.float64)
    if not np.isfinite(y).all():
        yield fault_row("lags", "values that are finite", 1)
        return
    if len(y) < LEAST or np.ptp(y) == 0.0:
        return
    yield from lags(y)
    yield from lanes(y)
    yield from repeated_windows(x)
    if partners_of is not None:
        yield from pairs(x, partners_of)
