"""Every sampler against its exact law, and the tests themselves against samplers that are broken on purpose."""

import math

import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from tests.statistics import edge_bins, equally_likely, fits_bins, follows, require, uncorrelated

N = 1 << 21
INF = math.inf
REALS = ["float32", "float64"]
INTERVALS = [
    (-2, 2), (-1, 1), (-1.2, 1.2), (-3, 3), (-0.5, 2), (-0.3, 0.4), (-0.4, INF), (-0.5, INF), (-0.1, 1.4), (-INF, 1),
    (-2.5, 0.5), (0, INF), (-INF, 0), (0.2, INF), (0.5, INF), (2, INF), (8, INF), (-INF, -30), (1000, INF),
    (0, 0.5), (0, 1.5), (0.1, 2.5), (1, 1.5), (2, 2.5), (3, 3.000001), (-8.1, -8), (5, 500),
]  # fmt: skip


def partners(x, plane):
    """The two halves of a tile: the cosine's and the sine's values of the same pairs of words."""
    tiles = x[: len(x) // (2 * plane) * 2 * plane].reshape(-1, 2, plane)
    return tiles[:, 0].ravel(), tiles[:, 1].ravel()


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("a", "b"), INTERVALS)
def test_truncated_normal(a, b, dtype):
    x = fi.default_rng(101).truncated_normal(a, b, size=N, dtype=dtype).astype(np.float64)
    assert a <= x.min()
    assert x.max() <= b
    law = stats.truncnorm(a, b)
    if len(np.unique(x)) > 1000:  # else each number has a weight of its own: test_narrow_window
        follows(x, law, f"[{a}, {b}]")
    edges = edge_bins(law, N)
    if np.diff(edges).min() > 50 * np.spacing(np.abs(x).max().astype(dtype)):  # no bin as narrow as the dtype's steps
        fits_bins(x, law, edges, f"[{a}, {b}]")
    uncorrelated(x[:-1], x[1:], f"[{a}, {b}] neighbours")
    uncorrelated(*partners(x, 32 if dtype == "float32" else 16), f"[{a}, {b}] partners")


def cell_mass(values, law):
    """The mass of what rounds to each of some numbers of a dtype; at a bound, the part of the cell inside it."""
    below = (values.astype(np.float64) + np.nextafter(values, values.dtype.type(-INF)).astype(np.float64)) / 2
    above = (values.astype(np.float64) + np.nextafter(values, values.dtype.type(INF)).astype(np.float64)) / 2
    low, high = law.support()
    below, above = np.clip(below, low, high), np.clip(above, low, high)
    below[0] = low if below[0] - low < np.spacing(values[0]) else below[0]  # what would round out of the bounds stays in
    above[-1] = high if high - above[-1] < np.spacing(values[-1]) else above[-1]
    return np.where(above <= law.median(), law.cdf(above) - law.cdf(below), law.sf(below) - law.sf(above))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("a", "b", "loc", "scale"), [(-2, 2, 0, 1), (1, 1.5, 0, 1), (8, INF, -3, 0.5), (-0.3, 0.1, 7, 3)])
def test_each_number_of_the_dtype_gets_its_share(a, b, loc, scale, dtype):
    x = fi.default_rng(102).truncated_normal(a, b, loc, scale, size=N, dtype=dtype)
    words, counts = np.unique(x.view(np.uint16), return_counts=True)
    order = np.argsort(words.view(x.dtype).astype(np.float64))
    values, counts = words.view(x.dtype)[order], counts[order]
    expected = cell_mass(values, stats.truncnorm(a, b, loc, scale)) * N
    often = expected > 10
    observed = np.append(counts[often], N - counts[often].sum())
    expected = np.append(expected[often], max(N - expected[often].sum(), 0))
    keep = expected > 1
    statistic = ((observed[keep] - expected[keep]) ** 2 / expected[keep]).sum()
    require(stats.chi2.sf(statistic, keep.sum() - 1), f"{dtype} cells of [{a}, {b}]")


def test_narrow_window():
    """[3, 3.000001] holds five float32 numbers; the law is flat to 3e-6 there, so each gets its cell's width."""
    x = fi.default_rng(103).truncated_normal(3, 3.000001, size=N)
    ulp = 2.0**-22
    k = np.rint((x.astype(np.float64) - 3) / ulp).astype(int)
    edges = np.minimum([0, 0.5, 1.5, 2.5, 3.5, 1e-6 / ulp], 1e-6 / ulp)
    require(stats.chisquare(np.bincount(k, minlength=5), np.diff(edges) / edges[-1] * N).pvalue, "five numbers")


def test_window_of_one_number():
    one = np.nextafter(np.float32(1), np.float32(2))
    x = fi.default_rng(104).truncated_normal(1.00000011, 1.00000013, size=1000, units="absolute")
    assert np.all(x == one)


@pytest.mark.parametrize("dtype", REALS)
def test_normal(dtype):
    x = fi.default_rng(105).normal(size=8 * N, dtype=dtype).astype(np.float64)
    follows(x[:N], stats.norm(), "normal")
    fits_bins(x, stats.norm(), edge_bins(stats.norm(), 8 * N), "normal")
    for k in range(1, 9):
        mean = 0 if k % 2 else math.prod(range(k - 1, 0, -2))
        variance = math.prod(range(2 * k - 1, 0, -2)) - mean**2
        z = (np.mean(x**k) - mean) / math.sqrt(variance / len(x))
        require(2 * stats.norm.sf(abs(z)), f"moment {k}")
    for bound in (3, 4, 4.5, 5):
        for tail in (x, -x):
            expected = stats.norm.sf(bound) * len(x)
            observed = int((tail > bound).sum())
            require(
                min(1, 2 * min(stats.poisson.cdf(observed, expected), stats.poisson.sf(observed - 1, expected))),
                f"beyond {bound}",
            )
    for lag in (1, 2, 3, 16, 31, 32, 33, 64, 128, 8192):
        uncorrelated(x[:-lag], x[lag:], f"lag {lag}")
    uncorrelated(*partners(x, 32 if dtype == "float32" else 16), "partners")


@pytest.mark.parametrize("dtype", REALS)
def test_radius_and_angle(dtype):
    """Of a pair, r^2 is exponential and the angle uniform, each in 2^12 cells, and jointly in 64 x 64."""
    x, y = partners(fi.default_rng(106).normal(size=2 * N, dtype=dtype).astype(np.float64), 32 if dtype == "float32" else 16)
    u, v = np.exp(-(x * x + y * y) / 2), np.arctan2(y, x) / (2 * np.pi) % 1
    for name, w in (("radius", u), ("angle", v)):
        equally_likely(np.minimum((w * 4096).astype(int), 4095), 4096, name)
    joint = np.minimum((u * 64).astype(int), 63) * 64 + np.minimum((v * 64).astype(int), 63)
    equally_likely(joint, 4096, "radius and angle")


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 24), ("float64", 53)])
def test_uniform(dtype, bits):
    x = fi.default_rng(107).uniform(size=8 * N, dtype=dtype)
    k = (x.astype(np.float64) * 2.0**bits).astype(np.int64)
    assert np.all(k.astype(np.float64) * 2.0**-bits == x)
    for shift in range(0, bits - 15, 9):
        equally_likely((k >> shift) & 0xFFFF, 1 << 16, f"bits from {shift}")
    uncorrelated(x[:-1].astype(np.float64), x[1:].astype(np.float64), "neighbours")


def test_bits():
    words = fi.default_rng(108).bits(4 * N)
    for shift in (0, 8, 16):
        equally_likely((words >> shift) & 0xFFFF, 1 << 16, f"bits from {shift}")
    assert len(np.unique(words[: 1 << 20])) > (1 << 20) - 400  # 128 repeats expected among 2^20 of 2^32, deviation 11


def test_streams_are_independent():
    rng = fi.default_rng(109)
    first, second = rng.normal(size=N), rng.normal(size=N)
    others = {
        "next call": second,
        "next seed": fi.default_rng(110).normal(size=N),
        "named child": rng.child("a").normal(size=N),
        "other name": rng.child("b").normal(size=N),
        "numbered child": rng.spawn(1)[0].normal(size=N),
    }
    for what, x in others.items():
        uncorrelated(first.astype(np.float64), x.astype(np.float64), what)
    uncorrelated(others["named child"].astype(np.float64), others["other name"].astype(np.float64), "two names")


def test_sixteen_bit_uniform_takes_every_number():
    """bfloat16 has 128 numbers in [1/2, 1) and as many in each octave below: all those with 200 or more expected appear."""
    x = fi.default_rng(111).uniform(size=N, dtype="bfloat16").astype(np.float32)
    octaves = np.unique(np.floor(np.log2(x[x > 0])))
    for octave in octaves[octaves > -6]:
        inside = x[(x >= 2.0**octave) & (x < 2.0 ** (octave + 1))]
        assert len(np.unique(inside)) == 128


# --- the same tests must fail on broken samplers -----------------------------------------------------------------------


def broken():
    rng = fi.default_rng(112)
    z = rng.normal(size=N).astype(np.float64)
    law = stats.truncnorm(-2, 2)
    two = rng.truncated_normal(size=N).astype(np.float64)
    tile = np.tile(z[:4096], N // 4096)
    x, y = partners(z, 32)
    k = rng.bits(N)
    return {
        "clamped at the bound": lambda: fits_bins(np.clip(z, -2, 2), law, edge_bins(law, N), "x"),
        "deviation one percent off": lambda: follows(z * 1.01, stats.norm(), "x"),
        "one tile repeated": lambda: follows(tile, stats.norm(), "x"),
        "the cosine twice": lambda: uncorrelated(x, x, "x"),
        "sine and cosine of half a turn": lambda: uncorrelated(x, np.abs(y) * np.sign(x), "x"),
        "modulo bias": lambda: equally_likely(k % 48000 % 32768, 32768, "x"),
        "values in steps of 1/128": lambda: follows((two * 128).round() / 128, law, "x"),
        "normals from seven bits": lambda: follows(stats.norm.ppf((k % 128 + 0.5) / 128), stats.norm(), "x"),
        "a quarter lost near the bound": lambda: fits_bins(
            two[(np.abs(two) < 1.99) | (np.arange(N) % 4 > 0)], law, edge_bins(law, N), "x"
        ),
    }  # fmt: skip


@pytest.mark.parametrize("defect", list(broken()))
def test_defects_are_found(defect):
    with pytest.raises(AssertionError, match="p = "):
        broken()[defect]()
