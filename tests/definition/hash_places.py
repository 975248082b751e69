"""What cases of the table of hashes share: their sizes, blocks and layouts, and the stream that they are drawn from.

A case is a label, a dtype, whether one thread fills it (*small*), and how it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

import fastinit as fi

SEED = 20261124
SIZE = 3 * 8192 + 77  # many tiles, more than two regions of the loop whatever the word, a ragged end
LARGE = 3 * 2**19 + 77  # several chunks for every number of threads


class Case(NamedTuple):
    label: str
    dtype: str
    small: bool
    make: Callable[[], Any]


class Numbers(NamedTuple):
    """The numbers at the edges of a dtype: its step at 1, smallest normal and subnormal, largest."""

    eps: float
    tiny: float
    least: float
    most: float


def numbers(dtype):
    info = ml_dtypes.finfo(dtype)
    eps, tiny = float(info.eps), float(info.smallest_normal)
    return Numbers(eps, tiny, eps * tiny, float(info.max))


SIZES = (1, 61, 64, 4097, 2 * 8192 + 1)

#: Blocks of whole arrays: their size, and the index.
BLOCKS = {
    "every third, backwards": ((77, 333), np.s_[::-3, ::-2]),
    "a column": ((5000, 30), np.s_[:, 17]),
    "columns": ((400, 300), np.s_[..., 100:164]),
    "one element": ((9, 9, 9), (3, 4, 5)),
    "end of 2^20 x 2^20": ((2**20, 2**20), np.s_[-2:, -777:]),
    "about counter 2^32, wide words": (2**40, np.s_[2**33 - 333 : 2**33 + 333]),
    "about counter 2^32": (2**40, np.s_[2**34 - 333 : 2**34 + 333]),
    "about counter 2^48": (2**60, np.s_[2**50 - 333 : 2**50 + 333]),
    "end of 2^63 - 1": (2**63 - 1, np.s_[-333:]),
    "strewn over 2^62": (2**62, np.s_[:: 2**53 + 12345]),
}


def root():
    return fi.default_rng(SEED).child("hashes")


def layout(fill, dtype, order):
    """The values of a transposed or a strided array, which must be those of the plain one."""
    plain = np.empty((301, 64), dtype)
    out = np.empty((64, 301), dtype).T if order == "transposed" else np.empty((602, 192), dtype)[::-2, 1::3]
    for each in (plain, out):
        fill(out=each)
    assert out.tobytes() == plain.tobytes(), f"{fill}: {order} is not as plain"
    return out
