"""How evenly float32 truncated normals lie: the chi-squared excess of 2^16 bins, estimated by some of them."""

from docs.scripts.derivations import symmetric
from docs.scripts.derivations.grain_edges import excess


def test_the_grain_is_that_of_the_page():
    """All words give 5.6e-7 (`docs/quality.md`)."""
    assert 4.5e-7 < excess((-2, 2), bins=2000) < 6.5e-7


def test_the_trial_is_finer():
    assert excess((-2, 2), symmetric.planned(2.0, 1.0), bins=2000) < 2e-8
