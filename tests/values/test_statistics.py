"""Every sampler against its exact law, by the tests of `fastinit check`, whose own tests are in `tests/check/`.

Those count values in 2^16 bins, or each number of a small dtype by itself. Here the lower bits of a uniform float64 are counted
too, and streams are compared with one another.
"""

import math

import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from fastinit.check import verdict
from fastinit.check.laws import BITS, NORMAL, UNIFORM, truncated_normal, uniform
from fastinit.check.subjects import check
from tests.conftest import DTYPES
from tests.repeats import mostly_at_night
from tests.statistics import ALPHA, equally_likely, follows, uncorrelated

N = 1 << 20
#: Values of one of the many intervals: a wrong proposal shows itself in few.
FEW = 1 << 19
INF = math.inf
#: Both sides of every border between proposals. Windows of few numbers are in `tests/promise/test_4_bounds.py`.
INTERVALS = [
    (-2, 2), (-1, 1), (-1.2, 1.2), (-3, 3), (-0.5, 2), (-0.3, 0.4), (-0.4, INF), (-0.5, INF), (-0.1, 1.4), (-INF, 1),
    (-2.5, 0.5), (0, INF), (-INF, 0), (0.2, INF), (0.5, INF), (2, INF), (8, INF), (-INF, -30), (1000, INF),
    (0, 0.5), (0, 1.5), (0.1, 2.5), (1, 1.5), (2, 2.5), (3, 3.01), (-8.1, -8), (5, 500),
]  # fmt: skip


def require_law(law, dtype, size=N, seed=101):
    """All tests of the law pass, together at the level ALPHA."""
    result = check(law, dtype, seed=seed, size=size)
    judged = verdict.judge([result], ALPHA)
    assert result.rows
    assert judged.good, [(row.name, row.p) for _, row in judged.failed]


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("a", "b"), INTERVALS)
def test_truncated_normal(a, b, dtype):
    require_law(truncated_normal(float(a), float(b)), dtype, FEW)


@pytest.mark.parametrize("dtype", mostly_at_night(DTYPES[2:], 3))
@pytest.mark.parametrize(("a", "b"), [(-2, 2), (1, 1.5), (-0.3, 0.1), (0.5, INF)])
def test_truncated_normal_of_a_small_dtype(a, b, dtype):
    require_law(truncated_normal(float(a), float(b)), dtype, FEW)


@pytest.mark.parametrize("dtype", mostly_at_night(DTYPES, 3))
@pytest.mark.parametrize("law", [NORMAL, UNIFORM, uniform(-1.5, 2.5)], ids=lambda law: law.title)
def test_normal_and_uniform(law, dtype):
    require_law(law, dtype)


def test_bits():
    require_law(BITS, "uint32")


@pytest.mark.nightly
@pytest.mark.parametrize(
    "law", [NORMAL, UNIFORM, truncated_normal(-2.0, 2.0), truncated_normal(2.0, INF)], ids=lambda law: law.title
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_many_values(law, dtype):
    """Sixteen times as many, of another seed: a deviation a quarter as large is seen."""
    require_law(law, dtype, size=1 << 24, seed=102)


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 24), ("float64", 53)])
def test_each_bit_of_a_uniform(dtype, bits):
    """The numbers are multiples of 2^-24 or 2^-53, and each 16 bits of them are equally likely."""
    x = fi.default_rng(107).uniform(size=4 * N, dtype=dtype)
    k = (x.astype(np.float64) * 2.0**bits).astype(np.int64)
    assert np.all(k.astype(np.float64) * 2.0**-bits == x)
    for shift in range(0, bits - 15, 9):
        equally_likely((k >> shift) & 0xFFFF, 1 << 16, f"bits from {shift}")


def test_streams_are_independent():
    rng = fi.default_rng(109)
    first, second = rng.normal(size=N), rng.normal(size=N)
    others = {
        "next call": second,
        "next seed": fi.default_rng(110).normal(size=N),
        "named child": rng.child("a").normal(size=N),
        "other name": rng.child("b").normal(size=N),
        "numbered child": rng.spawn(1)[0].normal(size=N),
    }
    for what, x in others.items():
        uncorrelated(first.astype(np.float64), x.astype(np.float64), what)
    uncorrelated(others["named child"].astype(np.float64), others["other name"].astype(np.float64), "two names")


# --- the helpers of tests/statistics.py must fail on broken samplers ---------------------------------------------------


def broken():
    rng = fi.default_rng(112)
    z, k = rng.normal(size=N).astype(np.float64), rng.bits(N)
    return {
        "deviation one percent off": lambda: follows(z * 1.01, stats.norm(), "x"),
        "one tile repeated": lambda: follows(np.tile(z[:4096], N // 4096), stats.norm(), "x"),
        "values twice": lambda: uncorrelated(z, z, "x"),
        "the sign lost": lambda: uncorrelated(z, np.abs(z), "x"),
        "modulo bias": lambda: equally_likely(k % 48000 % 32768, 32768, "x"),
    }


@pytest.mark.parametrize("defect", list(broken()))
def test_defects_are_found(defect):
    with pytest.raises(AssertionError, match="p = "):
        broken()[defect]()
