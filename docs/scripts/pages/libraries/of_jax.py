"""The samplers of `jax.random` on a CPU, jitted, with the default keys."""

import functools
from importlib import import_module

import numpy as np

from docs.scripts.pages.libraries.case import cases

#: Names of `jax.random` that have no case, and why.
EXCEPTIONS = {
    "PRNGKey": "a key",
    "clone": "a key",
    "fold_in": "a key",
    "key": "a key",
    "key_data": "a key",
    "key_dtype": "a key",
    "key_impl": "a key",
    "permutation": "an order, no law of a value",
    "random_gamma_p": "a primitive, that of gamma",
    "split": "a key",
    "wrap_key_data": "a key",
}


def _draw(call, dtype, seed, column, rest=()):
    """Successive arrays of a function, each of its own key; `rest` ends their shape, and `column` takes one number of a row."""
    jax = import_module("jax")
    jax.config.update("jax_platforms", "cpu")
    function, key, calls = getattr(jax.random, call.name), jax.random.key(seed), 0
    wide, real = dtype.endswith("64"), dtype if dtype.startswith("float") else "float32"
    typed = {} if call.name in ("bernoulli", "categorical", "choice") else {"dtype": dtype}

    @functools.partial(jax.jit, static_argnums=2)
    def values(key, number, count):
        arrays = [np.asarray(x, real) if type(x) is tuple else x for x in call.positional]
        named = {name: np.asarray(x, real) if type(x) is tuple else x for name, x in call.named.items()}
        return column(function(jax.random.fold_in(key, number), *arrays, shape=(count, *rest), **named, **typed))

    def draw(count):
        nonlocal calls
        calls += 1
        with jax.enable_x64(wide):
            return np.asarray(values(key, calls, count))

    return draw


def _values(call, dtype, seed):
    """A function of single numbers."""
    return _draw(call, dtype, seed, lambda x: x)


def _rows(call, dtype, seed):
    """The last number of a row, or of the first row of a matrix."""
    return _draw(call, dtype, seed, lambda x: x[..., -1] if x.ndim == 2 else x[:, 0, -1])


def _multinomial(call, dtype, seed):
    """Its shape has the length of a row."""
    return _draw(call, dtype, seed, lambda x: x[:, -1], (len(call.positional[1]),))


_REAL = {
    "uniform()": "uniform(0, 1)",
    "uniform(minval=-1.5, maxval=2.5)": "uniform(-1.5, 4)",
    "normal()": "norm()",
    "truncated_normal(-2.0, 2.0)": "truncnorm(-2, 2)",
    "truncated_normal(1.0, 2.0)": "truncnorm(1, 2)",
    "exponential()": "expon()",
    "gumbel()": "gumbel_r()",
    "gumbel(mode='high')": "gumbel_r()",
    "laplace()": "laplace()",
    "logistic()": "logistic()",
    "cauchy()": "cauchy()",
    "lognormal()": "lognorm(1)",
    "lognormal(0.25)": "lognorm(0.25)",
    "maxwell()": "maxwell()",
    "double_sided_maxwell(0.0, 1.0)": "double_sided_maxwell(0.0, 1.0)",
    "rayleigh(2.0)": "rayleigh(0, 2)",
    "pareto(3.0)": "pareto(3)",
    "pareto(0.5)": "pareto(0.5)",
    "weibull_min(1.0, 0.7)": "weibull_min(0.7)",
    "weibull_min(1.0, 5.0)": "weibull_min(5)",
    "triangular(-1.0, 0.0, 3.0)": "triang(0.25, -1, 4)",
    "wald(2.0)": "invgauss(2)",
    "wald(1000.0)": "invgauss(1000)",
    "gamma(0.05)": "gamma(0.05)",
    "gamma(0.5)": "gamma(0.5)",
    "gamma(1.0)": "expon()",
    "gamma(3.5)": "gamma(3.5)",
    "gamma(1e4)": "gamma(1e4)",
    "loggamma(0.05)": "loggamma(0.05)",
    "loggamma(3.5)": "loggamma(3.5)",
    "chisquare(0.5)": "chi2(0.5)",
    "chisquare(3.0)": "chi2(3)",
    "t(2.5)": "t(2.5)",
    "t(100.0)": "t(100)",
    "f(3.0, 4.0)": "f(3, 4)",
    "beta(0.1, 0.7)": "beta(0.1, 0.7)",
    "beta(50.0, 3.0)": "beta(50, 3)",
    "generalized_normal(0.7)": "gennorm(0.7)",
    "generalized_normal(3.0)": "gennorm(3)",
    "binomial(20.0, 0.3)": "binom(20, 0.3)",
    "binomial(20.0, 0.9)": "binom(20, 0.9)",
    "binomial(40.0, 0.3)": "binom(40, 0.3)",
    "binomial(1000.0, 0.5)": "binom(1000, 0.5)",
    "binomial(1000000.0, 0.03)": "binom(1000000, 0.03)",
}
#: The samplers that the others are made of: these are tested in other dtypes too.
_BASIC = ("uniform()", "normal()", "truncated_normal(-2.0, 2.0)", "exponential()", "gumbel()", "laplace()")
_REJECTION = ("gamma(0.05)", "gamma(3.5)", "binomial(20.0, 0.3)", "binomial(1000.0, 0.5)")
_WHOLE = {
    "poisson(0.01)": "poisson(0.01)",
    "poisson(9.9)": "poisson(9.9)",
    "poisson(10.0)": "poisson(10)",
    "poisson(30.5)": "poisson(30.5)",
    "poisson(1e6)": "poisson(1e6)",
    "geometric(0.4)": "geom(0.4)",
    "geometric(1e-3)": "geom(1e-3)",
    "geometric(1e-5)": "geom(1e-5)",
    "randint(minval=0, maxval=100)": "randint(0, 100)",
    "randint(minval=0, maxval=2000000000)": "randint(0, 2000000000)",
    "rademacher()": "signs()",
}
_PLACES = {
    "categorical((0.0, 0.6931472, 1.0986123, 1.3862944))": "chances(0.1, 0.2, 0.3, 0.4)",
    "choice(4, p=(0.1, 0.2, 0.3, 0.4))": "chances(0.1, 0.2, 0.3, 0.4)",
    "choice(100)": "randint(0, 100)",
}
_ROWS = {
    "ball(3)": "beta(2, 2, -1, 2)",
    "dirichlet((2.0, 3.0, 0.5))": "beta(0.5, 5)",
    "multivariate_normal((0.0, 1.0), ((1.0, 0.5), (0.5, 4.0)))": "norm(1, 2)",
    "orthogonal(3)": "uniform(-1, 2)",
}
_MULTINOMIAL = {"multinomial(20.0, (0.2, 0.5, 0.3))": "binom(20, 0.3)"}
_NAMES = "jax", "random.{}"
CASES = [
    *cases(*_NAMES, _values, ("float32",), _REAL),
    *cases(*_NAMES, _values, ("float64",), {call: _REAL[call] for call in (*_BASIC, *_REJECTION)}),
    *cases(*_NAMES, _values, ("bfloat16",), {call: _REAL[call] for call in _BASIC[3:]}),
    *cases(*_NAMES, _values, ("int32",), _WHOLE | _PLACES),
    *cases(*_NAMES, _values, ("int64",), {call: _WHOLE[call] for call in ("geometric(1e-5)", "poisson(1e6)")}),
    *cases(*_NAMES, _values, ("int8",), {"randint(minval=0, maxval=100)": "randint(0, 100)"}),
    *cases(*_NAMES, _values, ("uint32",), {"bits()": "randint(0, 4294967296)"}),
    *cases(*_NAMES, _values, ("bool",), {"bernoulli(0.3)": "binom(1, 0.3)", "bernoulli(0.3, mode='high')": "binom(1, 0.3)"}),
    *cases(*_NAMES, _rows, ("float32",), _ROWS, 2**20),
    *cases(*_NAMES, _multinomial, ("float32",), _MULTINOMIAL, 2**20),
]
