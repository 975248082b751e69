"""How a Generator behaves: seeds, sizes, dtypes, state, copies, children, threads."""

import copy
import json
import pickle
import sys
import threading
from collections import Counter

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES, ROWS, draw

METHODS = ("uniform", "normal", "truncated_normal", "bits")


def words(rng, count=8):
    return rng.bits(count).tobytes()


# --- seeds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "same"),
    [
        (0, np.int64(0)),
        (5, np.uint8(5)),
        (2**64 - 1, np.uint64(2**64 - 1)),
        ([1, 2, 3], (1, 2, 3)),
        ([1, 2, 3], np.array([1, 2, 3])),
        ([1, 2, 3], np.array([1, 2, 3], np.uint8)),
        ([1, 2, 3], range(1, 4)),
        (7, np.random.SeedSequence(7)),
        ([2**40, 3], np.random.SeedSequence([2**40, 3])),
        (2**200 + 5, np.random.SeedSequence(2**200 + 5)),
        (5, [5]),
    ],
    ids=repr,
)
def test_seeds_that_mean_the_same(seed, same):
    assert words(fi.default_rng(seed)) == words(fi.default_rng(same))
    assert fi.default_rng(seed).state["calls"] == 0


def test_different_seeds():
    seeds = [
        0,
        1,
        2,
        2**32,
        2**32 + 1,
        2**64,
        2**127,
        2**128,
        2**300,
        [3, 4],
        [4, 3],
        [1, 2, 3],
        [1, 2, 4],
        [2**40],
        [2**70, 1],
    ]
    assert len({words(fi.default_rng(seed)) for seed in seeds}) == len(seeds)


def test_no_seed_takes_entropy():
    assert len({words(fi.default_rng()) for _ in range(4)} | {words(fi.default_rng(None))}) == 5


def test_a_generator_is_passed_through():
    rng = fi.default_rng(4)
    rng.uniform()
    assert fi.default_rng(rng) is rng
    assert rng.state["calls"] == 1


def test_the_path_of_a_seed_sequence_counts():
    sequence = np.random.SeedSequence(4, spawn_key=(1, 2))
    assert words(fi.default_rng(sequence)) != words(fi.default_rng(4))
    first, second = np.random.SeedSequence(4).spawn(2)
    assert words(fi.default_rng(first)) != words(fi.default_rng(second))
    assert words(fi.default_rng(second)) == words(fi.default_rng(4).spawn(2)[1])


def test_numbering_goes_on_where_the_seed_sequence_was():
    sequence = np.random.SeedSequence(4)
    third = sequence.spawn(3)[2]
    assert words(fi.default_rng(sequence).spawn(1)[0]) == words(fi.default_rng(4).spawn(4)[3])
    assert words(fi.default_rng(third)) == words(fi.default_rng(4).spawn(3)[2])


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "dtype"), ROWS)
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
def test_size(name, dtype, size, shape):
    x = draw(fi.default_rng(4), name, dtype, size=size)
    assert isinstance(x, np.ndarray)
    assert x.shape == shape
    assert x.dtype == (getattr(ml_dtypes, dtype, dtype))
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


# --- dtypes -----------------------------------------------------------------------------------------------------------

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


# --- distributions ----------------------------------------------------------------------------------------------------


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


# --- state and copies -------------------------------------------------------------------------------------------------


def used(seed):
    """A Generator in the middle of its life: a named child that has drawn and spawned."""
    rng = fi.default_rng(seed).child("model").spawn(2)[1]
    rng.normal(size=5)
    rng.bits(3)
    rng.spawn(2)
    return rng


def continues(rng, again):
    """That two Generators go on alike, in draws, numbered and named children."""
    assert again is not rng
    assert again.state == rng.state
    for _ in range(3):
        assert again.normal(size=7).tobytes() == rng.normal(size=7).tobytes()
    assert [words(child) for child in again.spawn(2)] == [words(child) for child in rng.spawn(2)]
    assert words(again.child("x")) == words(rng.child("x"))
    assert again.state == rng.state


def through_json(rng):
    again = fi.default_rng(99)
    again.uniform(size=3)
    again.state = json.loads(json.dumps(rng.state))
    return again


SEEDS = [
    0,
    2**200 + 1,
    [1, 2, 3],
    (2**40, 5),
    [2**64 - 1, 5],
    [2**63, 1],
    [5, 2**70],
    [2**53 + 1, 2**63 + 1],
    [],
    range(5),
    [[1, 2], [3]],
    np.uint64(2**64 - 1),
    np.array([1, 2], np.uint8),
    np.array([2**64 - 1, 3], np.uint64),
    [np.uint64(2**64 - 1), 3],
    np.random.SeedSequence(5, spawn_key=(1, 2**40)),
    np.random.SeedSequence([1, 2], pool_size=8),
    None,
]


@pytest.mark.parametrize("seed", SEEDS, ids=repr)
def test_state_through_json(seed):
    rng = used(seed)
    continues(rng, through_json(rng))
    fresh = fi.default_rng(seed)
    continues(fresh, through_json(fresh))


@pytest.mark.parametrize("seed", [0, [1, 2, 3], [2**64 - 1, 5], None], ids=repr)
@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, copy.copy, lambda rng: pickle.loads(pickle.dumps(rng)), lambda rng: pickle.loads(pickle.dumps(rng, 2))],
    ids=["deepcopy", "copy", "pickle", "pickle 2"],
)
def test_copies_continue(seed, duplicate):
    rng = used(seed)
    continues(rng, duplicate(rng))


def test_state_returns_to_a_place():
    rng = fi.default_rng(4)
    rng.bits(3)
    place = rng.state
    x, children = rng.normal(size=5), [words(child) for child in rng.spawn(2)]
    rng.state = place
    assert rng.normal(size=5).tobytes() == x.tobytes()
    assert [words(child) for child in rng.spawn(2)] == children


def test_state_is_a_copy():
    rng = fi.default_rng([1, 2])
    state = rng.state
    state["calls"] = 5
    state["entropy"][0] = 9
    assert rng.state["calls"] == 0
    assert words(rng) == words(fi.default_rng([1, 2]))


def test_a_generator_is_not_bound_to_what_it_was_made_of():
    sequence = np.random.SeedSequence(4)
    rng = fi.default_rng(sequence)
    sequence.spawn(3)
    assert words(rng.spawn(1)[0]) == words(fi.default_rng(4).spawn(1)[0])


@pytest.mark.parametrize("seed", [[1, 2, 3], np.array([1, 2, 3])], ids=repr)
def test_a_seed_may_change_afterwards(seed):
    rng = fi.default_rng(seed)
    seed[0] = 9
    assert words(rng.child("a")) == words(fi.default_rng([1, 2, 3]).child("a"))
    assert words(rng.spawn(1)[0]) == words(fi.default_rng([1, 2, 3]).spawn(1)[0])
    assert rng.state["entropy"] == [1, 2, 3]


def test_state_names_what_it_is():
    state = fi.default_rng(4).state
    assert state["kind"] == "fastinit.Generator"
    assert state["stream_version"] == fi.STREAM_VERSION
    assert (state["entropy"], state["spawn_key"], state["calls"], state["children"]) == (4, [], 0, 0)


def test_calls_are_counted():
    rng = fi.default_rng(4)
    for i, method in enumerate(METHODS * 2):
        assert rng.state["calls"] == i
        getattr(rng, method)(size=i)
    rng.normal(scale=0, size=3)
    assert rng.state["calls"] == 9


def test_call_numbers_beyond_32_bits():
    """The counter holds 32 bits of the call number; beyond them the key moves on."""
    rng = fi.default_rng(4)
    state = rng.state
    seen = {}
    for call in (0, 1, 2**32 - 2, 2**32, 2**33, 2**33 + 1, 2**40, 2**64, 2**64 + 2**32):
        rng.state = state | {"calls": call}
        for offset in range(2):
            seen.setdefault(call + offset, set()).add(words(rng))
        assert rng.state["calls"] == call + 2
    assert all(len(values) == 1 for values in seen.values())
    assert len({next(iter(values)) for values in seen.values()}) == len(seen)
    assert seen[0] == {words(fi.default_rng(4))}


def test_call_numbers_beyond_32_bits_survive_a_copy():
    rng = fi.default_rng(4)
    rng.state = rng.state | {"calls": 2**32 - 1}
    again = copy.deepcopy(rng)
    continues(rng, again)


def test_repr_says_where_it_is():
    rng = fi.default_rng(4)
    rng.bits(3)
    assert repr(rng) == "fastinit.Generator(entropy=4, spawn_key=(), calls=1)"
    assert "spawn_key=(1,)" in repr(rng.spawn(2)[1])
    assert repr(fi.default_rng([1, 2])).startswith("fastinit.Generator(entropy=[1, 2]")


# --- children ---------------------------------------------------------------------------------------------------------


def test_numbering_goes_on():
    rng = fi.default_rng(4)
    in_parts = [words(child) for count in (2, 0, 3) for child in rng.spawn(count)]
    assert in_parts == [words(child) for child in fi.default_rng(4).spawn(5)]
    assert len(set(in_parts)) == 5
    assert rng.spawn(0) == []
    assert rng.state["children"] == 5
    assert len(rng.spawn(np.int64(2))) == 2


def test_numbering_is_that_of_the_seed_sequence():
    for mine, theirs in zip(fi.default_rng(4).spawn(3), np.random.SeedSequence(4).spawn(3), strict=True):
        assert words(mine) == words(fi.default_rng(theirs))


def test_children_start_at_their_first_call():
    rng = fi.default_rng(4)
    rng.bits(3)
    for child in (rng.child("a"), *rng.spawn(2)):
        assert isinstance(child, fi.Generator)
        assert (child.state["calls"], child.state["children"]) == (0, 0)


def test_draws_of_children_leave_each_other_alone():
    rng = fi.default_rng(4)
    a, b = rng.child("a"), rng.child("a")
    a.normal(size=10)
    assert b.state["calls"] == 0
    assert words(b) == words(fi.default_rng(4).child("a"))


# --- threads ----------------------------------------------------------------------------------------------------------


def in_threads(work, count=8):
    """Start together, and hand on what went wrong."""
    barrier, errors = threading.Barrier(count), []

    def run():
        try:
            barrier.wait()
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("size", [3, 40_000])
def test_threads_that_share_a_generator_take_each_number_once(size):
    rng, results = fi.default_rng(4), []
    calls = 25 if size == 3 else 3
    in_threads(lambda: results.extend(rng.normal(size=size).tobytes() for _ in range(calls)))
    alone = fi.default_rng(4)
    expected = Counter(alone.normal(size=size).tobytes() for _ in range(8 * calls))
    assert Counter(results) == expected
    assert set(expected.values()) == {1}
    assert rng.state["calls"] == 8 * calls


def test_threads_that_spawn_take_each_number_once():
    rng, results = fi.default_rng(4), []
    in_threads(lambda: results.extend(words(child) for _ in range(20) for child in rng.spawn(2)))
    assert Counter(results) == Counter(words(child) for child in fi.default_rng(4).spawn(320))
    assert set(Counter(results).values()) == {1}


def test_threads_may_draw_into_parts_of_one_array():
    """Each takes rows of the same call: as a matrix is filled by many workers."""
    out, lock, rows = np.zeros((64, 1000), np.float32), threading.Lock(), iter(range(64))

    def next_row():
        with lock:
            return next(rows, None)

    def work():
        for row in iter(next_row, None):
            fi.default_rng(4).normal(size=(64, 1000), index=row, out=out[row])

    in_threads(work)
    assert np.array_equal(out, fi.default_rng(4).normal(size=(64, 1000)))


def test_public_names():
    assert set(fi.__all__) >= {"STREAM_VERSION", "Generator", "__version__", "default_rng"}
    assert all(hasattr(fi, name) for name in fi.__all__)
