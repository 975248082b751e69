"""The samplers of torch on a CPU: methods of tensors, functions, and `torch.distributions`."""

from importlib import import_module

from docs.scripts.pages.libraries.case import FLOATS, SIXTEEN, cases
from fastinit.peers.tensors import from_torch

#: Names that look like samplers, and why they have no case.
EXCEPTIONS = {
    "_philox_normal_": "private; makes normals of two given numbers, no stream",
    "normal": "the algorithm of normal_",
    "rand_like": "the algorithm of rand",
    "randint_like": "the algorithm of randint",
    "randn_like": "the algorithm of randn",
    "randperm": "an order, no law of a value",
    "Distribution": "an abstract class",
    "ExponentialFamily": "an abstract class",
    "Independent": "of the distribution that it is given",
    "LogisticNormal": "the algorithm of Normal, with a softmax",
    "MixtureSameFamily": "of the distribution that it is given",
    "OneHotCategoricalStraightThrough": "the algorithm of OneHotCategorical",
    "RelaxedBernoulli": "its law depends on a temperature, and SciPy has none",
    "RelaxedOneHotCategorical": "its law depends on a temperature, and SciPy has none",
    "TransformedDistribution": "of the distribution that it is given",
}


def _torch():
    return import_module("torch")


def _in_place(call, dtype, seed):
    """A method that fills a tensor."""
    torch = _torch()
    method, generator = getattr(torch.Tensor, call.name), torch.Generator().manual_seed(seed)
    kind = getattr(torch, dtype)

    def draw(count):
        return from_torch(method(torch.empty(count, dtype=kind), *call.positional, generator=generator), dtype)

    return draw


def _sized(call, dtype, seed):
    """A function that takes a size."""
    torch = _torch()
    function, generator = getattr(torch, call.name), torch.Generator().manual_seed(seed)
    kind = getattr(torch, dtype)
    return lambda count: from_torch(function(*call.positional, (count,), dtype=kind, generator=generator), dtype)


def _of_tensors(call, dtype, seed):
    """A function that takes a tensor for each parameter and returns one of their shape."""
    torch = _torch()
    function, generator = getattr(torch, call.name), torch.Generator().manual_seed(seed)

    def draw(count):
        parameters = [torch.tensor(x, dtype=getattr(torch, dtype)).expand(count).contiguous() for x in call.positional]
        return from_torch(function(*parameters, generator=generator), dtype)

    return draw


def _of_rows(call, dtype, seed):
    """The same for a parameter that is a row, and a result of which the last number counts."""
    torch = _torch()
    function, generator = getattr(torch, call.name), torch.Generator().manual_seed(seed)

    def draw(count):
        row = torch.tensor(call.positional[0], dtype=getattr(torch, dtype))
        return from_torch(function(row.expand(count, len(row)).contiguous(), generator=generator)[:, -1].contiguous(), dtype)

    return draw


def _multinomial(call, dtype, seed):
    """The places of weights, with replacement."""
    torch = _torch()
    weights, generator = torch.tensor(call.positional[0]), torch.Generator().manual_seed(seed)
    return lambda count: from_torch(torch.multinomial(weights, count, replacement=True, generator=generator), dtype)


def _distribution(call, dtype, seed):
    """A class of `torch.distributions` with tensors as parameters; of rows and matrices the last number of the first column."""
    torch = _torch()
    kind = torch.float32 if dtype == "int64" else getattr(torch, dtype)
    torch.manual_seed(seed)  # these take no generator

    def tensor(x):
        return x if type(x) is int else torch.tensor(x, dtype=kind)

    named = {name: tensor(x) for name, x in call.named.items()}
    law = getattr(torch.distributions, call.name)(*map(tensor, call.positional), **named)

    def draw(count):
        x = law.sample((count,))
        x = x[:, -1] if x.ndim > 1 else x
        return from_torch((x[:, 0] if x.ndim > 1 else x).contiguous(), dtype)

    return draw


_LOGNORMAL = "log_normal_(0, 1)"
_FILLS = {
    "uniform_()": "uniform(0, 1)",
    "uniform_(-1.5, 2.5)": "uniform(-1.5, 4)",
    "normal_()": "norm()",
    "normal_(1, 2)": "norm(1, 2)",
    "exponential_()": "expon()",
    "exponential_(0.5)": "expon(0, 2)",
    "cauchy_()": "cauchy()",
    _LOGNORMAL: "lognorm(1)",
    "log_normal_(-1, 0.25)": "lognorm(0.25, 0, 0.36787944117144233)",
}
_COUNTS = {
    "geometric_(0.4)": "geom(0.4)",
    "geometric_(0.3)": "geom(0.3)",
    "geometric_(1e-3)": "geom(1e-3)",
    "geometric_(1e-5)": "geom(1e-5)",
    "bernoulli_(0.3)": "binom(1, 0.3)",
    "random_(0, 100)": "randint(0, 100)",
}
_WIDE = {"geometric_(1e-9)": "geom(1e-9)", "random_(0, 3000000000)": "randint(0, 3000000000)"}
_TENSORS = {
    "_standard_gamma(0.05)": "gamma(0.05)",
    "_standard_gamma(0.5)": "gamma(0.5)",
    "_standard_gamma(1.0)": "expon()",
    "_standard_gamma(3.5)": "gamma(3.5)",
    "_standard_gamma(1e4)": "gamma(1e4)",
    "bernoulli(0.3)": "binom(1, 0.3)",
    "binomial(20.0, 0.3)": "binom(20, 0.3)",
    "binomial(20.0, 0.9)": "binom(20, 0.9)",
    "binomial(40.0, 0.3)": "binom(40, 0.3)",
    "binomial(1000.0, 0.5)": "binom(1000, 0.5)",
    "binomial(1000000.0, 0.03)": "binom(1000000, 0.03)",
    "binomial(10000000.0, 0.6)": "binom(10000000, 0.6)",
    "poisson(0.01)": "poisson(0.01)",
    "poisson(9.9)": "poisson(9.9)",
    "poisson(10.0)": "poisson(10)",
    "poisson(30.5)": "poisson(30.5)",
    "poisson(1e6)": "poisson(1e6)",
}
_ROWS = {
    "_sample_dirichlet((2.0, 3.0, 0.5))": "beta(0.5, 5)",
    "_sample_dirichlet((0.05, 0.02, 0.03))": "beta(0.03, 0.07)",
}
_CONTINUOUS = {
    "Beta(0.1, 0.7)": "beta(0.1, 0.7)",
    "Beta(50.0, 3.0)": "beta(50, 3)",
    "Cauchy(1.0, 2.0)": "cauchy(1, 2)",
    "Chi2(0.5)": "chi2(0.5)",
    "Chi2(3.0)": "chi2(3)",
    "ContinuousBernoulli(0.1)": "continuous_bernoulli(0.1)",
    "ContinuousBernoulli(0.4991)": "continuous_bernoulli(0.4991)",
    "Dirichlet((2.0, 3.0, 0.5))": "beta(0.5, 5)",
    "Exponential(0.5)": "expon(0, 2)",
    "FisherSnedecor(3.0, 4.0)": "f(3, 4)",
    "Gamma(0.05, 0.5)": "gamma(0.05, 0, 2)",
    "Gamma(3.5, 0.5)": "gamma(3.5, 0, 2)",
    "GeneralizedPareto(0.0, 1.0, 0.5)": "genpareto(0.5)",
    "Gumbel(0.0, 1.0)": "gumbel_r()",
    "HalfCauchy(2.0)": "halfcauchy(0, 2)",
    "HalfNormal(2.0)": "halfnorm(0, 2)",
    "InverseGamma(2.0, 1.0)": "invgamma(2)",
    "Kumaraswamy(0.5, 3.0)": "kumaraswamy(0.5, 3)",
    "LKJCholesky(2, concentration=1.5)": "beta(1.5, 1.5, -1, 2)",
    "Laplace(0.0, 1.0)": "laplace()",
    "LogNormal(0.0, 1.0)": "lognorm(1)",
    "LowRankMultivariateNormal((0.0, 1.0), ((1.0,), (1.0,)), (1.0, 3.0))": "norm(1, 2)",
    "MultivariateNormal((0.0, 1.0), ((1.0, 0.5), (0.5, 4.0)))": "norm(1, 2)",
    "Normal(1.0, 2.0)": "norm(1, 2)",
    "Pareto(1.0, 3.0)": "pareto(3)",
    "StudentT(2.5)": "t(2.5)",
    "Uniform(-1.5, 2.5)": "uniform(-1.5, 4)",
    "VonMises(0.0, 0.5)": "vonmises(0.5)",
    "VonMises(0.0, 4.0)": "vonmises(4)",
    "Weibull(1.0, 0.7)": "weibull_min(0.7)",
    "Wishart(3.0, ((2.0,),))": "chi2(3, 0, 2)",
}
_DISCRETE = {
    "Bernoulli(0.3)": "binom(1, 0.3)",
    "Binomial(20, 0.3)": "binom(20, 0.3)",
    "Binomial(1000, 0.5)": "binom(1000, 0.5)",
    "Geometric(0.3)": "geom(0.3, -1)",
    "Geometric(1e-3)": "geom(1e-3, -1)",
    "Multinomial(20, (0.2, 0.5, 0.3))": "binom(20, 0.3)",
    "NegativeBinomial(3.0, 0.8)": "nbinom(3, 0.2)",
    "NegativeBinomial(0.3, 0.99)": "nbinom(0.3, 0.01)",
    "OneHotCategorical((0.2, 0.5, 0.3))": "binom(1, 0.3)",
    "Poisson(9.9)": "poisson(9.9)",
}
_SIZED = {"rand()": "uniform(0, 1)", "randn()": "norm()"}
_TENSOR, _FUNCTION, _CLASS = "Tensor.{}", "torch.{}", "distributions.{}"
CASES = [
    *cases("torch", _TENSOR, _in_place, FLOATS, _FILLS),
    *cases("torch", _TENSOR, _in_place, SIXTEEN, {call: _FILLS[call] for call in ("exponential_()", "cauchy_()", _LOGNORMAL)}),
    *cases("torch", _TENSOR, _in_place, ("float32", "int64"), _COUNTS),
    *cases("torch", _TENSOR, _in_place, ("int64",), _WIDE),
    *cases("torch", _FUNCTION, _sized, FLOATS, _SIZED),
    *cases("torch", _FUNCTION, _sized, ("int64",), {"randint(0, 100)": "randint(0, 100)"}),
    *cases("torch", _FUNCTION, _of_tensors, FLOATS, _TENSORS),
    *cases("torch", _FUNCTION, _of_rows, FLOATS, _ROWS, 2**20),
    *cases("torch", _FUNCTION, _multinomial, ("int64",), {"multinomial((0.1, 0.2, 0.3, 0.4))": "chances(0.1, 0.2, 0.3, 0.4)"}),
    *cases("torch", _CLASS, _distribution, ("float32",), _CONTINUOUS, 2**20),
    *cases("torch", _CLASS, _distribution, ("float32",), _DISCRETE, 2**20),
    *cases(
        "torch", _CLASS, _distribution, ("int64",), {"Categorical((0.1, 0.2, 0.3, 0.4))": "chances(0.1, 0.2, 0.3, 0.4)"}, 2**20
    ),
]
