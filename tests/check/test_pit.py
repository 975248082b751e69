"""The probability integral transform: words of values are uniform if the values follow the law, and only then."""

import mpmath
import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from fastinit.check import laws, pit

#: One test of each kind below; a right sampler fails one of them once in 10,000 runs of other seeds.
ALPHA = 1e-4 / 20
NORMAL = fi.laws.normal()
CONTINUOUS = (
    "uniform", "uniform(-1.5, 2.5)", "normal", "normal(0.25, 3)", "truncated_normal(-2, 2)", "truncated_normal(2, inf)",
    "exponential", "laplace", "logistic", "gumbel", "cauchy", "lognormal",
)  # fmt: skip


def assert_uniform(words, bits):
    """Their leading and their trailing bytes; chi-squared of 256 cells."""
    for byte in (words >> (bits - 8), words & 255):
        p = stats.chisquare(np.bincount(byte.astype(np.int64), minlength=256)).pvalue
        assert ALPHA < p < 1 - ALPHA


@pytest.mark.parametrize("dtype", pit.BITS)
@pytest.mark.parametrize("text", CONTINUOUS)
def test_words_of_the_package_are_uniform(text, dtype):
    law = fi.laws.parse(text)
    words = pit.words(law, dtype, 0)(fi.default_rng(5).draw(law, 1 << 20, dtype=dtype))
    assert words.dtype.itemsize * 8 == pit.BITS[dtype]
    assert_uniform(words, pit.BITS[dtype])


@pytest.mark.parametrize("text", CONTINUOUS)
def test_a_word_is_the_leading_bits_of_the_distribution_function(text):
    law = fi.laws.parse(text)
    values = fi.default_rng(6).draw(law, 1 << 16)
    exact = laws.of(law).base().cdf(values.astype(np.float64)) * 2**16
    words = pit.words(law, "float32", 0)(values)
    differ = np.flatnonzero(words != np.floor(exact))
    assert len(differ) < 1000
    assert np.abs(words[differ] - exact[differ]).max(initial=0) < 2  # at the cut beside it


def test_a_number_at_a_cut_takes_its_side_by_its_exact_chance():
    found = pit.cells(laws.NORMAL)
    with mpmath.workdps(40):
        for cell in (3, 10_000, 40_000, 65_000):
            number = found.cuts[cell]
            lower, upper = ((mpmath.mpf(float(number)) + float(np.nextafter(number, np.float32(end)))) / 2 for end in (-9, 9))
            start, end = mpmath.ncdf(lower), mpmath.ncdf(upper)
            exact = (mpmath.mpf(cell + 1) / 2**16 - start) / (end - start)
            assert 0 <= exact <= 1
            assert found.below[cell] == pytest.approx(float(exact), abs=1e-6)
            words = pit.words(NORMAL, "float32", 1)(np.full(100_000, number))
            assert set(words) <= {cell, cell + 1}
            assert stats.binomtest(int((words == cell).sum()), 100_000, float(exact)).pvalue > ALPHA


def test_the_chance_at_cuts_comes_from_the_seed():
    values = np.repeat(pit.cells(laws.NORMAL).cuts[:1000], 100)
    first, again, other = (pit.words(NORMAL, "float32", seed)(values) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_ends_of_the_line():
    ends = np.array([-np.inf, -0.0, 0.0, np.inf], np.float32)
    assert set(pit.words(NORMAL, "float32", 0)(ends)) <= {0, 32767, 32768, 65535}
    assert pit.words(NORMAL, "float32", 0)(ends)[[0, 3]].tolist() == [0, 65535]
    assert pit.words(NORMAL, "float64", 0)(ends.astype(np.float64)).tolist() == [0, 1 << 31, 1 << 31, (1 << 32) - 1]


@pytest.mark.parametrize("dtype", pit.BITS)
def test_values_of_another_law_have_other_words(dtype):
    """A deviation that is 1 % too large."""
    values = fi.default_rng(7).normal(scale=1.01, size=1 << 20, dtype=dtype)
    words = pit.words(NORMAL, dtype, 0)(values)
    with pytest.raises(AssertionError):
        assert_uniform(words, pit.BITS[dtype])


def test_low_bits_that_are_missing_show():
    """Normals that were rounded to 14 bits have words that are too few."""
    values = fi.default_rng(8).normal(size=1 << 20)
    coarse = (values.view(np.uint32) & np.uint32(0xFFFFFC00)).view(np.float32)
    with pytest.raises(AssertionError):
        assert_uniform(pit.words(NORMAL, "float32", 0)(coarse), 16)


@pytest.mark.parametrize(
    ("law", "dtype", "complaint"),
    [
        (fi.laws.bernoulli(), "float32", "must be a continuous one"),
        (fi.laws.integers(10), "int64", "dtype must be float32 or float64"),
        (fi.laws.normal(), "bfloat16", "dtype must be float32 or float64"),
        (fi.laws.normal(1000, 1), "float32", "chance below 2\\^-20"),
        (fi.laws.normal(scale=0), "float32", "must not be a constant"),
    ],
)
def test_what_has_no_words(law, dtype, complaint):
    with pytest.raises(ValueError, match=complaint):
        pit.words(law, dtype, 0)


@pytest.mark.parametrize("bounds", [(0.0, 3.0), (5.0, 7.0)])
def test_steps_that_numbers_round(bounds):
    """All 2^24 steps: the first and the last cell have as many as any other, 256."""
    low, high = bounds
    steps = low + np.arange(1 << 24) * ((high - low) / 2**24)
    law = fi.laws.uniform(low, high)
    ends = steps[np.r_[:512, -512:0]].astype(np.float32)
    for cell in (0, 65535):
        seen = [np.count_nonzero(pit.words(law, "float32", seed)(ends) == cell) for seed in range(16)]
        assert np.mean(seen) == pytest.approx(256, abs=1.5)


def test_coarse_steps_are_refused():
    with pytest.raises(ValueError, match=r"numbers of a chance below 2\^-20 each, .*; got uniform\(low=1000"):
        pit.words(fi.laws.uniform(1000.0, 1001.0), "float32", 0)
