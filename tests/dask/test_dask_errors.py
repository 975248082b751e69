"""Errors of lazy arrays, raised before a call is counted."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask.array", reason="needs dask.array")

import numpy as np

import fastinit as fi
import fastinit.dask as fd
from tests.conftest import label

SHAPE = (10, 6)


def refused(kind, words, name, *arguments, **keywords):
    """Check that a function raises exactly this kind, with all these words, and that no call is counted."""
    rng = fi.default_rng(3)
    before = rng.state
    with pytest.raises(kind) as caught:
        getattr(fd, name)(*arguments, rng=rng, **keywords)
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)
    assert rng.state == before


@pytest.mark.parametrize(
    "chunks",
    [
        0,
        -2,
        (3,),
        (3, 3, 3),
        "abc",
        None,
        1.5,
        float("nan"),
        (np.nan, 3),
        ((3, 3), (6,)),
        ((4, 6), (7,)),
        ((4, -1, 7), (6,)),
        ((np.nan, 4), (6,)),
        ((), (6,)),
        (),
        ("1 MiB", "2 MiB"),
    ],
    ids=label,
)
def test_chunks_of_a_wrong_value(chunks):
    refused(ValueError, ["chunks must", "(10, 6)", repr(chunks)], "normal", SHAPE, chunks=chunks)


@pytest.mark.parametrize("chunks", [object(), True, False], ids=label)
def test_chunks_of_a_wrong_type(chunks):
    refused(TypeError, ["chunks must", repr(chunks)], "uniform", SHAPE, chunks=chunks)


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((2**62,), "auto"),
        ((2**49, 2**13), "auto"),
        ((2**49, 2**13), {1: "auto"}),
        ((2**40, 3), 1000),
        ((2**40, 3), (1000, -1)),
        ((3, 2**40), {1: 1000}),
        ((2**30, 2**20), "1 kB"),
        (2**40, "0 B"),
        ((2**30, 2**30), ("auto", -1)),
        ((2**30, 2**30), {0: "auto"}),
        ((2**30, 2**30), ("auto", None)),
        ((2**30, 2**30), ("auto", (2**30,))),
    ],
    ids=label,
)
def test_more_chunks_than_dask_can_list(shape, chunks):
    if chunks == {1: "auto"}:  # the other axis is whole
        assert fd.normal(shape, rng=0, chunks=chunks).numblocks == (1, 2**13)
        return
    refused(
        ValueError, ["chunks must be at most 16,777,216 along each axis", "got", repr(chunks)], "normal", shape, chunks=chunks
    )


def test_as_many_as_it_can():
    assert fd.normal(2**40, rng=0, chunks=2**20).numblocks == (2**20,)
    assert fd.normal((2**40, 4), rng=0).numblocks[0] < 2**20


@pytest.mark.parametrize(
    ("kind", "words", "name", "arguments", "keywords"),
    [
        (ValueError, ["scale", "-1"], "normal", (SHAPE,), {"scale": -1}),
        (TypeError, ["normal: too many positional arguments; its arguments are shape, loc"], "normal", (SHAPE, 0, 1), {}),
        (ValueError, ["a must be less than b"], "truncated_normal", (SHAPE,), {"a": 3}),
        (ValueError, ["gain"], "xavier_uniform", (SHAPE,), {"gain": -1}),
        (ValueError, ["shape"], "xavier_uniform", (5,), {}),
        (ValueError, ["shape", "2 axes"], "sparse", (5,), {"sparsity": 0.5}),
        (TypeError, ["sparsity"], "sparse", (SHAPE,), {}),
        (TypeError, ["dtype", "int8"], "normal", (SHAPE,), {"dtype": "int8"}),
        (TypeError, ["dtype"], "bits", (SHAPE,), {"dtype": "float32"}),
        (TypeError, ["shape", "'x'"], "normal", ("x",), {}),
        (ValueError, ["shape", "-1"], "normal", (-1,), {}),
        (ValueError, ["shape", "2^63"], "normal", ((2**62, 2**62),), {}),
        (TypeError, ["stddev"], "normal", (SHAPE,), {"stddev": 1}),
        (
            TypeError,
            ["normal: got an unexpected keyword argument 'out'", "loc, scale, rng, dtype, chunks"],
            "normal",
            (SHAPE,),
            {"out": np.zeros(SHAPE, np.float32)},
        ),
        (
            TypeError,
            ["bits: got an unexpected keyword argument 'index'", "are shape, rng, chunks"],
            "bits",
            (SHAPE,),
            {"index": 1},
        ),
    ],
)
def test_arguments(kind, words, name, arguments, keywords):
    refused(kind, words, name, *arguments, **keywords)


@pytest.mark.parametrize("rng", ["seed", -1, 1.5, np.random.default_rng(0), object()], ids=label)
def test_rng(rng):
    with pytest.raises((TypeError, ValueError), match="rng must"):
        fd.normal(SHAPE, rng=rng)


def test_without_dask():
    """The error says what to install, and `import fastinit` does not import Dask."""
    code = """
import sys
sys.modules["dask"] = sys.modules["dask.array"] = None
import fastinit
try:
    import fastinit.dask
except ImportError as error:
    print(error)
"""
    path = str(Path(fi.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}){code}"], check=True, capture_output=True, text=True
    )
    assert "pip install 'fastinit-kernels[dask]'" in done.stdout
