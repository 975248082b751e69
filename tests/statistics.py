"""Statistical tests that raise by themselves.

Seeds are fixed, so a test passes for ever or fails for ever. ALPHA is the chance that a right sampler fails one test with a
seed picked blindly: some 150 tests are made, so all of them pass at first sight 98.5 times in 100, while every defect tried
in `test_statistics.py` gives less than 1e-9.
"""

import numpy as np
from scipy import stats

ALPHA = 1e-4


def require(p_value, what):
    assert p_value > ALPHA, f"{what}: p = {p_value:.3g}"


def follows(x, law, what):
    """Kolmogorov-Smirnov against a frozen SciPy law."""
    require(stats.kstest(law.cdf(np.asarray(x, np.float64)), "uniform").pvalue, f"{what}, Kolmogorov-Smirnov")


def fits_bins(x, law, edges, what):
    """Chi-squared over the bins between `edges`, which must span the law; upper bins by the survival function."""
    edges = np.asarray(edges, np.float64)
    middle = law.median()
    below = np.diff(law.cdf(edges))
    above = -np.diff(law.sf(edges))
    mass = np.where(edges[1:] <= middle, below, above)
    counts = np.histogram(np.asarray(x, np.float64), edges)[0]
    assert counts.sum() == len(x), f"{what}: {len(x) - counts.sum()} values outside the bins"
    require(stats.chisquare(counts, mass / mass.sum() * len(x)).pvalue, f"{what}, chi-squared")


def edge_bins(law, count):
    """Edges at the law's quantiles, finer and finer towards both ends, with 20 expected in the outermost bins of `count`."""
    fine = np.geomspace(20 / count, 0.1, 12)
    low, high = law.support()
    return np.concatenate([[low], law.ppf(fine), law.ppf(np.linspace(0.2, 0.8, 7)), law.isf(fine[::-1]), [high]])


def uncorrelated(x, y, what):
    """Pearson correlation of values and of squares, both normal with deviation 1 / sqrt(n) for independent pairs."""
    for name, u, v in (("values", x, y), ("squares", np.square(x), np.square(y))):
        r = np.corrcoef(u, v)[0, 1]
        require(2 * stats.norm.sf(abs(r) * np.sqrt(len(x))), f"{what}, correlation of {name} {r:.3g}")


def equally_likely(k, cells, what):
    """Chi-squared of integers 0 .. cells - 1."""
    require(stats.chisquare(np.bincount(k, minlength=cells)).pvalue, f"{what}, equal cells")
