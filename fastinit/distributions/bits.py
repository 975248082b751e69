"""The words themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastinit.arithmetic.lanes import Lanes
from fastinit.distributions.law import Law, plan


class Numbers(NamedTuple):
    """Words need no numbers."""


def word(w: Lanes, p: Any) -> Lanes:
    return w


BITS = Law("bits", Numbers, word, cheap=True, dtypes=("uint32",))
PLAN = plan(BITS)
