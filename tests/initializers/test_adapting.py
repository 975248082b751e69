"""What the back-ends share: other names in error messages, and checks that draw nothing."""

import functools
import re

import numpy as np
import pytest

import fastinit as fi
from fastinit.initializers import adapting


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("a must be a real number; got 'a'", "lower must be a real number; got 'a'"),
        ("a must be less than b; got a=3.0, b=2.0", "lower must be less than b; got lower=3.0, b=2.0"),
        ("a and b must have a float32 between them", "lower and b must have a float32 between them"),
        ("loc must lie in [a, b] where scale is 0", "loc must lie in [lower, b] where stddev is 0"),
        ("shape must have a length", "shape must have a length"),
    ],
)
def test_only_names_of_arguments_are_replaced(message, expected):
    with (
        pytest.raises(ValueError, match=f"^{re.escape(expected)}$"),
        adapting.renamed({"a": "lower", "scale": "stddev"}),
    ):
        raise ValueError(message)


def test_other_errors_and_no_names():
    with pytest.raises(ValueError, match=r"^a must$"), adapting.renamed({}):
        raise ValueError("a must")
    with pytest.raises(MemoryError, match=r"^a must$"), adapting.renamed({"a": "lower"}):
        raise MemoryError("a must")


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2**40, 2**20)])
def test_a_check_draws_no_array(shape):
    rng = fi.default_rng(0)
    results = []

    def fill(**keywords):
        results.append(fi.initializers.normal(shape, **keywords))

    adapting.check(fill, shape, rng)
    assert np.size(results[0]) == (0 if shape else 1)
    with pytest.raises(ValueError, match="scale must be at least 0"):
        adapting.check(functools.partial(fi.initializers.normal, shape, scale=-1), shape)
