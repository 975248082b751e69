"""The vectors of docs/stream-format.md: the page, the reference, NumPy's SeedSequence and fastinit agree."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import fastinit as fi
from tests.definition import reference, reference_central, reference_floats, reference_laws, reference_tails
from tests.definition.reference_seeds import key_and_call_word, name_words

PAGE = (Path(__file__).parents[2] / "docs/stream-format.md").read_text()


def rows(head):
    """The cells of the table below this head."""
    table = PAGE.split(head)[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def path_of(cell):
    """The path of a cell such as "`spawn` 2, `name`"."""
    parts = cell.split(", ") if cell else []
    return tuple(int(part.split()[1]) if part.startswith("`spawn`") else part.strip("`") for part in parts)


KEYS = [(ast.literal_eval(seed), path_of(path), (int(k0, 16), int(k1, 16))) for seed, path, k0, k1 in rows("| seed | path |")]
NAMES = [
    ("" if name == "(empty)" else name.strip("`"), [int(word, 16) for word in words.split()])
    for name, words in rows("| name | words |")
]


@pytest.mark.parametrize(("seed", "path", "key"), KEYS)
def test_keys(seed, path, key):
    assert key_and_call_word(tuple(seed) if isinstance(seed, list) else seed, path, 0) == (key, 0)
    words = [word for child in path for word in (name_words(child) if isinstance(child, str) else [child])]
    assert tuple(np.random.SeedSequence(seed, spawn_key=tuple(words)).generate_state(2)) == key
    rng = fi.default_rng(seed)
    for child in path:
        rng = rng.child(child) if isinstance(child, str) else rng.spawn(child + 1)[child]
    assert rng._key == key


def test_the_keys_cover_seeds_and_paths_of_every_kind():
    assert len(KEYS) == 11
    assert {type(seed) for seed, _, _ in KEYS} == {int, list}
    assert {type(child) for _, path, _ in KEYS for child in path} == {int, str}


@pytest.mark.parametrize(("name", "words"), NAMES)
def test_names(name, words):
    assert name_words(name) == words
    assert fi.default_rng(0).child(name)._sequence.spawn_key == tuple(words)


def test_the_call_after_2_to_the_32nd_has_a_key_that_no_name_has():
    key, call_word = key_and_call_word(0, (), 2**32 + 7)
    words = name_words("1", b"fastcall")
    assert " ".join(f"{word:08x}" for word in words) in PAGE
    assert call_word == 7
    assert key == tuple(np.random.SeedSequence(0, spawn_key=tuple(words)).generate_state(2))
    rng = fi.default_rng(0)
    rng.state = rng.state | {"calls": 2**32 + 7}
    assert rng._next_call() == (7, *key)
    assert key not in [rng.child(name)._key for name in ("1", "calls from 1 * 2^32", "fastcall")]


def test_the_page_has_every_coefficient_of_the_reference():
    """The reference is written from the page; this finds a slip in either."""
    floats = reference_floats
    numbers = {
        *floats.LOG32,
        *floats.LOG64,
        *floats.SIN32,
        *floats.COS32,
        *floats.SIN64,
        *floats.COS64,
        *reference_central.CENTRAL,
    }
    for start, depth, end, coefficients in reference_tails.TAILS:
        numbers |= {start, depth, end, *coefficients}
    laws = reference_laws
    numbers |= {*(-x for x in laws.LN2_32), *laws.LN2_64, *laws.EXP32, *laws.EXP64}
    on_the_page = {float(text) for text in re.findall(r"-?\d+(?:\.\d+)?(?:e-\d+)?", PAGE)}
    assert numbers - on_the_page == set()


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize(
    ("law", "arguments"),
    [
        ("normal", (-1e-60, 1e-60)),  # -0 in float32, with a deviation that rounds to 0
        ("normal", (-0.0, 1e-60)),
        ("uniform", (-1e-60, 1e-60)),
        ("truncated_normal", (-1, 0, -1e-60, 0, "absolute")),  # a constant that rounds to the upper bound
        ("truncated_normal", (-1e-60, 1, 0, 1, "absolute")),
    ],
)
def test_signs_of_zero(law, arguments, dtype):
    *numbers, units = arguments if isinstance(arguments[-1], str) else (*arguments, None)
    options = {"units": units} if units else {}
    values = getattr(fi.default_rng(0), law)(*numbers, size=16, dtype=dtype, **options)
    expected = [getattr(reference, law)(0, (), 0, i, *arguments, dtype) for i in range(16)]
    np.testing.assert_array_equal(values.astype(float), expected)
    np.testing.assert_array_equal(np.signbit(values), np.signbit(expected))
