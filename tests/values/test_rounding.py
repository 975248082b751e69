"""The definition's own arithmetic: rounding, neighbours and fused multiply-add."""

import math
import random

import ml_dtypes
import numpy as np
import pytest

from tests.definition import reference, reference_floats
from tests.values.defined import INF, as_stored

# The definition's own arithmetic
ROUNDED = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32}
ODDITIES = [
    0.0,
    -0.0,
    INF,
    -INF,
    65519.99,
    65520.0,
    -65520.0,
    2.0**-25,
    2.0**-24 * 1.5,
    2.0**-150,
    2.0**-149 * 2.5,
    2.0**-134,
    1e300,
]


def rounding_cases(dtype):
    draw = random.Random(3)
    values = [math.ldexp(draw.uniform(-1, 1), draw.randint(-30, 20)) for _ in range(300)]
    ties = [float(x) * (1 + 2.0 ** -reference_floats.FORMATS[dtype].digits) for x in as_stored(values, dtype)]
    return [*ODDITIES, *values, *ties]


@pytest.mark.parametrize("dtype", ROUNDED)
def test_rounding_to_nearest(dtype):
    for x in rounding_cases(dtype):
        with np.errstate(over="ignore"):
            expected = np.float64(x).astype(ROUNDED[dtype])
            twice = dtype == "bfloat16" and np.float32(x) != x  # ml_dtypes rounds to binary32 first
        if twice:
            continue
        got = reference.nearest(x, dtype)
        assert got == float(expected)
        assert math.copysign(1, got) == math.copysign(1, x)


@pytest.mark.parametrize("dtype", ROUNDED)
def test_neighbours_of_a_real_number(dtype):
    kind = ROUNDED[dtype]
    for x in rounding_cases(dtype):
        if abs(x) > 6e4:
            continue
        above, beneath = reference.smallest_not_below(x, dtype), reference.largest_not_above(x, dtype)
        below = reference.largest_below(x, dtype)
        assert beneath <= x <= above
        assert below < x
        assert above == beneath == x or float(np.nextafter(kind(beneath), kind(INF))) == above
        assert float(np.nextafter(kind(below), kind(INF))) >= x


def test_fma_rounds_once():
    for real, digits in ((np.float32, 24), (np.float64, 53)):
        ulp = 2.0 ** (1 - digits)
        half = real(2.0 ** -((digits + 1) // 2))
        x = real(1) + half
        assert float(reference.fma(x, x, -1.0)) - 2 * float(half) == float(half) ** 2
        assert reference.fma(real(1), real(1), ulp / 2) == 1
        assert reference.fma(real(1) + real(ulp), real(1), ulp / 2) == 1 + 2 * ulp
        assert reference.fma(real(1) + real(ulp / 2), real(1), np.finfo(real).smallest_subnormal) >= 1
        tiny = np.finfo(real).smallest_subnormal
        assert reference.fma(tiny, real(0.5), 0.0) == 0
        assert reference.fma(tiny, real(1.5), 0.0) == 2 * tiny
        assert math.copysign(1, reference.fma(-tiny, real(0.25), 0.0)) == -1
