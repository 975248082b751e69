"""Statistical tests that raise by themselves.

Seeds are fixed, so a test always passes or always fails. ALPHA is the chance that a right sampler fails one test with a seed
picked blindly. Some 150 tests are made, so all of them pass at first sight 98.5 times in 100. Every defect tried in
`tests/values/test_statistics.py` gives less than 1e-9.
"""

import numpy as np
from scipy import stats

ALPHA = 1e-4


def require(p_value, what):
    assert p_value > ALPHA, f"{what}: p = {p_value:.3g}"


def follows(x, law, what):
    """Kolmogorov-Smirnov against a frozen SciPy law."""
    require(stats.kstest(law.cdf(np.asarray(x, np.float64)), "uniform").pvalue, f"{what}, Kolmogorov-Smirnov")


def uncorrelated(x, y, what):
    """Pearson correlation of values and of squares, both normal with deviation 1 / sqrt(n) for independent pairs."""
    for name, u, v in (("values", x, y), ("squares", np.square(x), np.square(y))):
        r = np.corrcoef(u, v)[0, 1]
        require(2 * stats.norm.sf(abs(r) * np.sqrt(len(x))), f"{what}, correlation of {name} {r:.3g}")


def equally_likely(k, cells, what):
    """Chi-squared of integers 0 .. cells - 1."""
    require(stats.chisquare(np.bincount(k, minlength=cells)).pvalue, f"{what}, equal cells")
