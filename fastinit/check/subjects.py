"""A subject's check: its values drawn block by block, counted, and tested."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fastinit.arguments import dtypes
from fastinit.bench.measure import Missing
from fastinit.check import counts, fits, order, samplers, words
from fastinit.check.fits import Row, exact
from fastinit.check.laws import BITS, NORMAL, Array, Floats, Law

#: Values drawn and counted at a time, and how many of the first are tested for order.
BLOCK = 1 << 22
ORDERED = 1 << 21
#: Lags of the picture.
SHOWN = 256


class Subject(NamedTuple):
    """A library's sampler of a law in a dtype; an empty `law` stands for what is tested of a library as a whole."""

    sampler: str
    law: Law | None
    real: dtypes.Real | None
    title: str


class Result(NamedTuple):
    """What the tests of a subject say; `skipped` is why there are none."""

    subject: Subject
    size: int
    seconds: float
    rows: tuple[Row, ...]
    skipped: str | None = None
    summary: counts.Summary | None = None
    correlations: Floats | None = None


def subject(sampler: str, law: Law, real: dtypes.Real) -> Subject:
    """A subject by its parts."""
    return Subject(sampler, law, real, f"{law.title} {'uint32' if law.kind == 'bits' else real.name}")


def _counted(
    draw: samplers.Draw, law: Law, real: dtypes.Real, size: int, advance: Callable[[int], object]
) -> tuple[counts.Summary, Array]:
    counter, first = counts.Counter(law, real), np.empty(0, real.dtype)
    try:
        while counter.size < size:
            x = draw(min(BLOCK, size - counter.size))
            if not counter.size:
                first = x[:ORDERED].copy()
            counter.add(x)
            advance(x.size)
        return counter.summary(), first
    finally:
        counter.close()


def check(about: Subject, seed: int, size: int, advance: Callable[[int], object]) -> Result:
    """Draw so many values and test them.

    Parameters
    ----------
    about : Subject
        With a law and a dtype.
    seed : int
        For the sampler.
    size : int
        How many values.
    advance : callable
        Is told how many more have been counted.

    Returns
    -------
    Result
        With a row that says so if the sampler raises, and `skipped` if there is none.
    """
    law, real, start = about.law, about.real, time.perf_counter()
    assert law is not None
    assert real is not None
    try:
        draw = samplers.make(about.sampler, law, real, seed)
        summary, first = _counted(draw, law, real, size, advance)
    except Missing as missing:
        return Result(about, 0, 0.0, (), skipped=str(missing))
    except Exception as error:  # another library's, of any kind
        name = f"raises {type(error).__name__}: {' '.join(str(error).split())[:120]}"
        return Result(about, 0, time.perf_counter() - start, (exact("bounds", name, 1),))
    if len(summary.counts) == 1:
        return Result(about, size, time.perf_counter() - start, tuple(fits.rows(summary, law, real, first)))
    known = real if about.sampler == "fastinit" and law == NORMAL and real.dtype.itemsize >= 4 else None
    rows = (*fits.rows(summary, law, real, first), *order.rows(first, partners_of=known))
    if law == BITS:
        rows += tuple(words.serial((first * 2.0**32).astype(np.uint32)))
    if not np.isfinite(first.astype(np.float64)).all():
        return Result(about, size, time.perf_counter() - start, rows, None, summary)
    z = order.correlogram(order.standardised(first), min(SHOWN, len(first) // 16))
    return Result(about, size, time.perf_counter() - start, rows, None, summary, z)
