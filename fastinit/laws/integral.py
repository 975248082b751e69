"""Laws of integers, which reals hold too."""

from __future__ import annotations

from fastinit.arguments.docstrings import documented
from fastinit.distributions import discrete
from fastinit.laws.distribution import SECTIONS, Distribution


@documented(**SECTIONS)
def rademacher() -> Distribution:
    """Signs: -1 or 1, equally likely; also in int8 to int64.

    Examples
    --------
    >>> import fastinit as fi
    >>> fi.default_rng(0).draw(fi.laws.rademacher(), size=5, dtype="int8")
    array([-1,  1, -1, -1,  1], dtype=int8)
    """
    return Distribution(discrete.rademacher, {}, discrete.RADEMACHER.dtypes)


@documented(**SECTIONS)
def bernoulli(p: float = 0.5) -> Distribution:
    """Trials: 1 with chance `p`, else 0; also in the integers and in bool.

    Parameters
    ----------
    p : float
        Chance of 1, from 0 to 1.

    Notes
    -----
    The chance is exact to 2^-56, also where `p` is no multiple of 2^-32.

    Examples
    --------
    >>> import fastinit as fi
    >>> kept = fi.default_rng(0).draw(fi.laws.bernoulli(0.9), size=100_000, dtype=bool)
    >>> round(float(kept.mean()), 2)
    0.9
    """
    return Distribution(discrete.bernoulli, {"p": p}, discrete.BERNOULLI.dtypes)


@documented(**SECTIONS)
def integers(low: int, high: int | None = None, *, endpoint: bool = False) -> Distribution:
    """Integers from `low` to `high` - 1, all equally likely; in int64, int8 to int32, or uint8 to uint64.

    Parameters
    ----------
    low : int
        The least integer; or, without `high`, how many integers there are from 0 on.
    high : int, optional
        One more than the greatest integer.
    endpoint : bool
        Whether `high` itself may appear.

    Notes
    -----
    No integer is more likely than another: words that would make it so are replaced.

    References
    ----------
    D. Lemire, "Fast random integer generation in an interval", 2019.

    Examples
    --------
    >>> import fastinit as fi
    >>> fi.default_rng(0).draw(fi.laws.integers(1, 6, endpoint=True), size=5)
    array([1, 6, 6, 5, 5])
    """
    return Distribution(discrete.integers, {"low": low, "high": high, "endpoint": endpoint}, discrete.INTEGERS.dtypes)
