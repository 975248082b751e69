"""Values that are added to what the output holds: the argument `add` of whatever draws."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from fastinit.arguments import dtypes
from fastinit.arguments.checks import finite
from fastinit.arithmetic.lanes import Lanes
from fastinit.distributions.bits import BITS
from fastinit.distributions.law import Law, Plan, with_numbers

T = TypeVar("T")


class Constant(NamedTuple, Generic[T]):
    """The number that fills an array."""

    number: T


def number(w: Lanes, p: Constant[Lanes]) -> Lanes:
    return p.number.spread(w.width)


#: An array of one number, as a law that ignores its word: LLVM removes what makes the word.
CONSTANT = Law("constant", Constant, number)


@functools.cache
def added(law: Law) -> Law:
    """The law whose values are added."""
    return replace(law, adds=True)


def _is_off(add: Any) -> bool:
    """Whether nothing is added: False of Python or NumPy; the number 0 is a factor."""
    return add is False or (isinstance(add, np.bool_) and not add)


def terms(real: dtypes.Real, add: Any) -> dtypes.Real:
    """The dtype of the values: those that are added are not rounded to the dtype of the output before."""
    return real if _is_off(add) else dtypes.REALS.get(real.compute, real)


def adding(plan: Plan, add: Any, dtype: str, out: Any) -> Plan:
    """The plan that adds `add` times the values of another one, made for `terms`; the plan itself if `add` is False."""
    if _is_off(add):
        return plan
    if out is None:
        raise TypeError(f"out must be given where add is: values are added to what it holds; got add={add!r}")
    if dtype not in dtypes.REAL_NAMES or plan.law is BITS:
        raise TypeError(f"add must be False for integers; got {add!r} for {dtype}")
    return with_numbers(added(plan.law or CONSTANT), (*plan.numbers.tolist(), _factor(add, dtype)))


def _factor(add: Any, dtype: str) -> float:
    if isinstance(add, bool | np.bool_):
        return 1.0
    try:
        return finite("add", add, dtypes.resolve(dtype))
    except TypeError:
        raise TypeError(f"add must be True, False or a real number; got {add!r}") from None
