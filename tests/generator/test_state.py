"""The state of a Generator, and its copies."""

import copy
import json
import pickle

import numpy as np
import pytest

import fastinit as fi
from tests.generator.streams import METHODS, words


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
    2**2048 - 1,
    [3, 2**2048, 4],
    np.random.SeedSequence(2**2080, spawn_key=(3,)),
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


@pytest.mark.parametrize("seed", [10**5000, 2**2048, [5, 10**5000], np.random.SeedSequence(10**5000)], ids=range(4))
def test_a_seed_too_long_to_print(seed):
    """Python prints no int of more than 4,300 digits. The state has the seed's 32-bit words, which mean the same to NumPy."""
    rng = fi.default_rng(seed)
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    assert rng._sequence.generate_state(4).tobytes() == sequence.generate_state(4).tobytes()
    child = np.random.SeedSequence(sequence.entropy, spawn_key=(0,))
    assert rng.spawn(1)[0]._sequence.generate_state(4).tobytes() == child.generate_state(4).tobytes()
    continues(rng, through_json(rng))
    continues(rng, pickle.loads(pickle.dumps(rng)))
    assert "entropy=[" in repr(rng)


def test_repr_says_where_it_is():
    rng = fi.default_rng(4)
    rng.bits(3)
    assert repr(rng) == "fastinit.Generator(entropy=4, spawn_key=(), calls=1)"
    assert "spawn_key=(1,)" in repr(rng.spawn(2)[1])
    assert repr(fi.default_rng([1, 2])).startswith("fastinit.Generator(entropy=[1, 2]")
