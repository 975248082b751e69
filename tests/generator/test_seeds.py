"""Seeds, children, and threads that share a Generator."""

import threading
from collections import Counter

import numpy as np
import pytest

import fastinit as fi
from tests.generator.streams import words


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
