"""Refused sizes, outputs and indices: the type of the error, its words, and that nothing has happened."""

import numpy as np
import pytest

import fastinit as fi
from tests.conftest import label
from tests.generator.refusals import METHODS, SHAPE, fresh_out, refused


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "size",
    [2.0, "3", "", b"ab", 1j, [2.0], (2, "a"), (2, None), [[2]], np.array([[2]]), np.float64(2), (3, 2.5), object(), Ellipsis],
    ids=label,
)
def test_size_of_a_wrong_type(method, size):
    refused(TypeError, ["size must be an int or a sequence of ints", repr(size)], method, size=size)


@pytest.mark.parametrize("size", [True, (2, True), np.True_, (2, np.True_), {2: 3}, {3}], ids=label)
def test_size_without_an_order_or_of_booleans(size):
    refused(TypeError, ["size", repr(size)], "uniform", size=size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [-1, (-1,), (2, -3), (0, -1), [5, -5], np.int64(-7), -(2**70)], ids=label)
def test_negative_size(method, size):
    refused(ValueError, ["size must not be negative", repr(size)], method, size=size)
    refused(ValueError, ["size must not be negative", repr(size)], method, size=size, index=0)


@pytest.mark.parametrize("size", [2**63, 2**70, (2**32, 2**31), (2**21, 2**21, 2**21), (0, 2**64), (1, 2**63)], ids=label)
def test_size_beyond_counting(size):
    refused(ValueError, ["size must stay below 2^63 elements", repr(size)], "uniform", size=size)
    refused(ValueError, ["size must stay below 2^63 elements", repr(size)], "uniform", size=size, index=...)


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, (2**31, 2**31)])
def test_size_beyond_memory(size):
    words = ["size or shape must give an array of less than 2^63 bytes", "of float32"]
    refused(ValueError, words, "uniform", size=size)
    refused(ValueError, words, "uniform", size=(0, 2**62))
    refused(ValueError, words, "uniform", size=size, index=...)


def test_size_that_memory_has_no_room_for():
    rng = fi.default_rng(3)
    with pytest.raises(MemoryError):
        rng.uniform(size=1 << 50)
    assert rng.state["calls"] == 0


def test_too_many_axes():
    refused(ValueError, ["size"], "uniform", size=(1,) * 65)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "out", [[1.0, 2.0], 3, "abc", (np.zeros(3, np.float32),), np.float32(1), {}, [[1], [2, 3]], object], ids=label
)
def test_out_of_a_wrong_type(method, out):
    refused(TypeError, ["out must be a numpy.ndarray", type(out).__name__], method, out=out)


def test_masked_out():
    out = np.ma.masked_array(np.zeros(3, np.float32), mask=[0, 1, 0])
    refused(TypeError, ["out must be a numpy.ndarray", "MaskedArray"], "uniform", out=out)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(6, 4), (24,), (4,), (4, 6, 1), (4, 5), (), (0,), (1, 4, 6)], ids=str)
def test_out_of_another_shape(method, shape):
    words = ["out must have shape (4, 6)", str(shape)]
    refused(ValueError, words, method, size=SHAPE, out=fresh_out(method, shape))


def test_out_must_have_the_shape_of_the_block():
    whole, block = fresh_out(), fresh_out(shape=(2, 6))
    refused(ValueError, ["out must have shape (2, 6)", "(4, 6)"], "uniform", size=SHAPE, index=np.s_[:2], out=whole)
    refused(ValueError, ["out must have shape (6,)", "(2, 6)"], "uniform", size=SHAPE, index=1, out=block)
    refused(ValueError, ["out must have shape ()", "(1,)"], "uniform", size=SHAPE, index=(1, 1), out=fresh_out(shape=1))


def read_only():
    frozen = fresh_out()
    frozen.flags.writeable = False
    return {
        "flag": frozen,
        "bytes": np.frombuffer(bytes(96), np.float32).reshape(SHAPE),
        "broadcast": np.broadcast_to(np.float32(1), SHAPE),
    }


@pytest.mark.parametrize("what", list(read_only()))
def test_read_only_out(what):
    refused(ValueError, ["out must be writable", "read-only"], "normal", out=read_only()[what])


def test_read_only_mapped_file(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(96))
    refused(ValueError, ["out must be writable"], "uniform", out=np.memmap(path, np.float32, "r", shape=SHAPE))
    assert path.read_bytes() == bytes(96)


def over(shape, strides, dtype=np.float32):
    """An array of these strides (bytes) in the middle of enough memory."""
    memory = np.zeros(4096, np.uint8)[1024:]
    return np.lib.stride_tricks.as_strided(memory[: 4 * (memory.size // 4)].view(dtype), shape, strides)


OVERLAPPING = [
    ((4, 6), (0, 4)),
    ((4, 6), (4, 0)),
    ((4, 6), (0, 0)),
    ((4, 6), (4, 4)),
    ((4, 6), (20, 4)),
    ((4, 6), (8, 16)),
    ((3, 4), (12, 8)),
    ((10,), (2,)),
    ((10,), (3,)),
    ((10,), (-2,)),
    ((4, 6), (-20, 4)),
    ((4, 6), (22, 4)),
    ((2, 2, 2), (12, 8, 4)),
    ((5, 1, 3), (4, 100, 8)),
    ((8, 6), (20, 28)),
]


def elements_overlap(shape, strides, itemsize=4):
    """By marking each byte."""
    seen = set()
    for at in np.ndindex(*shape):
        first = sum(i * s for i, s in zip(at, strides, strict=True))
        here = set(range(first, first + itemsize))
        if seen & here:
            return True
        seen |= here
    return False


def test_an_empty_out_overlaps_nothing():
    out = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (0, 5), (0, 0))
    assert fi.default_rng(0).normal(out=out) is out


@pytest.mark.parametrize(("shape", "strides"), OVERLAPPING)
def test_overlapping_out(shape, strides):
    if not elements_overlap(shape, strides):
        pytest.fail(f"a mistake in this test: {shape} {strides} do not overlap")
    words = ["out must not overlap itself", str(shape), str(strides)]
    refused(ValueError, words, "uniform", out=over(shape, strides))


@pytest.mark.parametrize(
    ("method", "asked", "given"),
    [
        ("uniform", "float32", np.float64),
        ("normal", "float64", np.float32),
        ("truncated_normal", "bfloat16", np.float16),
        ("uniform", "float16", np.uint16),
        ("uniform", "float32", ">f4"),
        ("uniform", "float32", np.int32),
        ("uniform", "float32", object),
    ],
)
def test_out_of_another_dtype(method, asked, given):
    out = np.zeros(5, given)
    refused(TypeError, ["out must have dtype", asked, str(out.dtype)], method, out=out, dtype=asked)


@pytest.mark.parametrize("given", [np.int32, np.uint64, ">u4", np.float32])
def test_bits_out_must_be_uint32(given):
    out = np.zeros(5, given)
    refused(TypeError, ["out must have dtype uint32", str(out.dtype)], "bits", out=out)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "part",
    [0.0, np.float64(1), True, np.True_, None, "0", b"0", 1j, [0], [0, 1], np.array([0]), np.array([True, False]), object()],
    ids=label,
)
def test_index_of_a_wrong_type(method, part):
    words = ["index must hold integers, slices and Ellipsis", "axis 1"]
    refused(TypeError, [*words, repr(part)], method, size=SHAPE, index=(0, part))
    if part is not None:
        refused(TypeError, ["index must hold", "axis 0"], method, size=SHAPE, index=part)


@pytest.mark.parametrize("part", [np.s_[0.5:], np.s_[:"a"], np.s_[::1j], np.s_[[1] :]], ids=label)
def test_slice_of_a_wrong_type(part):
    refused(TypeError, ["index must hold slices of ints", repr(part), "axis 1"], "uniform", size=SHAPE, index=(..., part))


def test_slice_that_goes_nowhere():
    refused(ValueError, ["index", "slice step cannot be zero", "axis 0"], "uniform", size=SHAPE, index=np.s_[::0])


@pytest.mark.parametrize(
    ("index", "axis"), [(4, 0), (-5, 0), ((0, 6), 1), ((..., -7), 1), (2**70, 0), ((slice(None), np.int64(6)), 1)], ids=label
)
def test_index_out_of_range(index, axis):
    words = ["index must be in", f"[{-SHAPE[axis]}, {SHAPE[axis]})", f"axis {axis}", str(SHAPE)]
    refused(IndexError, words, "uniform", size=SHAPE, index=index)


def test_nothing_is_in_range_of_an_empty_axis():
    refused(IndexError, ["index must be in [0, 0)"], "uniform", size=(3, 0), index=(0, 0))


@pytest.mark.parametrize("index", [(0, 0, 0), (slice(None),) * 3, (..., 0, 0, 0), (0, 0, ..., 0)], ids=label)
def test_more_entries_than_axes(index):
    refused(ValueError, ["index must have at most 2 entries", str(SHAPE), repr(index)], "uniform", size=SHAPE, index=index)


def test_index_of_a_scalar():
    refused(ValueError, ["index must have at most 0 entries"], "uniform", size=(), index=0)


@pytest.mark.parametrize("index", [(..., ...), (..., 0, ...)], ids=label)
def test_two_ellipses(index):
    refused(ValueError, ["index must have at most one Ellipsis", repr(index)], "uniform", size=SHAPE, index=index)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("index", [0, ..., np.s_[1:], ()], ids=label)
def test_index_without_size(method, index):
    refused(TypeError, ["size must be given if index is"], method, index=index)
    refused(TypeError, ["size must be given if index is"], method, index=index, out=fresh_out(method))
