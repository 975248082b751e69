"""Full tails: float32 normals reach 6.7 deviations, float64 normals more than 9."""

import math

import numpy as np
import pytest

import fastinit as fi
from fastinit.arithmetic.elementary import exponential
from fastinit.distributions.normal import box_muller
from fastinit.kernels.mapped import mapped
from tests.promise.helpers import SEED


@pytest.mark.parametrize(("word", "bits", "sigmas"), [(np.uint32, 32, 6.7), (np.uint64, 64, 9.0)])
def test_smallest_radius_word(word, bits, sigmas):
    """The word 0 stands for 2^-33 (2^-65); the last one for 1, where -log is 2^-33 and not 0."""
    longest, middle, shortest = mapped(exponential, np.array([0, 2 ** (bits - 1), 2**bits - 1], word)).tolist()
    assert longest == pytest.approx((bits + 1) * math.log(2), rel=1e-6)
    assert math.sqrt(2 * longest) > sigmas
    assert middle == pytest.approx(math.log(2), rel=1e-6)
    assert shortest == pytest.approx(2.0 ** -(bits + 1), rel=1e-6)


@pytest.mark.parametrize(("word", "bits", "sigmas"), [(np.uint32, 32, 6.7), (np.uint64, 64, 9.0)])
def test_farthest_normals(word, bits, sigmas):
    """With the smallest radius word, the four axes give the four farthest values: +-r by the cosine, +-r by the sine."""
    axes = np.array([quarter << (bits - 2) for quarter in range(4)], word)
    cosines, sines = mapped(box_muller, word(0), axes)
    assert np.hypot(cosines, sines) == pytest.approx(math.sqrt(2 * (bits + 1) * math.log(2)), rel=1e-6)
    assert cosines[0] > sigmas
    assert sines[1] > sigmas
    assert cosines[2] < -sigmas
    assert sines[3] < -sigmas


def test_largest_of_many_normals():
    """The largest of 2^26 is below 5.2 with probability exp(-2^26 * 2 * 1e-7) = 1.6e-6, beyond 6.76 never."""
    rng_state = fi.default_rng(SEED).state
    largest = 0.0
    for begin in range(0, 1 << 26, 1 << 22):
        rng = fi.default_rng(SEED)
        rng.state = rng_state
        x = rng.normal(size=1 << 26, index=np.s_[begin : begin + (1 << 22)])
        largest = max(largest, float(x.max()), -float(x.min()))
    assert 5.2 < largest < 6.77
