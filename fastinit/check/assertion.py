"""`assert_law`: whether values follow a law, for tests of any project."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastinit import laws
from fastinit.arguments import checks
from fastinit.bench.markdown import wrapped
from fastinit.laws import Distribution
from fastinit.peers.libraries import need

if TYPE_CHECKING:
    from fastinit.arguments import dtypes
    from fastinit.check.exact import Array
    from fastinit.check.laws import Law
    from fastinit.check.results import Result
    from fastinit.check.verdict import Verdict

#: Values that are drawn from a function, unless a size is given.
SIZE = 1 << 20
#: Failed tests that a message names.
NAMED = 6


def assert_law(values_or_sampler: Any, law: Any, alpha: float = 1e-6, *, size: int | None = None) -> None:
    """Raise AssertionError unless values follow a law.

    Parameters
    ----------
    values_or_sampler : array_like or callable
        Values in the order in which they were drawn: an array of NumPy, a tensor of torch, JAX or another library with
        `__array__` or `__dlpack__`. Or a function from a count to an array of that many values.
    law : str, Distribution, frozen distribution of scipy.stats, or callable
        The exact law: one of `fastinit.laws` with its arguments, or its text; a distribution of SciPy, continuous or discrete;
        an object with a method `cdf`; or a function from a float to the chance of at most as much, of a continuous law.
    alpha : float
        The largest chance of an error although the law is right, all tests together, above 0 and below 1.
    size : int, optional
        Number of values that are drawn from a function, at least 1; by default 2**20. Not with an array.

    Raises
    ------
    AssertionError
        If a test fails. The message says which, how far off, and shows a histogram.
    TypeError, ValueError
        For a wrong argument, no values, or values of a dtype that does not hold the law.
    RuntimeError
        If a function returns other values than were asked for.
    ImportError
        Without SciPy.

    Notes
    -----
    The tests are those of `fastinit check`: bounds, the fit of all values, moments, tails, repeated values, and order. A test
    fails if its p is below alpha over the number of tests. With few values, tests whose p would be inexact are left out; with
    fewer than 256, nothing is said about order. A value is taken for a real number of the law that was rounded to the dtype.
    Memory does not grow with `size`. If pytest turns warnings into errors, those of SciPy do not count.

    Examples
    --------
    >>> import fastinit as fi
    >>> from fastinit.check import assert_law
    >>> assert_law(fi.default_rng(0).normal(0, 0.02, size=1000), fi.laws.normal(0, 0.02))
    >>> from scipy import stats
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> assert_law(lambda count: rng.gamma(2.5, size=count), stats.gamma(2.5))
    """
    __tracebackhide__ = True
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be above 0 and below 1; got {alpha!r}")
    from fastinit.check import subjects, verdict
    from fastinit.check.results import Result, subject

    need("check", "assert_law")
    known = exact(law)
    real, draw, count = _drawn(values_or_sampler, size)
    if real not in known.reals:
        held = ", ".join(each.name for each in known.reals)
        raise TypeError(f"values of {known.title} must have one of the dtypes {held}; got {real.name}")
    summary, first = subjects.sample(known, real, draw, count)
    if summary.stopped is not None:
        raise summary.stopped
    rows = tuple(subjects.rows(known, real, summary, first, pairs=False))
    result = Result(subject("values", known, real), summary.size, 0.0, rows, None, summary)
    judged = verdict.judge([result], alpha)
    if not judged.good:
        raise AssertionError(_message(result, judged, alpha))


def exact(law: Any) -> Law:
    """The exact law that `assert_law` is given."""
    from fastinit.check import known
    from fastinit.check.laws import EXACT, of

    if not isinstance(law, str | Distribution):
        return known.known(law)
    distribution = laws.parse(law)
    if distribution.name not in EXACT or distribution != laws.BY_NAME[distribution.name](**distribution.arguments):
        raise ValueError(f"law must have an exact distribution; {law!r} is a law of your own: give its scipy.stats or its cdf")
    return of(distribution)


def _drawn(values: Any, size: int | None) -> tuple[dtypes.Real, Callable[[int], Array], int]:
    """The dtype, a function that returns the next values from the first on, and how many there are."""
    from fastinit.check import subjects
    from fastinit.check.arrays import checked, flat

    if not callable(values):
        if size is not None:
            raise TypeError(f"size must not be given with an array; got {size!r}")
        x, place = flat(values), 0
        if not x.size:
            raise ValueError("values must be at least one; got none")

        def following(count: int) -> Array:
            nonlocal place
            place += count
            return x[place - count : place]

        return _real(x), following, x.size
    size = SIZE if size is None else size
    size = checks.positive_int("size", size)
    first = [flat(values(min(size, subjects.BLOCK)))]
    real = _real(first[0])

    def drawn(count: int) -> Array:
        return checked(first.pop() if first else values(count), count, real)

    return real, drawn, size


def _real(values: Array) -> dtypes.Real:
    """The dtype of values."""
    from fastinit.arguments.dtypes import ALL_NAMES, resolve

    try:
        return resolve(values.dtype, ALL_NAMES)
    except TypeError:
        raise TypeError(f"values must have one of the dtypes {', '.join(ALL_NAMES)}; got {values.dtype}") from None


def _message(result: Result, judged: Verdict, alpha: float) -> str:
    """What failed, how a test fails, and the histogram."""
    from fastinit.check import histogram
    from fastinit.check.verdict import number, told

    law, real = result.subject.law, result.subject.real
    assert law is not None
    assert real is not None
    failed = sorted((row for _, row in judged.failed), key=lambda row: -math.inf if math.isnan(row.p) else row.p)
    more = len(failed) - NAMED
    head = f"{result.size:,} values of {real.name} do not follow {law.title}: {len(failed)} of {len(result.rows)} tests failed"
    rule = f"A test fails if p is below {number(judged.threshold)}: alpha, {number(alpha)}, over {judged.tests} tests."
    parts = [
        wrapped(head),
        "\n".join([*map(told, failed[:NAMED]), *([f"- and {more} more"] if more > 0 else [])]),
        wrapped(rule),
        "\n".join(histogram.lines(result.summary, law, real)),
    ]
    return "\n\n".join(filter(None, parts))
