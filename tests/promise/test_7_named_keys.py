"""Named keys: `rng.child(name)` depends on the seed and the name alone."""

import hashlib

import numpy as np

import fastinit as fi
from fastinit.arguments.seeds import name_words
from tests.promise.helpers import SEED


def words(rng):
    return rng.bits(8).tobytes()


def test_child_depends_on_seed_and_name_alone():
    expected = words(fi.default_rng(SEED).child("layers.0.attn.wq"))
    rng = fi.default_rng(SEED)
    rng.normal(size=77)
    rng.child("layers.1").uniform()
    rng.spawn(3)
    assert words(rng.child("layers.0.attn.wq")) == expected
    assert words(rng.child("layers.0.attn.wq")) == expected
    for other in (SEED + 1, [SEED, 1], 0):
        assert words(fi.default_rng(other).child("layers.0.attn.wq")) != expected


def test_reordered_layers_keep_their_weights():
    def model(names):
        rng = fi.default_rng(SEED)
        return {name: rng.child(name).normal(0, 0.02, size=(4, 5)).tobytes() for name in names}

    small, large = model(["a", "b", "c"]), model(["c", "new", "a", "b", "d"])
    assert {name: large[name] for name in small} == small
    assert len(set(large.values())) == 5


def test_children_are_all_different():
    rng = fi.default_rng(SEED)
    names = [
        "",
        "0",
        "1",
        "a",
        "b",
        "ab",
        "a.b",
        "a/b",
        "A",
        " a",
        "a ",
        "\0",
        "a\0",
        "\u00e9",
        "e\u0301",
        "\U0001f600",
        "a" * 5000,
    ]
    made = {"itself": words(rng), "next call": words(rng)}
    made |= {f"child {name!r}": words(rng.child(name)) for name in names}
    made |= {f"spawned {i}": words(child) for i, child in enumerate(rng.spawn(4))}
    made |= {f"nested {x!r} {y!r}": words(rng.child(x).child(y)) for x in ("a", "b", "") for y in ("a", "b", "")}
    made["thrice"] = words(rng.child("a").child("b").child("c"))
    made["spawned by a child"] = words(rng.child("a").spawn(1)[0])
    made["child of a spawned one"] = words(fi.default_rng(SEED).spawn(1)[0].child("a"))
    assert len(set(made.values())) == len(made)


def test_child_is_the_documented_sequence():
    """Section 1 of docs/stream-format.md, written again."""
    name = "layers.0.attn.wq"
    digest = hashlib.blake2s(name.encode("utf-8"), digest_size=16, person=b"fastinit").digest()
    path = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    assert list(name_words(name)) == path
    by_hand = fi.default_rng(np.random.SeedSequence(SEED, spawn_key=path))
    assert words(by_hand) == words(fi.default_rng(SEED).child(name))
    spawned = fi.default_rng(np.random.SeedSequence(SEED, spawn_key=(2,)))
    assert words(spawned) == words(fi.default_rng(SEED).spawn(3)[2])


def test_a_child_is_the_same_from_a_generator_restored():
    rng = fi.default_rng(SEED).child("encoder")
    again = fi.default_rng(0)
    again.state = rng.state
    assert words(again.child("w")) == words(rng.child("w")) == words(fi.default_rng(SEED).child("encoder").child("w"))
