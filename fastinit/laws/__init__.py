"""Laws that `Generator.draw` takes: those of the package, each with its arguments, and those of your own.

>>> import fastinit as fi
>>> fi.default_rng(0).draw(fi.laws.laplace(scale=0.1), size=(2, 2)).shape
(2, 2)
"""

from fastinit.laws.continuous import (
    cauchy,
    exponential,
    gumbel,
    laplace,
    logistic,
    lognormal,
    normal,
    truncated_normal,
    uniform,
)
from fastinit.laws.distribution import Distribution
from fastinit.laws.integral import bernoulli, integers, rademacher
from fastinit.laws.own import OwnLaw, law
from fastinit.laws.text import BY_NAME, parse

__all__ = [
    "BY_NAME",
    "Distribution",
    "OwnLaw",
    "bernoulli",
    "cauchy",
    "exponential",
    "gumbel",
    "integers",
    "laplace",
    "law",
    "logistic",
    "lognormal",
    "normal",
    "parse",
    "rademacher",
    "truncated_normal",
    "uniform",
]
