"""A lazy array is the array that `Generator.draw` gives, and pickles to what it is."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastinit as fi
from fastinit import laws
from tests.conftest import label
from tests.lazy_arrays.arrays import PAIRS, both
from tests.repeats import cases


@laws.law("u11_closed")
def wedge(u, scale=1.0):
    return u * abs(u) * scale


def same(a, b):
    assert type(a) is type(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(("law", "dtype"), PAIRS, ids=label)
def test_every_law_and_dtype(law, dtype):
    lazy, full = both(law, (37, 53), dtype)
    same(np.asarray(lazy), full)
    same(lazy[5:30:3, ::-2], full[5:30:3, ::-2])
    same(np.asarray(lazy.T), full.T)


def test_what_it_knows():
    lazy, full = both(laws.normal(scale=0.5), (3, 4, 5), "bfloat16")
    for name in ("shape", "dtype", "ndim", "size", "nbytes"):
        assert getattr(lazy, name) == getattr(full, name)
    assert (len(lazy), lazy.T.shape, lazy.law) == (3, (5, 4, 3), laws.normal(scale=0.5))
    assert fi.lazy(laws.normal(), (2**40, 2**20), 0).nbytes == 2**62
    assert fi.lazy(laws.integers(5), 3, 0).dtype == np.int64


SLICES = st.slices(11) | st.integers(-11, 10)
INDICES = st.lists(SLICES, max_size=3).map(tuple) | st.just(...) | st.tuples(st.just(...), SLICES)


@cases(60)
@given(first=INDICES, second=INDICES, turns=st.booleans())
def test_indices_of_blocks_of_transposes(first, second, turns):
    """Any block of any block has NumPy's meaning, whichever steps stay lazy."""
    lazy, full = both(laws.normal(), (11, 11, 11))
    lazy, full = (lazy.T, full.T) if turns else (lazy, full)
    same(lazy[first], full[first])
    part, cut = lazy.block(first), full[first]
    same(np.asarray(part), np.asarray(cut))
    try:
        expected = cut[second]
    except IndexError:
        with pytest.raises((IndexError, ValueError), match="index must"):
            part[second]
    else:
        same(part.T.T[second], expected)


def test_scalars_rows_and_arrays_without_axes():
    lazy, full = both(laws.normal(), (4, 6))
    same(lazy[1, 2], full[1, 2])
    same(lazy[1, 2, ...], full[1, 2, ...])
    for row, expected in zip(lazy, full, strict=True):
        same(row, expected)
    point = lazy.block((1, 2))
    same(np.asarray(point), full[1, 2, ...])
    with pytest.raises(TypeError, match="without axes"):
        iter(point)


def test_far_away_values_cost_their_block():
    law, index = laws.normal(), np.s_[-1, -3:]
    lazy = fi.lazy(law, (2**30, 2**20), 0)
    same(lazy[index], fi.default_rng(0).draw(law, (2**30, 2**20), index=index))
    same(lazy.T.block(np.s_[::-1])[:3, -1], lazy[index][::-1])


def test_the_call_is_taken_at_once():
    rng, again = fi.default_rng(3), fi.default_rng(3)
    lazy = fi.lazy(laws.laplace(), (5, 5), rng)
    assert rng.state["calls"] == 1
    rng.normal(size=10)
    same(np.asarray(lazy), again.draw(laws.laplace(), (5, 5)))
    same(fi.lazy(laws.laplace(), (5, 5), 3)[...], np.asarray(lazy))


@pytest.mark.parametrize("law", [laws.normal(scale=0.02), laws.truncated_normal(-2, 2), wedge(scale=3.0)], ids=label)
def test_pickles_and_copies(law):
    lazy = fi.lazy(law, (10**9, 10**9), fi.default_rng(7).child("projection"), dtype="bfloat16")
    for each in (lazy, lazy.T, lazy.block(np.s_[5:, ::-3])):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert len(pickle.dumps(each, protocol)) < 1000
            again = pickle.loads(pickle.dumps(each, protocol))
            assert again == each
            same(again[:2, -2:], each[:2, -2:])
        assert copy.copy(each) == copy.deepcopy(each) == each


def test_a_pickle_of_another_stream_version_is_refused():
    restore, (version, *rest) = fi.lazy(laws.normal(), 3, 0).__reduce__()
    with pytest.raises(RuntimeError, match=f"made with stream version {version + 1}"):
        restore(version + 1, *rest)


def test_equal_if_the_same():
    law = laws.normal()
    lazy = fi.lazy(law, (4, 6), 0)
    assert lazy == fi.lazy(laws.normal(), [4, 6], fi.default_rng(0), dtype="float32")
    assert {lazy: 1}[fi.lazy(law, (4, 6), 0)] == 1
    assert lazy.T.T == lazy.block(...) == lazy
    others = [fi.lazy(law, (4, 6), 1), fi.lazy(law, (4, 7), 0), fi.lazy(law, (4, 6), 0, dtype="float64"), lazy.T]
    others += [fi.lazy(laws.normal(1), (4, 6), 0), lazy.block(np.s_[1:]), lazy.block(np.s_[::-1])]
    assert not any(lazy == other for other in others)
    assert all(lazy != other for other in others)
    assert len({lazy, *others}) == len(set(map(repr, [lazy, *others]))) == 8


def test_the_step_of_an_axis_of_one_element_does_not_count():
    """Nor that of an empty one: whichever way a block was cut."""
    lazy = fi.lazy(laws.normal(), (4, 6), 0)
    row, whole = lazy.block(np.s_[:1]), fi.lazy(laws.normal(), (1, 6), 0)
    for one, other in (
        (row, lazy.block(np.s_[:1:3])),
        (row, lazy.block(np.s_[-4::-1])),
        (lazy.block(np.s_[2:3, 1:2]).T, lazy.block(np.s_[2::3, 1::9])),
        (whole, whole.block(np.s_[::-1])),
        (lazy.block(np.s_[:0]), lazy.block(np.s_[:0:5])),
    ):
        assert one == other
        assert (one != other) is False
        assert hash(one) == hash(other)
        same(np.asarray(one), np.asarray(other))
    assert row != lazy.block(np.s_[1:2])


def test_conversion_to_numpy():
    lazy, full = both(laws.normal(), (30, 40))
    same(np.asarray(lazy, dtype="float64"), full.astype("float64"))
    same(np.array(lazy, copy=True), full)
    assert np.asarray(lazy.T).strides == full.T.strides
    with pytest.raises(ValueError, match="always new"):
        np.array(lazy, copy=False)
    assert np.mean(lazy) == np.mean(full)


def test_read_into_memory():
    lazy, full = both(laws.normal(), (30, 40), "float16")
    out = np.zeros((15, 80), np.float16)[:, ::2]
    assert lazy.read(np.s_[::2], out=out) is out
    np.testing.assert_array_equal(out, full[::2])
    memory = bytearray(full.nbytes)
    same(lazy.read(out=memory), full)
    with pytest.raises(ValueError, match=r"out must have shape \(30, 40\)"):
        lazy.read(out=np.empty((40, 30), np.float16))
