"""How evenly float32 truncated normals lie: the chi-squared excess of 2^16 bins, estimated by some of them."""

import pytest

from docs.scripts.derivations.grain_edges import excess


@pytest.mark.parametrize(("interval", "most"), [((-2, 2), 6e-9), ((-1, 1), 6e-9), ((-0.1, 0.1), 2e-7)])
def test_symmetric_intervals(interval, most):
    assert excess(interval, bins=2000) < most


def test_the_measure_sees_words_of_24_bits():
    """Bounds of another proposal, whose grain is in `docs/quality.md`."""
    assert excess((-2, 1.9999), bins=2000) > 4e-7
