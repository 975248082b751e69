"""What the comparisons of initialisers with other libraries share: the laws that ours ask for, and how results are compared."""

import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers

SHAPES = [(5, 7), (1, 1), (64, 32, 3), (64, 32, 3, 5), (3, 3, 32, 64), (2, 3, 4, 5, 6), (1, 64, 1, 9)]


def recorder(monkeypatch):
    """A function that calls an initialiser and gives the law that it asks the Generator for: its name and numbers."""
    asked = []

    def note(law):
        return lambda rng, *numbers, **keywords: asked.append((law, *numbers[:-1]))

    for law in ("uniform", "normal", "truncated_normal"):
        monkeypatch.setattr(fi.Generator, law, note(law))

    def law_of(name, *arguments, **keywords):
        asked.clear()
        getattr(initializers, name)(*arguments, rng=0, **keywords)
        (law,) = asked
        return law

    return law_of


def close(ours, theirs, digits=1e-13):
    """The same law, with numbers that agree to so many digits."""
    assert ours[0] == theirs[0]
    assert ours[1:] == pytest.approx(theirs[1:], rel=digits, abs=0)


def check_products(mine, theirs, axis):
    """Rows along the axis: both products of the matrix with itself are the same, whatever the values."""
    assert mine.shape == theirs.shape
    a, b = (np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1) for w in (mine, theirs))
    if a.shape[0] > a.shape[1]:
        a, b = a.T, b.T
    assert np.abs(a @ a.T - b @ b.T).max() < 1e-5


def same_moments(x, y):
    """Mean and variance within five standard errors of the difference."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    for power in (1, 2):
        u, v = x**power, y**power
        assert abs(u.mean() - v.mean()) < 5 * np.sqrt(u.var() / u.size + v.var() / v.size)
