"""`draw`, and laws in `init_tree`: the values are those of `Generator.draw`, and dtypes are the law's."""

import functools

import numpy as np
import pytest

import fastinit as fi
from fastinit import laws
from fastinit.arguments import dtypes
from fastinit.initializers import draw
from tests.laws import own

OWN = "tests.laws.own"
SHAPE = (24, 18)

#: A law of each kind, and its text.
LAWS = {
    "laplace(loc=1.0, scale=0.1)": laws.laplace(1.0, 0.1),
    "cauchy()": laws.cauchy(),
    "normal(scale=2)": laws.normal(scale=2),
    "rademacher": laws.rademacher(),
    "bernoulli(0.3)": laws.bernoulli(0.3),
    "integers(3, 99)": laws.integers(3, 99),
    f"{OWN}:triangular(width=2.0)": own.triangular(2.0),
}
CASES = [(text, name) for text, law in LAWS.items() for name in law.dtype_names]


def same(mine, expected):
    return mine.dtype == expected.dtype and mine.shape == expected.shape and mine.tobytes() == expected.tobytes()


@pytest.mark.parametrize(("text", "dtype"), CASES)
def test_values_are_the_generators(text, dtype):
    whole = fi.default_rng(5).draw(LAWS[text], SHAPE, dtype=dtype)
    for law in (text, LAWS[text]):
        assert same(draw(SHAPE, law=law, rng=5, dtype=dtype), whole)
        block = draw(SHAPE, law=law, rng=5, dtype=dtype, index=np.s_[3:9, ::-2])
        assert same(block, np.ascontiguousarray(whole[3:9, ::-2]))
        out = np.zeros(SHAPE, whole.dtype, order="F")
        assert draw(SHAPE, law=law, rng=5, out=out) is out
        assert same(np.ascontiguousarray(out), whole)


@pytest.mark.parametrize("text", LAWS)
def test_the_default_dtype_is_the_laws(text):
    law = LAWS[text]
    assert draw(5, law=text, rng=0).dtype == dtypes.resolve(law.dtype_names[0], law.dtype_names).dtype


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"law": "laplace", "dtype": "int8"}, "dtype must be one of float32, .*; got 'int8'"),
        ({"law": "integers(9)", "dtype": "float32"}, "dtype must be one of int64, .*; got 'float32'"),
        ({"law": "rademacher", "dtype": "uint8"}, "dtype must be one of float32, .*; got 'uint8'"),
        ({"law": "cauchy", "dtype": "float8_e5m2"}, "dtype must be one of float32, float64, float16, bfloat16, in"),
        ({"law": "laplace", "out": np.zeros(3, np.int8)}, "out must have one of the dtypes float32, .*; got int8"),
        ({"law": "integers(200)", "dtype": "int8"}, "integers from -128 to 127 for int8"),
        ({"law": 3}, "law must be a Distribution"),
        ({"law": laws.laplace}, r"law must be a Distribution.*; write laplace\(...\)"),
        ({}, "missing 1 required keyword-only argument: 'law'"),
    ],
)
def test_errors(keywords, words):
    rng = fi.default_rng(0)
    with pytest.raises((TypeError, ValueError), match=words):
        draw(3, rng=rng, **keywords)
    assert rng.state["calls"] == 0
    assert not np.any(keywords.get("out", 0))


def test_laws_in_a_tree():
    spec = {
        "law": (SHAPE, laws.laplace(scale=0.1)),
        "text": (SHAPE, "laplace(scale=0.1)", "bfloat16"),
        "own": {"law": (SHAPE, own.triangular(2.0)), "text": (SHAPE, f"{OWN}:triangular(width=2.0)", "float64")},
        "signs": (SHAPE, "rademacher", "int8"),
        "mask": (SHAPE, laws.bernoulli(0.3), bool),
        "index": (SHAPE, "integers(3, 99)"),
        "normal": (SHAPE, "normal(scale=0.5)"),
        "partial": (SHAPE, functools.partial(draw, law="gumbel")),
    }
    tree, rng = fi.init_tree(spec, 3), fi.default_rng(3)
    laplace, triangular = laws.laplace(scale=0.1), own.triangular(2.0)
    assert same(tree["law"], rng.child("law").draw(laplace, SHAPE))
    assert same(tree["text"], rng.child("text").draw(laplace, SHAPE, dtype="bfloat16"))
    assert same(tree["own"]["law"], rng.child("own.law").draw(triangular, SHAPE))
    assert same(tree["own"]["text"], rng.child("own.text").draw(triangular, SHAPE, dtype="float64"))
    assert same(tree["signs"], rng.child("signs").draw(laws.rademacher(), SHAPE, dtype="int8"))
    assert same(tree["mask"], rng.child("mask").draw(laws.bernoulli(0.3), SHAPE, dtype=bool))
    assert same(tree["index"], rng.child("index").draw(laws.integers(3, 99), SHAPE))
    assert same(tree["normal"], rng.child("normal").normal(0, 0.5, SHAPE))
    assert same(tree["partial"], rng.child("partial").draw(laws.gumbel(), SHAPE))


def test_a_tree_reads_the_arguments_of_initialisers():
    tree = fi.init_tree({"w": ((4, 6), "xavier_uniform(gain=2)"), "c": (3, "constant(value=0.5)")}, 3)
    assert same(tree["w"], fi.initializers.xavier_uniform((4, 6), gain=2, rng=fi.default_rng(3).child("w")))
    assert tree["c"].tolist() == [0.5] * 3
