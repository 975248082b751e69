"""A subject's check: its values are drawn block by block, counted, and tested."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.check import counts, distinct, fits, order, words
from fastinit.check.exact import Array, quiet
from fastinit.check.laws import DTYPES, Law
from fastinit.check.results import Result, Row, SamplerError, fault_row, subject
from fastinit.peers import samplers
from fastinit.peers.interface import Request
from fastinit.peers.libraries import Missing

Draw = Callable[[int], Array]

#: Values drawn and counted at a time, and how many of the first are tested for order.
BLOCK = 1 << 22
ORDERED = 1 << 21
#: Lags of the picture.
LAGS = 256
#: Length of the array whose blocks fastinit draws.
ENDLESS = 2**62


def _fastinit(law: Law, real: dtypes.Real, seed: int, device: str) -> Draw:
    """Successive blocks of one array, of one call."""
    rng = fi.default_rng(seed).child(f"{law.title} {real.name}")
    state, start = rng.state, 0

    def draw(count: int) -> Array:
        nonlocal start
        rng.state = state
        place: dict[str, Any] = {"size": ENDLESS, "index": slice(start, start + count)}
        start += count
        if device == "cpu":
            return np.asarray(law.draw(rng, real, **place))
        return _from_device(functools.partial(law.draw, rng, real), place, count, real.dtype)

    return draw


def _from_device(fill: Callable[..., object], place: dict[str, Any], count: int, dtype: np.dtype[Any]) -> Array:
    """A block that a GPU fills."""
    from fastinit.gpu import memory  # LLVM's writer, imported only where a GPU is filled

    with memory.allocated(count * dtype.itemsize) as block:
        fill(**place, out=block.view((count,), dtype))
        return block.bytes(count * dtype.itemsize).view(dtype)


def _peer(library: str, law: Law, real: dtypes.Real, seed: int) -> Draw:
    if law.arguments is None:
        raise Missing("is compared with other parameters only")
    sampler = samplers.make(library, Request(law.name, real.name, seed, law.arguments))
    return lambda count: sampler.array(sampler.draw(count)).astype(real.dtype, copy=False)


def _draw(sampler: str | Draw, law: Law, real: dtypes.Real, seed: int, device: str) -> Draw:
    """The function that draws the next values."""
    if callable(sampler):
        return sampler
    return _fastinit(law, real, seed, device) if sampler == "fastinit" else _peer(sampler, law, real, seed)


def _blocks(draw: Draw, size: int, first: list[Array], advance: Callable[[int], object]) -> Iterator[Array]:
    """Draw this many values; the first of them go into the list."""
    for start in range(0, size, BLOCK):
        x = draw(min(BLOCK, size - start))
        if not first:
            first.append(x[:ORDERED].copy())
        yield x
        advance(x.size)


def sample(
    law: Law, real: dtypes.Real, draw: Draw, size: int, advance: Callable[[int], object] = lambda values: None
) -> tuple[counts.Summary, Array]:
    """Draw and count this many values, or fewer if an interrupt comes after the first; the first are returned too."""
    first: list[Array] = []
    summary = counts.summarise(law, real, _blocks(draw, size, first, advance))
    if summary.stopped is not None and not summary.size:
        raise summary.stopped
    return summary, first[0]


def _series(law: Law, first: Array) -> Array:
    """What stands for the values in tests of order: ranks where tails are heavy, values few, or one of them is infinite."""
    plain = law.moments and len(first) >= fits.FEW and not np.isinf(np.asarray(first, np.float64)).any()
    return first if plain else order.ranks(first)


def rows(law: Law, real: dtypes.Real, summary: counts.Summary, first: Array, *, pairs: bool) -> Iterator[Row]:
    """All tests of a sample of which the first values are known, in their order; those of pairs where their order is known."""
    with quiet():
        yield from fits.rows(summary, law, real)
        if len(summary.counts) == 1 or not summary.counts.any():  # one number lies between the bounds, or none was seen
            return
        if distinct.applies(law, real):
            yield distinct.row(summary, law, real, first)
        partners_of = real if pairs and law.pairs and real.dtype.itemsize >= 4 else None
        yield from order.rows(first, partners_of=partners_of, series=_series(law, first))
        if law.is_bits and summary.size >= fits.FEW:
            yield from words.serial(first)


def check(
    law: Law,
    dtype: str,
    sampler: str | Draw = "fastinit",
    *,
    seed: int = 0,
    size: int = 1 << 24,
    device: str = "cpu",
    advance: Callable[[int], object] = lambda values: None,
) -> Result:
    """Draw values of a law and test them.

    Parameters
    ----------
    law : Law
        For example `laws.NORMAL`, or `laws.of(fastinit.laws.laplace(scale=0.1))`.
    dtype : str
        The name of one of the law's dtypes.
    sampler : str or callable
        "fastinit", a library of `fastinit.peers`, or a function that returns the next `count` values as an array of the dtype.
    seed : int
        For the library.
    size : int
        Number of values, at least 1.
    device : {"cpu", "cuda"}
        Where fastinit makes its values; "cuda" needs FASTINIT_GPU=1.
    advance : callable, optional
        Called with the number of values of each block that has been counted.

    Returns
    -------
    Result
        `verdict.judge([result]).good` says whether the values follow the law. `skipped` is the reason if the library has no
        such sampler, or raises NotImplementedError. One that raises anything else has one row, which says so. If an interrupt
        ended the values early, `size` is how many were counted and `stopped` is the interrupt.

    Examples
    --------
    >>> from fastinit.check import laws, subjects, verdict
    >>> verdict.judge([subjects.check(laws.NORMAL, "float32", size=1 << 16)]).good
    True
    """
    real, start = dtypes.resolve(dtype, DTYPES), time.perf_counter()
    title = subject(sampler if isinstance(sampler, str) else getattr(sampler, "__name__", "sampler"), law, real)
    try:
        summary, first = sample(law, real, _draw(sampler, law, real, seed, device), size, advance)
    except NotImplementedError as missing:
        return Result(title, 0, 0.0, (), skipped=str(missing) or f"does not make {real.name}")
    except Exception as error:  # another library may raise anything
        told = "" if isinstance(error, SamplerError) else f"raises {type(error).__name__}: "
        name = f"{told}{' '.join(str(error).split())[:120]}"
        return Result(title, 0, time.perf_counter() - start, (fault_row("bounds", name, 1),))
    done, z = tuple(rows(law, real, summary, first, pairs=sampler == "fastinit")), None
    series = _series(law, first)
    if len(summary.counts) > 1 and len(first) >= order.LEAST and np.isfinite(series.astype(np.float64)).all():
        z = order.correlogram(order.standardised(series), min(LAGS, len(first) // 16))
    return Result(title, summary.size, time.perf_counter() - start, done, None, summary, z)
