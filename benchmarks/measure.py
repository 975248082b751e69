"""How large the suite's fills are. What measures them is `fastinit.bench.measure`, which `fastinit bench` uses too.

asv runs these files with older commits of fastinit too, so they import at the top only what those commits have.
"""

import os

from fastinit.bench import measure
from fastinit.bench.measure import (
    DTYPES,
    FEW_ROUNDS,
    empty,
    fill_call,
    medians,
    numpy_dtype,
    ratio,
    ratio_of,
    store_call,
    timed_rounds,
    touched,
)

LAWS = ("uniform", "normal", "truncated_normal")
Missing = NotImplementedError
#: Values of a large fill. Set small, every benchmark runs in an instant: times mean nothing then, but nothing rots.
VALUES = int(os.environ.get("FASTINIT_BENCH_VALUES", measure.VALUES))

__all__ = [
    "DTYPES",
    "FEW_ROUNDS",
    "LAWS",
    "VALUES",
    "Missing",
    "empty",
    "fill_call",
    "medians",
    "numpy_dtype",
    "ratio",
    "ratio_of",
    "store_call",
    "timed_rounds",
    "touched",
]
