"""The samplers of `numpy.random.Generator`, each on both sides of the places where it changes its algorithm."""

import numpy as np

from docs.scripts.pages.libraries.case import DOUBLE, FLOATS, cases

#: Methods that return values without a law of their own, or none at random.
EXCEPTIONS = {
    "bit_generator": "no sampler",
    "bytes": "words, which public batteries test",
    "permutation": "the algorithm of shuffle",
    "shuffle": "the algorithm of permuted, which is tested by a margin",
    "spawn": "no sampler",
}


def _scalars(call, dtype, seed):
    """A method that takes a size, and a dtype if it has several."""
    method = getattr(np.random.default_rng(seed), call.name)
    several = call.name in ("random", "standard_normal", "standard_exponential", "standard_gamma", "integers")
    named = {**call.named, **({"dtype": np.dtype(dtype).type} if several else {})}
    return lambda count: method(*call.positional, size=count, **named)


def _margin(call, dtype, seed):
    """The last number of each row of a method that makes rows."""
    draw = _scalars(call, dtype, seed)
    return lambda count: np.ascontiguousarray(draw(count)[:, -1])


def _rounded(make):
    """The same values in float32."""

    def rounding(call, dtype, seed):
        draw = make(call, "float64", seed)
        return lambda count: draw(count).astype(dtype)

    return rounding


def _permuted(call, dtype, seed):
    """The last number of each permuted row."""
    rng = np.random.default_rng(seed)
    rows = np.arange(*call.positional)
    return lambda count: np.ascontiguousarray(rng.permuted(np.tile(rows, (count, 1)), axis=1)[:, -1])


_REAL = {
    "beta(0.1, 0.7)": "beta(0.1, 0.7)",
    "beta(1, 1)": "uniform(0, 1)",
    "beta(0.5, 3)": "beta(0.5, 3)",
    "beta(50, 3)": "beta(50, 3)",
    "chisquare(0.5)": "chi2(0.5)",
    "chisquare(3)": "chi2(3)",
    "exponential(2)": "expon(0, 2)",
    "f(3, 4)": "f(3, 4)",
    "f(0.5, 30)": "f(0.5, 30)",
    "gamma(0.05, 2)": "gamma(0.05, 0, 2)",
    "gamma(3.5, 2)": "gamma(3.5, 0, 2)",
    "gumbel(1, 2)": "gumbel_r(1, 2)",
    "laplace(1, 2)": "laplace(1, 2)",
    "logistic(1, 2)": "logistic(1, 2)",
    "lognormal(-1, 0.25)": "lognorm(0.25, 0, 0.36787944117144233)",
    "lognormal(0, 3)": "lognorm(3)",
    "noncentral_chisquare(3, 2)": "ncx2(3, 2)",
    "noncentral_chisquare(0.5, 2)": "ncx2(0.5, 2)",
    "noncentral_f(3, 4, 2)": "ncf(3, 4, 2)",
    "normal(1, 2)": "norm(1, 2)",
    "pareto(3)": "lomax(3)",
    "pareto(0.5)": "lomax(0.5)",
    "power(0.3)": "powerlaw(0.3)",
    "power(5)": "powerlaw(5)",
    "rayleigh(2)": "rayleigh(0, 2)",
    "standard_cauchy()": "cauchy()",
    "standard_t(2.5)": "t(2.5)",
    "standard_t(100)": "t(100)",
    "triangular(-1, 0, 3)": "triang(0.25, -1, 4)",
    "triangular(0, 1, 1)": "triang(1)",
    "uniform(-1.5, 2.5)": "uniform(-1.5, 4)",
    "vonmises(0, 1e-9)": "uniform(-3.141592653589793, 6.283185307179586)",
    "vonmises(0, 1e-6)": "vonmises(1e-6)",
    "vonmises(0, 0.5)": "vonmises(0.5)",
    "vonmises(0, 4)": "vonmises(4)",
    "vonmises(0, 1e5)": "vonmises(1e5)",
    "wald(1, 2)": "invgauss(0.5, 0, 2)",
    "wald(1e3, 1)": "invgauss(1e3)",
    "wald(1e6, 1)": "invgauss(1e6)",
    "weibull(0.7)": "weibull_min(0.7)",
    "weibull(5)": "weibull_min(5)",
}
_DISCRETE = {
    "binomial(20, 0.3)": "binom(20, 0.3)",
    "binomial(20, 0.9)": "binom(20, 0.9)",
    "binomial(99, 0.3)": "binom(99, 0.3)",
    "binomial(101, 0.3)": "binom(101, 0.3)",
    "binomial(1000, 0.5)": "binom(1000, 0.5)",
    "binomial(1000000, 0.03)": "binom(1000000, 0.03)",
    "binomial(1000000000, 0.6)": "binom(1000000000, 0.6)",
    "choice(4, p=(0.1, 0.2, 0.3, 0.4))": "chances(0.1, 0.2, 0.3, 0.4)",
    "choice(100)": "randint(0, 100)",
    "geometric(0.4)": "geom(0.4)",
    "geometric(0.3)": "geom(0.3)",
    "geometric(1e-4)": "geom(1e-4)",
    "geometric(1e-9)": "geom(1e-9)",
    "hypergeometric(30, 70, 5)": "hypergeom(100, 30, 5)",
    "hypergeometric(30, 70, 20)": "hypergeom(100, 30, 20)",
    "hypergeometric(30, 70, 95)": "hypergeom(100, 30, 95)",
    "hypergeometric(400000000, 500000000, 100000)": "hypergeom(900000000, 400000000, 100000)",
    "logseries(0.3)": "logser(0.3)",
    "logseries(0.99)": "logser(0.99)",
    "negative_binomial(3, 0.2)": "nbinom(3, 0.2)",
    "negative_binomial(0.3, 0.01)": "nbinom(0.3, 0.01)",
    "poisson(0.01)": "poisson(0.01)",
    "poisson(9.9)": "poisson(9.9)",
    "poisson(10)": "poisson(10)",
    "poisson(30.5)": "poisson(30.5)",
    "poisson(1e6)": "poisson(1e6)",
    "poisson(1e12)": "poisson(1e12)",
    "zipf(1.1)": "zipf(1.1)",
    "zipf(1.5)": "zipf(1.5)",
    "zipf(4)": "zipf(4)",
}
#: So close to 1 that doubles are too coarse an edge of a cell: the values are rounded to float32 first.
_ROUNDED = {
    "beta(0.1, 0.3)": "beta(0.1, 0.3)",
    "beta(1e-3, 2e-3)": "beta(1e-3, 2e-3)",
}
_ROUNDED_ROWS = {"dirichlet((0.05, 0.02, 0.03))": "beta(0.03, 0.07)"}
_ROWS = {
    "dirichlet((2, 3, 0.5))": "beta(0.5, 5)",
    "multivariate_normal((0, 1), ((1, 0.5), (0.5, 4)))": "norm(1, 2)",
}
_DISCRETE_ROWS = {
    "multinomial(20, (0.2, 0.5, 0.3))": "binom(20, 0.3)",
    "multivariate_hypergeometric((30, 40, 30), 20)": "hypergeom(100, 30, 20)",
    "multivariate_hypergeometric((30, 40, 30), 20, method='count')": "hypergeom(100, 30, 20)",
}
_TYPED = {
    "random()": "uniform(0, 1)",
    "standard_exponential()": "expon()",
    "standard_exponential(method='inv')": "expon()",
    "standard_gamma(0.05)": "gamma(0.05)",
    "standard_gamma(0.5)": "gamma(0.5)",
    "standard_gamma(1)": "expon()",
    "standard_gamma(3.5)": "gamma(3.5)",
    "standard_gamma(1e4)": "gamma(1e4)",
    "standard_normal()": "norm()",
}
_NUMPY = "numpy", "rng.{}"
CASES = [
    *cases(*_NUMPY, _scalars, FLOATS, _TYPED),
    *cases(*_NUMPY, _scalars, DOUBLE, _REAL),
    *cases("numpy", "rng.{}.astype", _rounded(_scalars), ("float32",), _ROUNDED),
    *cases("numpy", "rng.{}.astype", _rounded(_margin), ("float32",), _ROUNDED_ROWS, 2**20),
    *cases(*_NUMPY, _scalars, ("int64",), _DISCRETE),
    *cases(*_NUMPY, _scalars, ("int8", "uint64"), {"integers(0, 100)": "randint(0, 100)"}),
    *cases(*_NUMPY, _scalars, ("int32", "uint32"), {"integers(0, 2000000000)": "randint(0, 2000000000)"}),
    *cases(*_NUMPY, _margin, DOUBLE, _ROWS, 2**20),
    *cases(*_NUMPY, _margin, ("int64",), _DISCRETE_ROWS, 2**20),
    *cases(*_NUMPY, _permuted, ("int64",), {"permuted(5)": "randint(0, 5)"}, 2**20),
]
