"""Zeros: none in `small_random`, the asked share of each column in `sparse`."""

import math

import ml_dtypes
import numpy as np
import pytest

from fastinit import initializers
from fastinit.arguments import outputs
from fastinit.initializers import keywords, sparsity
from tests.conftest import DTYPES

# --- values that are never zero ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_zeros(dtype):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    array = np.array([[0.0, -0.0, 1.0], [-2.0, 0.0, 0.0]]).astype(kind)[:, ::-1]
    keywords.without_zeros(array)
    least = float(ml_dtypes.finfo(kind).smallest_normal)
    assert array.astype(np.float64)[:, ::-1].tolist() == [[least, -least, 1.0], [-2.0, least, least]]


def test_small_random_in_float16_is_never_zero():
    """A plain normal has thousands of zeros at this scale; their replacements have their signs."""
    plain = initializers.normal(2**20, scale=1e-6, rng=0, dtype="float16")
    small = initializers.small_random(2**20, scale=1e-6, rng=0, dtype="float16")
    zeros = plain == 0
    assert zeros.sum() > 10_000
    assert (small[zeros] == np.copysign(np.finfo(np.float16).smallest_normal, plain[zeros])).all()
    assert abs((small[zeros] > 0).mean() - 0.5) < 5 * 0.5 / math.sqrt(zeros.sum())
    assert (small[~zeros] == plain[~zeros]).all()


def test_parts_cover_an_array_once():
    for shape in ((), (7,), (100,), (3, 4, 5), (2, 30), (50, 1, 2), (0, 4), (4, 0)):
        array = np.zeros(shape)
        for piece in outputs.parts(array, 10):
            assert piece.size <= 10
            piece += 1
        assert (array == 1).all(), shape


# --- sparse -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "sparsity", "count"),
    [(100, 0.07, 7), (10, 0.3, 3), (10, 0.31, 4), (7, 0.5, 4), (5, 0.0, 0), (4, 0.95, 4), (1, 0.1, 1), (10**6, 1e-300, 1)],
)
def test_sparse_has_the_asked_share_of_zeros(rows, sparsity, count):
    w = initializers.sparse((rows, 11), sparsity=sparsity, rng=0)
    assert ((w == 0).sum(axis=0) == count).all()


def test_sparse_in_float16_has_no_zeros_but_the_chosen():
    w = initializers.sparse((1000, 600), sparsity=0.25, scale=1e-7, rng=0, dtype="float16")
    assert ((w == 0).sum(axis=0) == 250).all()


def test_sparse_does_not_depend_on_pieces(monkeypatch):
    whole = initializers.sparse((300, 90), sparsity=0.4, rng=1)
    monkeypatch.setattr(sparsity, "TEMPORARY_PIECE", 1000)
    assert np.array_equal(initializers.sparse((300, 90), sparsity=0.4, rng=1), whole)
