"""Exact distributions by text: those of `scipy.stats`, and those that SciPy lacks or that it inverts slowly."""

import numpy as np
from scipy import special, stats

from fastinit.arguments import calls
from fastinit.check.known import known
from fastinit.check.numeric import Numeric


class Bounded(Numeric):
    """A law of which the chances of at most and of more than x are known, and the bounds."""

    def __init__(self, below, above, bounds):
        super().__init__(below, above)
        self._bounds = bounds

    def support(self):
        """The bounds."""
        return self._bounds


def vonmises(kappa):
    """SciPy takes minutes for 2^16 quantiles. The law is symmetric, so that the upper tail is the lower one."""
    law = stats.vonmises(kappa)

    def below(x):
        x = np.asarray(x, np.float64)
        return np.where(x <= -np.pi, 0.0, np.where(x >= np.pi, 1.0, law.cdf(np.clip(x, -np.pi, np.pi))))

    return Bounded(below, lambda x: below(-np.asarray(x)), (-np.pi, np.pi))


class _Zipf(stats.rv_discrete):
    """Zipf's law by Hurwitz's zeta function: SciPy adds up all chances."""

    def _pmf(self, k, a):
        return np.power(np.asarray(k, np.float64), -a) / special.zeta(a)

    def _cdf(self, k, a):
        return 1.0 - self._sf(k, a)

    def _sf(self, k, a):
        return special.zeta(a, np.floor(k) + 1.0) / special.zeta(a)


def zipf(a):
    """Chances in proportion to k^-a for k = 1, 2, ..."""
    return _Zipf(a=1, name="zipf")(float(a))


def kumaraswamy(a, b):
    """The law of Kumaraswamy (1980) on [0, 1]: 1 - (1 - x^a)^b."""

    def logarithm(x):
        with np.errstate(divide="ignore"):  # at 1
            return b * np.log1p(-(np.clip(x, 0.0, 1.0) ** a))

    return Bounded(lambda x: -np.expm1(logarithm(x)), lambda x: np.exp(logarithm(x)), (0.0, 1.0))


def continuous_bernoulli(p):
    """A density in proportion to p^x (1 - p)^(1 - x) on [0, 1] (Loaiza-Ganem and Cunningham, 2019)."""
    rate = np.log((1.0 - p) / p)
    whole = np.expm1(-rate)

    def below(x):
        return np.expm1(-rate * np.clip(x, 0.0, 1.0)) / whole

    def above(x):
        return np.exp(-rate * np.clip(x, 0.0, 1.0)) * np.expm1(-rate * (1.0 - np.clip(x, 0.0, 1.0))) / whole

    return Bounded(below, above, (0.0, 1.0))


def chances(*p):
    """0, 1, 2, ... with these chances."""
    return stats.rv_discrete(values=(range(len(p)), p))


def signs():
    """-1 and 1, equally likely."""
    return stats.rv_discrete(values=((-1, 1), (0.5, 0.5)))


def double_sided_maxwell(loc, scale):
    """Maxwell's law with a random sign."""
    return _two_sided(stats.maxwell(scale=scale), loc)


def _two_sided(law, loc):
    """A symmetric law about `loc` whose distance from there has this law."""

    def below(x):
        y = np.asarray(x, np.float64) - loc
        return np.where(y < 0, law.sf(-y) / 2, 0.5 + law.cdf(y) / 2)

    return Bounded(below, lambda x: below(2 * loc - np.asarray(x)), (-np.inf, np.inf))


#: What is not taken from `scipy.stats`, although most names are there too.
OWN = (vonmises, zipf, kumaraswamy, continuous_bernoulli, chances, signs, double_sided_maxwell)


def law(title, text):
    """The law that the tests need, from the text of a distribution."""
    call = calls.read(text, "the distribution", "gamma(2.0)")
    make = {each.__name__: each for each in OWN}.get(call.name) or getattr(stats, call.name)
    return known(make(*call.positional, **call.named), title=title)
