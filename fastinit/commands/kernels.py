"""Kernels by words, which `explain` prints and `warmup` compiles."""

from __future__ import annotations

from typing import NamedTuple

from fastinit.arguments import dtypes
from fastinit.distributions import LAWS, sums
from fastinit.distributions.law import Law
from fastinit.laws.text import parse


class Kernel(NamedTuple):
    """A kernel: the name of a row of the table or the text of a law, the dtype, and whether its values are added."""

    law: str
    dtype: str
    adds: bool = False
    is_row: bool = True

    def formula(self) -> Law | None:
        """The law that the kernel is made of; None for a constant, which has no kernel."""
        if self.is_row:
            law: Law | None = LAWS[self.law]
        else:
            distribution = parse(self.law)
            law = distribution.plan(sums.terms(dtypes.resolve(self.dtype, distribution.dtype_names), self.adds)).law
        return sums.added(law) if law and self.adds else law


def is_held(dtype: str, held: tuple[str, ...], adds: bool) -> bool:
    """Whether a law with these dtypes fills a dtype; what is added to reals is made in their computing type."""
    if not adds:
        return dtype in held
    return dtype in dtypes.REAL_NAMES and dtypes.REALS[dtypes.resolve(dtype).compute].name in held
