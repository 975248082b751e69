"""Sizes, dtypes and the arguments of the distributions."""

import sys

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES, ROWS, draw


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        (5, (5,)),
        ((5,), (5,)),
        ([2, 3], (2, 3)),
        ((2, 3), (2, 3)),
        (np.int64(4), (4,)),
        (np.uint8(4), (4,)),
        (np.array(4), (4,)),
        (np.array([2, 3]), (2, 3)),
        ((np.int8(2), 3), (2, 3)),
        (range(2, 4), (2, 3)),
        ((), ()),
        ([], ()),
        (1, (1,)),
    ],
    ids=repr,
)
def test_size(size, shape):
    x = fi.default_rng(4).normal(size=size)
    assert isinstance(x, np.ndarray)
    assert x.shape == shape
    assert x.flags.c_contiguous
    assert x.flags.writeable


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_no_size_gives_a_scalar(name, dtype):
    x = draw(fi.default_rng(4), name, dtype)
    assert type(x) is np.dtype(getattr(ml_dtypes, dtype, dtype)).type
    assert x == draw(fi.default_rng(4), name, dtype, size=1)[0]


def test_no_size_gives_a_scalar_for_constants_too():
    for x in (
        fi.default_rng(4).normal(2, 0),
        fi.default_rng(4).uniform(2, 2),
        fi.default_rng(4).truncated_normal(loc=2, scale=0),
    ):
        assert type(x) is np.float32
        assert x == 2


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_out_gives_the_size(name, dtype):
    expected = draw(fi.default_rng(4), name, dtype, size=(3, 4))
    assert expected.shape == (3, 4)
    assert expected.dtype == getattr(ml_dtypes, dtype, dtype)
    out = np.zeros((3, 4), expected.dtype)
    assert draw(fi.default_rng(4), name, dtype, out=out) is out
    assert out.tobytes() == expected.tobytes()
    out = np.zeros((3, 4), expected.dtype)
    assert draw(fi.default_rng(4), name, dtype, size=[3, 4], out=out) is out
    assert out.tobytes() == expected.tobytes()


def test_out_of_a_subclass_stays_itself(tmp_path):
    class Weights(np.ndarray):
        pass

    expected = fi.default_rng(4).normal(size=(3, 4))
    for out in (np.zeros((3, 4), np.float32).view(Weights), np.memmap(tmp_path / "w", np.float32, "w+", shape=(3, 4))):
        assert fi.default_rng(4).normal(out=out) is out
        assert np.array_equal(out, expected)
    assert (tmp_path / "w").read_bytes() == expected.tobytes()


SPELLINGS = {
    "float32": [
        np.float32,
        "float32",
        "f4",
        "f",
        "<f4" if sys.byteorder == "little" else ">f4",
        "=f4",
        "single",
        np.dtype("float32"),
    ],
    "float64": [np.float64, "float64", "f8", "d", float, "double", np.dtype("float64")],
    "float16": [np.float16, "float16", "f2", "e", "half", np.dtype("float16")],
    "bfloat16": ["bfloat16", ml_dtypes.bfloat16, np.dtype(ml_dtypes.bfloat16)],
}


@pytest.mark.parametrize(("dtype", "spelling"), [(d, s) for d, every in SPELLINGS.items() for s in every], ids=repr)
@pytest.mark.parametrize("method", ["uniform", "normal", "truncated_normal"])
def test_dtype(method, dtype, spelling):
    x = getattr(fi.default_rng(4), method)(size=6, dtype=spelling)
    y = getattr(fi.default_rng(4), method)(size=6, dtype=dtype)
    assert x.dtype == y.dtype
    assert x.dtype.name == dtype
    assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("method", ["uniform", "normal", "truncated_normal"])
def test_float32_is_the_default(method):
    assert getattr(fi.default_rng(4), method)(size=2).dtype == np.float32
    assert type(getattr(fi.default_rng(4), method)()) is np.float32


def test_metadata_of_a_dtype_is_no_obstacle():
    dtype = np.dtype(np.float32, metadata={"unit": "m"})
    expected = fi.default_rng(4).normal(size=6)
    assert np.array_equal(fi.default_rng(4).normal(size=6, dtype=dtype), expected)
    assert np.array_equal(fi.default_rng(4).normal(out=np.zeros(6, dtype)), expected)


def test_defaults():
    def same(x, y):
        assert x.tobytes() == y.tobytes()

    n = 1000
    u = fi.default_rng(4).uniform(size=n)
    same(u, fi.default_rng(4).uniform(0.0, 1.0, n))
    same(u, fi.default_rng(4).uniform(low=0, high=1, size=n))
    assert 0 <= u.min() < 0.01
    assert 0.99 < u.max() < 1
    z = fi.default_rng(4).normal(size=n)
    same(z, fi.default_rng(4).normal(0.0, 1.0, n))
    same(z, fi.default_rng(4).normal(loc=0, scale=1, size=n))
    t = fi.default_rng(4).truncated_normal(size=n)
    same(t, fi.default_rng(4).truncated_normal(-2.0, 2.0, 0.0, 1.0, n, units="std"))
    same(t, fi.default_rng(4).truncated_normal(a=-2, b=2, loc=0, scale=1, size=n))
    assert 1.9 < np.abs(t).max() <= 2
    assert fi.default_rng(4).bits(n).dtype == np.uint32


def test_only_parameters_and_size_go_by_position():
    rng = fi.default_rng(4)
    for method, most in (("uniform", 3), ("normal", 3), ("truncated_normal", 5), ("bits", 1)):
        with pytest.raises(TypeError, match="positional argument"):
            getattr(rng, method)(*[1] * (most + 1))
    assert rng.state["calls"] == 0


def test_bits_are_the_words_of_uniform():
    """A float32 uniform is made of the upper 24 bits."""
    expected = (fi.default_rng(4).bits(5000) >> 8).astype(np.float32) * np.float32(2.0**-24)
    assert np.array_equal(fi.default_rng(4).uniform(size=5000), expected)


def test_bits():
    rng = fi.default_rng(4)
    x = rng.bits(5000)
    assert x.max() > 2**32 - 2**24
    assert x.min() < 2**24
    assert type(rng.bits()) is np.uint32
    assert np.array_equal(fi.default_rng(4).bits((50, 100), index=np.s_[3:5, ::9]), x.reshape(50, 100)[3:5, ::9])
    assert rng.state["calls"] == 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loc", "scale"), [(0, 1), (0.5, 2), (-3, 0.02)])
def test_no_bounds_is_the_normal_distribution(dtype, loc, scale):
    inf = float("inf")
    x = fi.default_rng(4).normal(loc, scale, 3000, dtype=dtype)
    for units in ("std", "absolute"):
        y = fi.default_rng(4).truncated_normal(-inf, inf, loc, scale, 3000, dtype=dtype, units=units)
        assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_units(dtype):
    """Bounds -1 and 3 deviations of 2 from 5 are the values 3 and 11."""
    x = fi.default_rng(4).truncated_normal(-1, 3, 5, 2, 3000, dtype=dtype)
    y = fi.default_rng(4).truncated_normal(3, 11, 5, 2, 3000, dtype=dtype, units="absolute")
    assert x.tobytes() == y.tobytes()
    assert 3 <= float(x.min()) < 3.2
    assert 10 <= float(x.max()) <= 11


@pytest.mark.parametrize("dtype", DTYPES)
def test_mirrored_bounds_mirror_the_values(dtype):
    x = fi.default_rng(4).truncated_normal(2, 4, size=3000, dtype=dtype)
    y = fi.default_rng(4).truncated_normal(-4, -2, size=3000, dtype=dtype)
    assert x.tobytes() == (-y).tobytes()
