"""Laws of real numbers, with the names and parameters of NumPy and SciPy."""

from __future__ import annotations

from fastinit.arguments.docstrings import documented
from fastinit.distributions import exponential as exponential_law
from fastinit.distributions import gumbel as gumbel_law
from fastinit.distributions import law, symmetric
from fastinit.distributions import lognormal as lognormal_law
from fastinit.distributions import normal as normal_law
from fastinit.distributions import truncated_normal as truncated_law
from fastinit.distributions import uniform as uniform_law
from fastinit.laws.distribution import SECTIONS, Distribution

#: What Laplace, logistic, Gumbel and Cauchy share.
_SCALE = """\
scale : float
    Width, finite, at least 0; 0 fills with `loc`.
"""
_LOCATION = {**SECTIONS, "Parameters": _SCALE}


@documented(**SECTIONS)
def uniform(low: float = 0.0, high: float = 1.0) -> Distribution:
    """The uniform distribution on [low, high): the values of `Generator.uniform`.

    Parameters
    ----------
    low, high : float
        Bounds, finite, low <= high, with a finite difference. `high` never appears; low == high fills with `low`.

    Examples
    --------
    >>> import fastinit as fi
    >>> fi.default_rng(0).draw(fi.laws.uniform(-1, 1), size=3).round(3)
    array([ 0.125, -0.756,  0.238], dtype=float32)
    """
    return Distribution(uniform_law.uniform, {"low": low, "high": high})


@documented(**SECTIONS)
def normal(loc: float = 0.0, scale: float = 1.0) -> Distribution:
    """The normal distribution: the values of `Generator.normal`.

    Parameters
    ----------
    loc : float
        Mean, finite.
    scale : float
        Standard deviation, finite, at least 0; 0 fills with `loc`.

    Examples
    --------
    >>> import fastinit as fi
    >>> float(fi.default_rng(0).draw(fi.laws.normal(3, 0))), fi.laws.normal(scale=2).name
    (3.0, 'normal')
    """
    return Distribution(normal_law.normal, {"loc": loc, "scale": scale})


@documented(**SECTIONS)
def truncated_normal(
    a: float = -2.0, b: float = 2.0, loc: float = 0.0, scale: float = 1.0, *, units: str = "std"
) -> Distribution:
    """The normal distribution between two bounds: the values of `Generator.truncated_normal`.

    Parameters
    ----------
    a, b : float
        Bounds, a < b, may be infinite.
    loc : float
        Mean before truncation, finite.
    scale : float
        Standard deviation before truncation, finite, at least 0; 0 fills with `loc`.
    units : {"std", "absolute"}
        Whether a and b count deviations from `loc` or are values.

    Examples
    --------
    >>> import fastinit as fi
    >>> x = fi.default_rng(0).draw(fi.laws.truncated_normal(0, 1), size=1000)
    >>> bool(x.min() >= 0), bool(x.max() <= 1)
    (True, True)
    """
    arguments = {"a": a, "b": b, "loc": loc, "scale": scale, "units": units}
    return Distribution(truncated_law.truncated_normal, arguments)


@documented(**SECTIONS)
def exponential(scale: float = 1.0) -> Distribution:
    """The exponential distribution of mean `scale`, with density exp(-x / scale) / scale for x > 0.

    Parameters
    ----------
    scale : float
        Mean, finite, at least 0; 0 fills with 0.

    Notes
    -----
    Values reach 22.9 scales in float32, and 45.1 in float64.

    Examples
    --------
    >>> import fastinit as fi
    >>> x = fi.default_rng(0).draw(fi.laws.exponential(2.0), size=100_000)
    >>> round(float(x.mean()), 1)
    2.0
    """
    return Distribution(exponential_law.exponential, {"scale": scale})


@documented(**_LOCATION)
def laplace(loc: float = 0.0, scale: float = 1.0) -> Distribution:
    """The Laplace distribution, with density exp(-|x - loc| / scale) / (2 scale).

    Parameters
    ----------
    loc : float
        Mean, finite.

    Notes
    -----
    Values reach 22.2 scales from `loc` in float32, and 44.4 in float64.

    Examples
    --------
    >>> import fastinit as fi
    >>> x = fi.default_rng(0).draw(fi.laws.laplace(1.0, 0.5), size=100_000)
    >>> round(float(abs(x - 1).mean()), 2)
    0.5
    """
    return Distribution(symmetric.laplace, {"loc": loc, "scale": scale})


@documented(**_LOCATION)
def logistic(loc: float = 0.0, scale: float = 1.0) -> Distribution:
    """The logistic distribution, with distribution function 1 / (1 + exp(-(x - loc) / scale)).

    Parameters
    ----------
    loc : float
        Mean, finite.

    Notes
    -----
    Values reach 22.9 scales from `loc` in float32, and 45.1 in float64.

    Examples
    --------
    >>> import fastinit as fi
    >>> x = fi.default_rng(0).draw(fi.laws.logistic(1.0, 0.5), size=100_000)
    >>> round(float((x < 1.5).mean()), 2)  # 1 / (1 + exp(-1))
    0.73
    """
    return Distribution(symmetric.logistic, {"loc": loc, "scale": scale})


@documented(**_LOCATION)
def gumbel(loc: float = 0.0, scale: float = 1.0) -> Distribution:
    """The Gumbel distribution of maxima, with distribution function exp(-exp(-(x - loc) / scale)).

    Parameters
    ----------
    loc : float
        Mode, finite.

    Notes
    -----
    Values lie from -3.13 to 22.9 scales from `loc` in float32, and from -3.81 to 45.1 in float64.

    Examples
    --------
    >>> import fastinit as fi
    >>> x = fi.default_rng(0).draw(fi.laws.gumbel(1.0, 0.5), size=100_000)
    >>> round(float((x < 1).mean()), 2)  # exp(-1)
    0.37
    """
    return Distribution(gumbel_law.gumbel, {"loc": loc, "scale": scale})


@documented(**_LOCATION)
def cauchy(loc: float = 0.0, scale: float = 1.0) -> Distribution:
    """The Cauchy distribution, with density 1 / (pi scale (1 + ((x - loc) / scale)^2)).

    Parameters
    ----------
    loc : float
        Median, finite.

    Notes
    -----
    It has no mean. Values reach 2.7e9 scales from `loc` in float32. The dtypes of 8 bits hold too little of its tails, and are
    refused; in float16, values beyond 65,504 are infinite.

    Examples
    --------
    >>> import fastinit as fi
    >>> x = fi.default_rng(0).draw(fi.laws.cauchy(1.0, 0.5), size=100_000)
    >>> round(float((abs(x - 1) < 0.5).mean()), 2)
    0.5
    """
    return Distribution(symmetric.cauchy, {"loc": loc, "scale": scale}, law.HEAVY)


@documented(**SECTIONS)
def lognormal(mean: float = 0.0, sigma: float = 1.0) -> Distribution:
    """The lognormal distribution: exp(z) with z normal of mean `mean` and standard deviation `sigma`.

    Parameters
    ----------
    mean : float
        Mean of the logarithm, finite.
    sigma : float
        Standard deviation of the logarithm, finite, at least 0; 0 fills with exp(mean).

    Notes
    -----
    The dtypes of 8 bits hold too little of its tail, and are refused. Values beyond a dtype's largest number are infinite.

    Examples
    --------
    >>> import fastinit as fi
    >>> x = fi.default_rng(0).draw(fi.laws.lognormal(0, 0.5), size=100_000)
    >>> round(float((x < 1).mean()), 2)
    0.5
    """
    return Distribution(lognormal_law.lognormal, {"mean": mean, "sigma": sigma}, law.HEAVY)
