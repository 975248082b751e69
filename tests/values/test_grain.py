"""How evenly float32 truncated normals lie: the chi-squared excess of 2^16 bins, estimated by some of them."""

import numpy as np
import pytest

from docs.scripts.derivations.grain_edges import excess, function_of, planned
from fastinit.kernels.mapped import mapped


@pytest.mark.parametrize(("interval", "most"), [((-2, 2), 9e-9), ((-1, 1), 9e-9), ((-0.1, 0.1), 2e-7)])
def test_symmetric_intervals(interval, most):
    assert excess(interval, bins=2000) < most


def test_small_numbers_lie_as_evenly_as_words():
    """Around 0, where dtypes of 16 bits have tiny cells: as many in each interval that is as wide as 32 words."""
    words = np.arange(-(2**16), 2**16).astype(np.uint32)
    x = np.sort(mapped(function_of(planned((-2, 2), "float32")), words).astype(np.float64))[2**10 : -(2**10)]
    counts, _ = np.histogram(x, bins=len(x) // 32)
    assert 29 <= counts.min() <= counts.max() <= 35


def test_the_measure_sees_words_of_24_bits():
    """Bounds of another proposal, whose grain is in `docs/quality.md`."""
    assert excess((-2, 1.9999), bins=2000) > 4e-7
