"""Tests of the promise: the same values with any threads, pieces and layout; small dtypes have the rounded values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.check.cells import is_small
from fastinit.check.exact import Array
from fastinit.check.laws import Law, is_real
from fastinit.check.results import Row, Subject, fault_row
from fastinit.kernels import cpus

#: Enough values for several threads, in numbers that are no multiples of a tile.
SHAPE = (419, 1217)
VALUES = SHAPE[0] * SHAPE[1]


class Draw:
    """Draws one law in one dtype, always of the same call."""

    def __init__(self, law: Law, real: dtypes.Real, seed: int) -> None:
        self.law, self.real, self.seed = law, real, seed

    def __call__(self, index: Any = None, out: Array | None = None, real: dtypes.Real | None = None) -> Array:
        rng = fi.default_rng(self.seed).child("promises")
        options: dict[str, Any] = {"size": SHAPE, "index": index, "out": out}
        return np.asarray(self.law.draw(rng, real or self.real, **options))


def _differ(x: Array, y: Array) -> int:
    kind = np.dtype(f"u{x.dtype.itemsize}")
    return int((np.ascontiguousarray(x).view(kind) != np.ascontiguousarray(y).view(kind)).sum())


def _one_thread(draw: Draw, whole: Array) -> int:
    with cpus.at_most(1):
        return _differ(draw(), whole)


def _chunks(draw: Draw, whole: Array) -> int:
    cuts = [0, 1, 8, 60, 61, 300, SHAPE[0]]
    return sum(_differ(draw(slice(a, b)), whole[a:b]) for a, b in itertools.pairwise(cuts))


def _slices(draw: Draw, whole: Array) -> int:
    slices = (np.s_[:, 5], np.s_[17], np.s_[3:400:7, 1200:30:-11], np.s_[..., 1000:], np.s_[::-1, ::2])
    return sum(_differ(draw(index), whole[index]) for index in slices)


def _layouts(draw: Draw, whole: Array) -> int:
    kind, (rows, columns) = draw.real.dtype, SHAPE
    apart = np.empty((2 * rows, 3 * columns), kind)[::2, ::3]
    odd = np.empty(rows * columns * kind.itemsize + 1, np.uint8)[1:].view(kind).reshape(SHAPE)
    layouts = (np.empty(SHAPE, kind, order="F"), apart, np.empty(SHAPE, kind)[::-1, ::-1], odd)
    return sum(_differ(draw(out=out), whole) for out in layouts)


def _rounded(draw: Draw, whole: Array) -> int:
    """Compare with the values of the computing type, rounded by `ml_dtypes` or NumPy and kept between the bounds."""
    compute = dtypes.resolve(draw.real.compute)
    x = draw(real=compute).astype(np.float64)
    with np.errstate(over="ignore"):  # beyond the largest number is infinity
        expected = x.astype(np.float32).astype(draw.real.dtype).astype(np.float64)
    if draw.law.kept:
        expected = expected.clip(*draw.law.ends(draw.real))
    return _differ(expected.astype(draw.real.dtype), whole)


INVARIANCES = {"one thread": _one_thread, "pieces": _chunks, "slices": _slices, "layouts": _layouts}


def of(law: Law, real: dtypes.Real, seed: int) -> Iterator[Row]:
    """A row for each invariance of a law in a dtype: how many values differ."""
    draw = Draw(law, real, seed)
    whole = draw()
    tests = {**INVARIANCES, **({"rounding": _rounded} if is_real(real) and is_small(real) else {})}
    for name, differences in tests.items():
        yield fault_row("promises", f"{law.title} {real.name}, {name}: values that differ", differences(draw, whole))


def cases(subjects: Iterable[Subject]) -> list[tuple[Law, dtypes.Real]]:
    """The laws and dtypes of these subjects, once each."""
    return list(dict.fromkeys((each.law, each.real) for each in subjects if each.law is not None and each.real is not None))


def rows(
    some: Sequence[tuple[Law, dtypes.Real]], seed: int, advance: Callable[[int, str], object] = lambda values, text: None
) -> Iterator[Row]:
    """The rows of these laws and dtypes; `advance` is called with the values of each and a text that names it."""
    for law, real in some:
        advance(0, f"promises, {law.title}")
        yield from of(law, real, seed)
        advance(VALUES, f"promises, {law.title}")
