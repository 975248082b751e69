"""Words and streams are those of the definition, bit for bit; its Philox is that of another library."""

import random

import numpy as np
import pytest

import fastinit as fi
from tests.definition import reference
from tests.values.defined import FAR, HUGE, INF, LAST32, define, generator, other_philox, require_definition, require_same_bits


def test_philox_of_the_definition_is_philox():
    draw = random.Random(1)
    for _ in range(200):
        counter, key = [draw.getrandbits(32) for _ in range(4)], [draw.getrandbits(32) for _ in range(2)]
        assert reference.philox4x32(counter, key) == tuple(other_philox(counter, key, 1)[0])


@pytest.mark.parametrize("call", [0, 1, LAST32])
@pytest.mark.parametrize("tile", [0, 2**28 - 8, 2**34, 2**56])
def test_bits_are_philox_words(tile, call):
    tiles = 16
    key, call_word = reference.key_and_call_word(21, (), call)
    counter = (16 * tile & LAST32, 16 * tile >> 32, call_word, 0)
    words = other_philox(counter, key, 16 * tiles).reshape(tiles, 16, 4)
    planes = words[..., [1, 0, 3, 2]].reshape(tiles, 16, 2, 2).transpose(0, 2, 1, 3)
    got = generator(21, (), call).bits(size=HUGE, index=slice(64 * tile, 64 * (tile + tiles)))
    require_same_bits(got, planes.ravel())


@pytest.mark.parametrize("indices", [range(0, 200), *FAR])
def test_bits(indices):
    require_definition("bits", (), None, indices)


# Streams
STREAMS = [
    (0, (), 0),
    (2**200 + 5, (), 2),
    ((1, 2, 3), ("a", "b"), 0),
    (3, (2,), 1),
    (3, ("größe", 1, 0, ""), 5),
    (3, (), LAST32),
    (3, (), 2**32),
    (3, ("a",), 7 * 2**32 + 1),
]


@pytest.mark.parametrize(("seed", "path", "call"), STREAMS)
def test_streams(seed, path, call):
    indices = range(5, 45)
    require_definition("bits", (), None, indices, seed, path, call)
    require_definition("uniform", (0, 1), "float64", indices, seed, path, call)
    require_definition("normal", (0, 1), "float32", indices, seed, path, call)
    require_definition("truncated_normal", (-2, 2, 0, 1, "std"), "float32", indices, seed, path, call)
    require_definition("truncated_normal", (1, INF, 0, 1, "std"), "float64", indices, seed, path, call)


def test_calls_count_up_and_children_start_anew():
    rng = fi.default_rng(8)
    rng.bits(3)
    rng.uniform(size=0)
    require_same_bits(rng.bits(50), define("bits", (), None, range(50), 8, (), 2))
    require_same_bits(rng.normal(size=50), define("normal", (0, 1), "float32", range(50), 8, (), 3))
    require_same_bits(rng.child("a").child("b").bits(50), define("bits", (), None, range(50), 8, ("a", "b"), 0))
    rng.spawn(2)
    require_same_bits(rng.spawn(2)[1].bits(50), define("bits", (), None, range(50), 8, (3,), 0))


def test_elements_count_in_c_order_of_the_whole_shape():
    shape, index = (2**20, 2**20, 7), np.s_[3:9:5, 2**20 - 1 : 4 : -(2**17), 1:6:2]
    rows, columns, layers = (np.arange(n)[part] if n < 2**10 else range(n)[part] for n, part in zip(shape, index, strict=True))
    flat = [(int(i) * shape[1] + int(j)) * shape[2] + int(k) for i in rows for j in columns for k in layers]
    out = np.empty((len(rows), len(columns), len(layers)), np.float32, order="F")
    fi.default_rng(4).normal(size=shape, index=index, out=out)
    require_same_bits(out.ravel(), define("normal", (0, 1), "float32", flat, 4, (), 0), flat)
