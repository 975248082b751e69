"""What a dtype stores read back as float32, for every bit pattern: `ml_dtypes` and NumPy say what each stands for."""

import numpy as np
import pytest

from fastinit.arguments import dtypes
from fastinit.arithmetic import lanes, rounding
from fastinit.kernels.mapped import mapped
from fastinit.kernels.rows import STORAGE
from tests.kernels.samples import require_same, samples

SHORT = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")


def patterns(dtype):
    bits = 8 * dtypes.resolve(dtype).dtype.itemsize
    return np.arange(1 << bits, dtype=f"u{bits // 8}")


def meaning(dtype):
    """The float32 of every pattern."""
    with np.errstate(all="ignore"):
        return patterns(dtype).view(dtypes.resolve(dtype).dtype).astype(np.float32)


@pytest.mark.parametrize("dtype", SHORT)
def test_every_pattern(dtype):
    """Subnormal numbers, both zeros and infinities keep their bits; NaN stays NaN."""
    require_same(mapped(STORAGE[dtype].format.decode, patterns(dtype)), meaning(dtype))


def by_integers(bits):
    return rounding._lengthened(bits, 16, 13, 112, 0x7C00)


def test_float16_by_integers():
    """For CPUs without a conversion."""
    require_same(mapped(by_integers, patterns("float16")), meaning("float16"))


@pytest.mark.parametrize("dtype", SHORT)
def test_numbers_survive_the_way_there_and_back(dtype):
    encode, known = STORAGE[dtype].format.encode, meaning(dtype)
    number = np.isfinite(known)
    assert np.array_equal(mapped(encode, known)[number], patterns(dtype)[number])


@pytest.mark.parametrize("kind", [lanes.f32, lanes.f64], ids=str)
def test_float32_and_float64_are_read_as_they_are(kind):
    x = samples(kind)
    require_same(mapped(STORAGE[f"float{kind.bits}"].format.decode, x.view(f"u{x.itemsize}")), x)


@pytest.mark.parametrize("dtype", SHORT)
def test_bits_of_nan(dtype):
    """The bits that a sum without a value gets stand for NaN."""
    bits = np.array([STORAGE[dtype].format.nan], patterns(dtype).dtype)
    assert np.isnan(bits.view(dtypes.resolve(dtype).dtype).astype(float)).all()
