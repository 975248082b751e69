"""Signs, trials and integers.

Trials and integers are exact: a word whose place among the results is not certain is tested, or another word takes its place.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from fastinit.arguments import dtypes
from fastinit.arguments.checks import number
from fastinit.arguments.hints import shown
from fastinit.arithmetic.lanes import Lanes, bitcast, convert, select, u32, u64
from fastinit.arithmetic.philox import LOW
from fastinit.arithmetic.reals import real_of, u01_closed_open
from fastinit.distributions import law
from fastinit.distributions.law import Law, Plan, constant, plan

T = TypeVar("T")


class NoNumbers(NamedTuple):
    """Signs need no numbers."""


def sign(w: Lanes, p: Any) -> Lanes:
    """1 with the word's top bit for a sign."""
    top = 1 << (w.kind.bits - 1)
    return bitcast((w & top) | bitcast(w.constant(1.0, real_of(w)), w.kind), real_of(w))


RADEMACHER = Law("rademacher", NoNumbers, sign, cheap=True, dtypes=(*law.REALS, *law.SIGNED))


def rademacher(real: dtypes.Real) -> Plan:
    """The plan."""
    return plan(RADEMACHER)


class Trial(NamedTuple, Generic[T]):
    """Words below the threshold succeed; the threshold itself has the value `edge`, and is taken with the chance `taken`."""

    threshold: T
    edge: T
    taken: T


def trial(w: Lanes, p: Trial[Lanes]) -> Lanes:
    """1 for success, 0 for failure."""
    one, zero = (w.constant(x, real_of(w)) for x in (1.0, 0.0))
    threshold = convert(p.threshold, w.kind)
    return select(w < threshold, one, select(w == threshold, p.edge.spread(w.width), zero))


def is_certain(w: Lanes, p: Trial[Lanes]) -> Lanes:
    """All words but the threshold."""
    return w != convert(p.threshold, w.kind)


def takes_edge(w: Lanes, v: Lanes, p: Trial[Lanes]) -> Lanes:
    """Whether the threshold is taken."""
    return u01_closed_open(v) < p.taken


BERNOULLI = Law(
    "bernoulli", Trial, trial, sure=is_certain, accept=takes_edge, counts=("threshold",), cheap=True,
    dtypes=(*law.REALS, *law.INTEGERS, "bool"),
)  # fmt: skip


def bernoulli(p: Any, real: dtypes.Real) -> Plan:
    """The plan for this chance of 1.

    With N words and t = floor(p N), t of them succeed. The word t makes up for f = p N - t: it has the value 1, taken with the
    chance (f - p) / (1 - p), or the value 0, taken with the chance 1 - f / p.
    """
    chance = number("p", p)
    if not 0.0 <= chance <= 1.0:
        raise ValueError(f"p must be from 0 to 1; got {chance!r}")
    if chance in (0.0, 1.0):
        return constant(chance)
    scaled = chance * 2.0 ** (8 * real.compute.itemsize)
    threshold = math.floor(scaled)
    f = scaled - threshold
    edge, taken = (1.0, (f - chance) / (1.0 - chance)) if f >= chance else (0.0, 1.0 - f / chance)
    return plan(BERNOULLI, float(threshold), edge, taken)


class Halves(NamedTuple, Generic[T]):
    """The lowest integer, how many there are, and the least sure remainder, each in two halves of 32 bits."""

    low_upper: T
    low_lower: T
    count_upper: T
    count_lower: T
    least_upper: T
    least_lower: T


def _joined(upper: Lanes, lower: Lanes) -> Lanes:
    return convert(upper, u64) << 32 | convert(lower, u64)


def _product(w: Lanes, p: Halves[Lanes]) -> tuple[Lanes, Lanes]:
    """The word times `count`, in two words: the result, and the remainder that decides whether it is taken."""
    count = _joined(p.count_upper, p.count_lower)
    if w.kind is u32:
        whole = convert(w, u64) * count
        return whole >> 32, whole & LOW
    a0, a1, b0, b1 = w & LOW, w >> 32, count & LOW, count >> 32
    middle = a1 * b0 + (a0 * b0 >> 32)
    other = a0 * b1 + (middle & LOW)
    upper = a1 * b1 + (middle >> 32) + (other >> 32)
    return select((count == 0).spread(w.width), w, upper), w * count  # 0 stands for 2^64


def integer(w: Lanes, p: Halves[Lanes]) -> Lanes:
    """Low + floor(w count / 2^32) (2^64), modulo the words' number."""
    result, _ = _product(w, p)
    return convert(result + _joined(p.low_upper, p.low_lower), w.kind)


def is_fair(w: Lanes, p: Halves[Lanes]) -> Lanes:
    """Whether the remainder is one that every result has equally often (Lemire, 2019)."""
    _, remainder = _product(w, p)
    return remainder >= _joined(p.least_upper, p.least_lower)


def never(w: Lanes, v: Lanes, p: Halves[Lanes]) -> Lanes:
    """No second word can make an unfair word fair: the next attempt has another one."""
    return w != w


INTEGERS = Law(
    "integers", Halves, integer, sure=is_fair, accept=never, counts=Halves._fields, cheap=True,
    dtypes=("int64", *(name for name in law.INTEGERS if name != "int64")),
)  # fmt: skip


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an int; got {shown(value)}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int; got {shown(value)}") from None


def integers(low: Any, high: Any, endpoint: Any, real: dtypes.Real) -> Plan:
    """The plan for [low, high), or [low, high] with `endpoint`; without `high` for [0, low)."""
    first, last = (0, _integer("low", low)) if high is None else (_integer("low", low), _integer("high", high))
    if not isinstance(endpoint, bool | np.bool_):
        raise TypeError(f"endpoint must be True or False; got {endpoint!r}")
    count = last - first + bool(endpoint)
    name = "low" if high is None else "high"
    if count < 1:
        above = "at least" if endpoint else "above"
        raise ValueError(f"{name} must be {above} {shown(first)}; got {shown(last)}")
    info = np.iinfo(real.dtype)
    for each, value, given in (("low", first, low), (name, first + count - 1, last)):
        if not info.min <= value <= info.max:
            allowed = f"integers from {info.min} to {info.max} for {real.name}"
            raise ValueError(f"{each} must leave {allowed}; got {each}={shown(given)}")
    words = 1 << 8 * real.compute.itemsize
    parts = (divmod(x % (1 << 64), 1 << 32) for x in (first, count, words % count))
    return plan(INTEGERS, *(float(half) for both in parts for half in both))
