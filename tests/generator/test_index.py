"""`index=` means what NumPy means by indexing the whole array, into any sort of `out`, for runs of any length."""

import itertools
import math

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import blocks
from tests.conftest import ROWS, draw

SEED = 7


def numpy_dtype(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def get(size, index, name="normal", dtype="float32", **keywords):
    return draw(fi.default_rng(SEED), name, dtype, size=size, index=index, **keywords)


def whole_of(size, name="normal", dtype="float32"):
    return draw(fi.default_rng(SEED), name, dtype, size=size)


def same(x, y, what=""):
    assert type(x) is type(y), f"{what}: {type(x)} for {type(y)}"
    assert x.dtype == y.dtype, what
    assert x.shape == y.shape, f"{what}: {x.shape} for {y.shape}"
    assert x.tobytes() == y.tobytes(), what


ONE_AXIS = [
    np.s_[:],
    np.s_[3:],
    np.s_[:-3],
    np.s_[2:9],
    np.s_[-4:-1],
    np.s_[::2],
    np.s_[1::3],
    np.s_[::-1],
    np.s_[8:2:-2],
    np.s_[-2::-3],
    np.s_[5:5],
    np.s_[9:2],
    np.s_[2:9:-1],
    np.s_[-100:100],
    np.s_[100:],
    np.s_[: -(2**70) : -1],
    np.s_[:: 2**70],
    np.s_[:: -(2**70)],
    np.s_[np.int8(1) : np.uint64(6) : np.int16(2)],
    0,
    -1,
    6,
    np.int64(3),
    np.uint8(2),
    ...,
]


@pytest.mark.parametrize("n", [7, 12, 100])
@pytest.mark.parametrize("index", ONE_AXIS, ids=repr)
def test_one_axis(n, index):
    same(get(n, index), whole_of(n)[index], f"{index}")
    same(get((n,), (index,)), whole_of(n)[(index,)], f"{index}")


@pytest.mark.parametrize("shape", [(10, 13), (9, 40)])
def test_two_axes(shape):
    """Every pair of a slice or an integer for each axis."""
    whole = whole_of(shape)
    for pair in itertools.product([i for i in ONE_AXIS if i is not ...], repeat=2):
        same(get(shape, pair), whole[pair], f"{pair}")


MANY_AXES = [
    (),
    0,
    -1,
    np.s_[1],
    np.s_[..., 3],
    np.s_[-2, ...],
    np.s_[1, ..., -2],
    np.s_[..., ::-1],
    np.s_[::-1, ..., ::2],
    np.s_[:, 1],
    np.s_[:, 1, :, 2],
    np.s_[1:, :2, 1:-1, 2:],
    np.s_[::-1, ::-1, ::-1, ::-1],
    np.s_[1:2, 0:1, 2:3],
    np.s_[..., 1:1],
    np.s_[:, :, 2:0:-1, 4:],
    np.s_[1, 2, 3, :],
    np.s_[1, 2, ..., 3, 4],
    np.s_[:, ..., :, 3],
    np.s_[0:0, 1, 1, 1],
]


@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (2, 3, 4, 70), (3, 3, 40, 5)], ids=str)
@pytest.mark.parametrize("index", MANY_AXES, ids=repr)
def test_four_axes(shape, index):
    same(np.asarray(get(shape, index)), np.asarray(whole_of(shape)[index]), f"{index}")


@pytest.mark.parametrize("shape", [(2, 1, 3, 1, 2, 1, 2), (1,) * 64, (2,) * 12], ids=lambda shape: f"{len(shape)} axes")
def test_very_many_axes(shape):
    whole = whole_of(shape)
    same(get(shape, ...), whole)
    same(get(shape, np.s_[-1, ..., ::-1]), whole[-1, ..., ::-1])
    same(get(shape, (slice(None, None, -1),) * len(shape)), np.ascontiguousarray(whole[(slice(None, None, -1),) * len(shape)]))


# --- arrays and scalars -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_integers_for_all_axes_give_a_scalar(name, dtype):
    whole = whole_of((3, 4), name, dtype)
    for at in np.ndindex(3, 4):
        x = get((3, 4), at, name, dtype)
        assert type(x) is numpy_dtype(dtype).type
        assert x == whole[at]
    assert type(get(5, 2, name, dtype)) is numpy_dtype(dtype).type


@pytest.mark.parametrize("index", [(0, 1, ...), (..., 2, 3), (1, ..., 1)], ids=repr)
def test_integers_and_an_ellipsis_give_an_array_without_axes(index):
    same(get((3, 4), index), whole_of((3, 4))[index])


def test_array_without_axes():
    assert type(whole_of(())) is np.ndarray
    assert whole_of(()).shape == ()
    same(get((), ...), whole_of(())[...])
    same(get((), ()), whole_of(())[()])


def test_no_index_is_the_whole():
    same(get((3, 4), None), whole_of((3, 4)))


@pytest.mark.parametrize("index", [np.s_[1:3], np.s_[1], np.s_[:, ::2], np.s_[::-1]], ids=repr)
def test_new_blocks_are_contiguous(index):
    x = get((5, 60), index)
    assert x.flags.c_contiguous
    assert x.flags.owndata
    assert x.flags.writeable


def test_scalar_out():
    out = np.zeros((), np.float32)
    assert get((3, 4), (1, 2), out=out) is out
    assert out == whole_of((3, 4))[1, 2]
    assert fi.default_rng(SEED).normal(0.5, 2.0, out=out) is out
    assert out == whole_of(1)[0]


# --- into memory of any layout ----------------------------------------------------------------------------------------


def outs(shape, dtype):
    """Arrays of one shape: contiguous, transposed, strided, reversed, off alignment."""
    count = math.prod(shape)
    odd = np.frombuffer(bytearray(count * dtype.itemsize + 1), np.uint8, offset=1)
    yield "C", np.zeros(shape, dtype)
    yield "Fortran", np.zeros(shape, dtype, order="F")
    yield "strided", np.zeros([2 * n + 1 for n in shape], dtype)[(slice(1, None, 2),) * len(shape)]
    yield "reversed", np.zeros(shape[::-1], dtype).T[(slice(None, None, -1),) * len(shape)]
    yield "first axis apart", np.zeros((shape[0], 3, *shape[1:]), dtype)[:, 1]
    yield "odd address", odd.view(dtype).reshape(shape)


#: Each kind of word and each width of stored values. Every row fills every layout in `tests/promise/test_1_pure_function.py`.
SOME_ROWS = [("bits", "uint32"), ("normal", "float32"), ("tail", "float64"), ("central", "float16"), ("uniform", "float8_e5m2")]


@pytest.mark.parametrize(("name", "dtype"), SOME_ROWS)
@pytest.mark.parametrize(
    "index",
    [np.s_[2:7, 3:50], np.s_[::-1, ::3], np.s_[:, :2], np.s_[4:5, ::-1], np.s_[1:3, 10:90:4], np.s_[::4, 17:18]],
    ids=repr,
)
def test_block_into_any_layout(name, dtype, index):
    block = whole_of((9, 91), name, dtype)[index]
    for what, out in outs(block.shape, block.dtype):
        assert get((9, 91), index, name, dtype, out=out) is out
        assert out.tobytes() == block.tobytes(), what


@pytest.mark.parametrize("index", [np.s_[1, 2:30], np.s_[:, ::2, 5], np.s_[::-1, 1:3, 4:], np.s_[0], np.s_[..., 0:1]], ids=repr)
def test_block_of_three_axes_into_any_layout(index):
    shape = (3, 33, 9)
    block = np.ascontiguousarray(whole_of(shape)[index])
    for what, out in outs(block.shape, block.dtype):
        get(shape, index, out=out)
        assert out.tobytes() == block.tobytes(), what


@pytest.mark.parametrize(("name", "dtype"), [row for row in ROWS if row[1] in ("float32", "float64", "uint32")])
def test_narrow_columns(name, dtype):
    """Runs of 1 to 20 elements at any place of a row: each side of the run length where the kernel changes its way."""
    whole = whole_of((40, 131), name, dtype)
    for width in range(1, 21):
        for first in (0, 1, 31, 60, 131 - width):
            columns = np.s_[:, first : first + width]
            same(get((40, 131), columns, name, dtype), np.ascontiguousarray(whole[columns]), f"{columns}")


@pytest.mark.parametrize("width", range(1, 21))
def test_narrow_columns_in_place(width):
    """Columns of a larger array are written, the rest is not."""
    whole = whole_of((50, 37))
    target = np.full((50, 37), np.float32(99))
    columns = np.s_[:, 9 : 9 + width]
    get((50, 37), columns, out=target[columns])
    assert np.array_equal(target[columns], whole[columns])
    target[columns] = 99
    assert np.all(target == 99)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (1, 1, 64), (64, 1, 1), (1, 12, 1), (1, 11, 1)], ids=str)
def test_axes_of_length_one(shape):
    whole = whole_of(shape)
    assert whole.ravel().tobytes() == whole_of(math.prod(shape)).tobytes()
    for out in (
        np.zeros(shape[::-1], np.float32).T,
        np.zeros([3 * n for n in shape], np.float32)[tuple(slice(None, n) for n in shape)],
    ):
        get(shape, None, out=out)
        assert out.tobytes() == whole.tobytes()


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_big_strides(name, dtype):
    """Steps of the logical order up to 2^40, positive and negative, against the same elements one by one."""
    size = (2**21, 2**20, 2**20)
    for index in (
        np.s_[:: 2**19, 5, :: 2**18],
        np.s_[-1 :: -(2**20), -1, -1:-30:-7],
        np.s_[3, :: 2**17, 1],
        np.s_[77, -3:, 2**19],
    ):
        block = get(size, index, name, dtype)
        grids = [range(*part.indices(n)) if isinstance(part, slice) else (part,) for part, n in zip(index, size, strict=True)]
        single = [get(size, tuple(at), name, dtype) for at in itertools.product(*grids)]
        assert block.size == len(single) > 1
        assert block.tobytes() == np.array(single, block.dtype).tobytes()


def test_out_strides_of_gibibytes():
    """Two rows at either end of one GiB of address space that is never touched elsewhere."""
    far = np.empty((2, 1 << 28), np.float32)[:, :300]
    get((2, 300), None, out=far)
    assert np.array_equal(far, whole_of((2, 300)))


# --- nothing to fill --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "index", "shape"),
    [
        (0, ..., (0,)),
        ((3, 0), 1, (0,)),
        ((3, 0), np.s_[:, :], (3, 0)),
        ((0, 3), np.s_[:, 1], (0,)),
        ((4, 5), np.s_[2:2], (0, 5)),
        ((4, 5), np.s_[:, 5:], (4, 0)),
        ((4, 5), np.s_[3:1, 2], (0,)),
        ((2**40, 0, 2**22), np.s_[5, :, -1], (0,)),
        ((2**40, 2**20), np.s_[5:5, -1], (0,)),
    ],
)
def test_blocks_of_nothing(size, index, shape):
    x = get(size, index)
    assert isinstance(x, np.ndarray)
    assert x.shape == shape
    out = np.zeros((*shape, 2), x.dtype)[..., 0]
    assert get(size, index, out=out) is out


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_every_row_fills_nothing(name, dtype):
    x = get((4, 5), np.s_[:, 5:], name, dtype)
    assert x.shape == (4, 0)
    assert x.dtype == numpy_dtype(dtype)


# --- the arithmetic by itself -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (4, 6), (3, 4, 5)], ids=str)
def test_block_lists_the_logical_indices(shape):
    """Origin and steps of a block against the C-order numbers of the elements."""
    numbers = np.arange(math.prod(shape)).reshape(shape)
    rng = np.random.default_rng(1)
    for _ in range(300):
        index = []
        for n in shape:
            if rng.random() < 0.3:
                index.append(int(rng.integers(-n, n)))
            else:
                ends = [None if rng.random() < 0.2 else int(rng.integers(-n - 2, n + 3)) for _ in range(2)]
                index.append(slice(*ends, int(rng.choice([-3, -2, -1, 1, 2, 3]))))
        block = blocks.select(tuple(index), shape)
        expected = numbers[tuple(index)]
        assert block.shape == expected.shape
        for at in np.ndindex(*block.shape):
            assert block.origin + sum(i * step for i, step in zip(at, block.steps, strict=True)) == expected[at]


def test_axes_cover_each_element_once():
    """Merged and reordered axes name the same pairs of logical index and address as the block itself."""
    rng = np.random.default_rng(2)
    for _ in range(200):
        shape = tuple(int(n) for n in rng.integers(1, 15, size=rng.integers(1, 5)))
        strides = tuple(int(s) for s in rng.integers(-100, 100, size=len(shape)))
        steps = tuple(int(s) for s in rng.integers(-100, 100, size=len(shape)))
        if rng.random() < 0.5:  # contiguous, so that neighbours merge
            steps = strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
        axes = blocks.axes_of(blocks.Block(shape, 0, steps), strides)

        def pairs(lengths, steps, strides):
            at = np.array(list(np.ndindex(*lengths))).reshape(math.prod(lengths), len(lengths))
            return sorted(zip((at @ np.array(steps, int)).tolist(), (at @ np.array(strides, int)).tolist(), strict=True))

        assert pairs(*zip(*axes, strict=True)) == pairs(shape, steps, strides)
