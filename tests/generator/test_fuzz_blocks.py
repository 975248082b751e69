"""Random views and blocks: they hold the values of the whole array, and nothing beside them is written."""

import functools
import math

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import fastinit as fi
from tests.conftest import ROWS, draw
from tests.generator.fuzz import SEED, numpy_dtype
from tests.repeats import cases


@st.composite
def views(draw_, itemsize):
    """Shape, byte strides and byte offset of a view that does not overlap itself, and the size of the memory around it."""
    shape = tuple(draw_(st.lists(st.integers(1, 9) | st.sampled_from([12, 13, 64, 150]), min_size=1, max_size=4)))
    assume(math.prod(shape) <= 6000)
    strides, reach = [0] * len(shape), itemsize
    for axis in draw_(st.permutations(range(len(shape)))):
        gap = draw_(st.sampled_from([0, 0, 0, 1, itemsize, 3, 4 * itemsize + 1]))
        strides[axis] = reach + gap
        reach += strides[axis] * (shape[axis] - 1)
    signs = draw_(st.lists(st.sampled_from([1, 1, -1]), min_size=len(shape), max_size=len(shape)))
    strides = tuple(sign * stride for sign, stride in zip(signs, strides, strict=True))
    guard = draw_(st.integers(64, 200))
    first = guard - sum(min(0, stride * (n - 1)) for stride, n in zip(strides, shape, strict=True))
    return shape, strides, first, reach + 2 * guard + 64


def place(memory, dtype, shape, strides, first):
    """A view of a bytearray at any byte."""
    return np.ndarray(shape, dtype, memory, first, strides)


def wider(data, shape):
    """A size that has a block of this shape, and the index that cuts it out."""
    size, index = [], []
    for n in shape:
        step = data.draw(st.sampled_from([1, 1, 1, 2, 3, -1, -2]))
        before, after = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
        reach = (n - 1) * abs(step) + 1
        size.append(before + reach + after)
        if step > 0:
            index.append(slice(before, before + reach, step))
        else:
            index.append(slice(before + reach - 1, before - 1 if before else None, step))
    return tuple(size), tuple(index)


@cases(600)
@given(data=st.data(), row=st.sampled_from(ROWS), pattern=st.integers(0, 2**32 - 1))
def test_nothing_beside_out_is_written(data, row, pattern):
    """Random layouts at random bytes of a larger memory; the rest of it keeps its pattern."""
    name, dtype = row
    real = numpy_dtype(dtype)
    shape, strides, first, length = data.draw(views(real.itemsize))
    memory = bytearray(np.random.default_rng(pattern).bytes(length))
    before = np.frombuffer(bytes(memory), np.uint8)
    owned = np.zeros(length, np.uint8)
    np.ndarray((*shape, real.itemsize), np.uint8, owned, first, (*strides, 1))[...] = 1
    assert owned.sum() == math.prod(shape) * real.itemsize
    out = place(memory, real, shape, strides, first)
    size, index = wider(data, shape)
    returned = draw(fi.default_rng(SEED), name, dtype, size=size, index=index, out=out)
    assert returned is out
    changed = before != np.frombuffer(memory, np.uint8)
    assert not changed[owned == 0].any()
    whole = draw(fi.default_rng(SEED), name, dtype, size=size)
    assert out.tobytes() == whole[index].tobytes()


SHAPES = [
    (1,),
    (5,),
    (200,),
    (9000,),
    (3, 4),
    (30, 70),
    (64, 33),
    (5, 1, 7),
    (4, 6, 90),
    (2, 3, 4, 5),
    (1, 1, 1),
    (3, 0, 4),
    (),
]


@functools.cache
def whole_of(name, dtype, shape):
    return draw(fi.default_rng(SEED), name, dtype, size=shape)


@cases(1000)
@given(row=st.sampled_from(ROWS), shape=st.sampled_from(SHAPES), data=st.data())
def test_any_block_is_that_of_the_whole(row, shape, data):
    index = data.draw(npst.basic_indices(shape, allow_newaxis=False))
    x = np.asarray(draw(fi.default_rng(SEED), *row, size=shape, index=index))
    expected = np.asarray(whole_of(*row, shape)[index])
    assert x.dtype == expected.dtype
    assert x.shape == expected.shape
    assert x.tobytes() == expected.tobytes()


@cases(300)
@given(row=st.sampled_from(ROWS), start=st.integers(0, 2**63 - 2), count=st.integers(1, 300), cut=st.integers(0, 300))
@example(row=("normal", "float32"), start=2**36 - 5, count=100, cut=50)
@example(row=("tail", "float64"), start=2**37 - 64, count=300, cut=129)
def test_a_run_anywhere_is_the_sum_of_its_parts(row, start, count, cut):
    """Up to 2^63 elements: a run, its two parts, and its last element alone."""
    most = 2**63 - 1
    stop = min(start + count, most)
    middle = min(start + cut, stop)

    def get(index):
        return draw(fi.default_rng(SEED), *row, size=most, index=index)

    run = get(slice(start, stop))
    assert run.tobytes() == get(slice(start, middle)).tobytes() + get(slice(middle, stop)).tobytes()
    assert run[-1] == get(stop - 1)


@cases(200)
@given(row=st.sampled_from(ROWS), shape=st.sampled_from([s for s in SHAPES if s]), data=st.data())
def test_any_reshape_holds_the_same_values(row, shape, data):
    """Values follow the C-order number of the element, whatever the axes."""
    count = math.prod(shape)
    factors = [n for n in range(1, 60) if count % n == 0]
    first = data.draw(st.sampled_from(factors))
    other = (first, count // first)
    assert draw(fi.default_rng(SEED), *row, size=other).tobytes() == whole_of(*row, shape).tobytes()
