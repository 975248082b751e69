"""Fills by any law, as in-place operations of torch."""

from __future__ import annotations

from typing import Any

import torch

from fastinit.arguments.docstrings import documented
from fastinit.laws import Distribution, parse
from fastinit.torch.filling import fills
from fastinit.torch.inplace import SECTIONS, fill_in_place

_SHARED = SECTIONS | {
    "Parameters": SECTIONS["Parameters"].partition("values :")[0],  # torch has no function of this name
    "Notes": "Laws of integers fill tensors of their dtypes, int8 to int64, uint8 to uint64 or bool. Others are for reals:\n"
    + SECTIONS["Notes"],
}


@documented(**_SHARED)
def draw_(tensor: torch.Tensor, law: Distribution | str, generator: Any = None) -> torch.Tensor:
    """Fill by any law.

    Parameters
    ----------
    tensor : torch.Tensor
        Any shape.
    law : fastinit.laws.Distribution or str
        The law with its arguments, or its text: "laplace(scale=0.1)", or "module:name(scale=0.1)" for one of your own.

    Examples
    --------
    >>> import torch, fastinit as fi, fastinit.torch as ft
    >>> w = ft.init.draw_(torch.empty(100, 10), fi.laws.laplace(scale=0.1), generator=0)
    >>> bool((w.numpy() == fi.default_rng(0).draw(fi.laws.laplace(scale=0.1), (100, 10))).all())
    True
    """
    return fill_in_place(tensor, fills.draw(parse(law)), generator)
