"""Any law in Dask: the bytes of `Generator.draw`; equal laws have equal keys, and others have others."""

import pytest

pytest.importorskip("dask.array", reason="needs dask.array")

import dask
import numpy as np

import fastinit as fi
import fastinit.dask as fd
from fastinit import laws
from fastinit.arithmetic import sqrt
from tests.dask.test_dask import same
from tests.initializers.test_any_law import CASES, LAWS
from tests.laws import own

SHAPE = (11, 7)


@pytest.mark.parametrize(("text", "dtype"), CASES)
def test_bytes_are_the_generators(text, dtype):
    whole = fi.default_rng(5).draw(LAWS[text], SHAPE, dtype=dtype)
    assert same(fd.draw(SHAPE, law=text, rng=5, dtype=dtype, chunks=(4, 3)), whole)


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_every_scheduler(scheduler):
    lazy = fd.draw(SHAPE, law=own.triangular(2.0), rng=5, chunks=4)
    assert same(lazy, fi.default_rng(5).draw(own.triangular(2.0), SHAPE), scheduler=scheduler)


def test_the_default_dtype_is_the_laws():
    assert fd.draw(5, law="integers(9)").dtype == np.int64
    assert fd.draw(5, law="bernoulli").dtype == np.float32


def test_equal_laws_have_equal_keys():
    def name(law, **more):
        return fd.draw(SHAPE, law=law, rng=0, chunks=3, **more).name

    assert name("laplace(scale=0.1)") == name(laws.laplace(scale=0.1)) != name("laplace(scale=0.2)")
    assert name("laplace") != name("logistic")
    assert name("rademacher", dtype="int8") != name("rademacher")
    assert name(own.NARROW) == name("tests.laws.own:NARROW") == name("tests.laws.own:triangular(0.25)")


def defined(factor):
    """A law that has the name of the one that another call makes."""

    @laws.law("exponential")
    def mine(e, scale=1.0):
        return sqrt(e * factor) * scale

    return mine(2.0)


def test_a_law_that_is_defined_again_is_another_one():
    """In one graph Dask computes a key once: equal names must not be enough."""
    first, second = defined(2.0), defined(3.0)
    lazy = [fd.draw(SHAPE, law=law, rng=0, chunks=4) for law in (first, second)]
    assert lazy[0].name != lazy[1].name
    for found, law in zip(dask.compute(*lazy), (first, second), strict=True):
        assert found.tobytes() == fi.default_rng(0).draw(law, SHAPE).tobytes()


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({}, "draw: missing a required argument: 'law'; its arguments are shape, law, rng, dtype, chunks"),
        ({"law": "laplac"}, "got 'laplac'; did you mean laplace"),
        ({"law": 3}, "law must be a Distribution"),
        ({"law": "laplace", "dtype": "int8"}, "dtype must be one of float32.*; got 'int8'"),
    ],
)
def test_errors(keywords, words):
    rng = fi.default_rng(0)
    with pytest.raises((TypeError, ValueError), match=words):
        fd.draw(SHAPE, rng=rng, **keywords)
    assert rng.state["calls"] == 0
