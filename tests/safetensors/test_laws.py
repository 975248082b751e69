"""Rules that are laws: a tensor's bytes are those of `Generator.draw`, of every dtype that the law and the format have."""

import json

import numpy as np
import pytest

import fastinit as fi
from fastinit import laws
from fastinit.arguments import dtypes
from fastinit.commands.main import main
from fastinit.safetensors import fill, writing
from fastinit.safetensors.format import NAMES
from tests.initializers.test_any_law import LAWS, OWN, SHAPE
from tests.laws import own
from tests.safetensors.test_values import CODES, read, tensors

#: How a rule may be written: as text, as an object of JSON, as the initialiser `draw`, as the law itself.
FORMS = [
    "laplace(scale=0.1)",
    "laplace(0, 0.1)",
    {"init": "laplace", "scale": 0.1},
    {"init": "draw", "law": "laplace(scale=0.1)"},
    "draw(law=laplace(scale=0.1))",
    "draw(law='laplace(scale=0.1)')",
    laws.laplace(scale=0.1),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_a_rule(tmp_path, form):
    path = tmp_path / "x.safetensors"
    expected = fi.default_rng(1).child("w").draw(laws.laplace(scale=0.1), (30, 20)).tobytes()
    fill(path, {"tensors": tensors(w=((30, 20), "float32"))}, rules={"w": form}, seed=1)
    assert read(path)["w"].tobytes() == expected
    fill(path, {"tensors": tensors(w=((30, 20), "float32"))}, default=form, seed=1, overwrite=True)
    assert read(path)["w"].tobytes() == expected


@pytest.mark.parametrize("slab_bytes", [1000, 1 << 26])
@pytest.mark.parametrize("text", LAWS)
def test_every_dtype_that_a_law_has(tmp_path, text, slab_bytes):
    law = LAWS[text]
    spec = {"tensors": tensors(**{name: (SHAPE, CODES[name]) for name in law.dtype_names}), "default": text}
    path = tmp_path / "x.safetensors"
    writing.write(writing.plan(path, spec, seed=2), slab_bytes=slab_bytes)
    found = read(path)
    assert set(found) == set(law.dtype_names)
    for name, values in found.items():
        whole = fi.default_rng(2).child(name).draw(law, SHAPE, dtype=dtypes.resolve(name, law.dtype_names).dtype)
        assert (values.dtype, values.shape) == (whole.dtype, SHAPE)
        assert values.tobytes() == whole.tobytes()


def test_like_a_file_with_integers(tmp_path):
    first = {"tensors": tensors(codes=((9, 4), "I8"), scales=((9,), "F16"), mask=((9, 4), "BOOL")), "rules": {"*": "zeros"}}
    fill(tmp_path / "a.safetensors", first, seed=0)
    rules = {"codes": "integers(-128, 128)", "mask": "bernoulli(0.9)", "scales": "lognormal(sigma=0.5)"}
    fill(tmp_path / "b.safetensors", like=tmp_path / "a.safetensors", rules=rules, dtype="bfloat16", seed=7)
    found, rng = read(tmp_path / "b.safetensors"), fi.default_rng(7)
    assert found["codes"].tobytes() == rng.child("codes").draw(laws.integers(-128, 128), (9, 4), dtype="int8").tobytes()
    assert found["mask"].tobytes() == rng.child("mask").draw(laws.bernoulli(0.9), (9, 4), dtype=bool).tobytes()
    assert found["scales"].tobytes() == rng.child("scales").draw(laws.lognormal(sigma=0.5), 9, dtype="bfloat16").tobytes()


def test_a_specification_in_a_file_and_the_command(tmp_path):
    spec = {
        "dtype": "bfloat16",
        "tensors": {"a": {"shape": [8, 8]}, "b": {"shape": [8], "dtype": "I8"}, "c": {"shape": [5]}, "d": {"shape": [6]}},
        "rules": {"a": f"{OWN}:triangular(width=2)", "b": {"init": "integers", "low": 0, "high": 7}},
        "default": {"init": f"{OWN}:scaled", "scale": 3},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    path = tmp_path / "x.safetensors"
    assert main(["fill", str(path), "--spec", str(tmp_path / "spec.json"), "--seed", "4", "--rule", "d=gumbel"]) == 0
    found, rng = read(path), fi.default_rng(4)
    assert found["a"].tobytes() == rng.child("a").draw(own.triangular(2), (8, 8), dtype="bfloat16").tobytes()
    assert found["b"].tobytes() == rng.child("b").draw(laws.integers(0, 7), 8, dtype="int8").tobytes()
    assert found["c"].tobytes() == rng.child("c").draw(own.scaled(3), 5, dtype="bfloat16").tobytes()
    assert found["d"].tobytes() == rng.child("d").draw(laws.gumbel(), 6, dtype="bfloat16").tobytes()


def test_the_format_names_every_dtype_of_every_law():
    names = {
        name
        for function in laws.BY_NAME.values()
        for name in (function(3) if function is laws.integers else function()).dtype_names
    }
    assert names == set(NAMES.values())


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "laplac",
            "rules: 'w': a rule must name one of constant, .*, or module:name of your own law; got 'laplac'; did you mean",
        ),
        ("laplace(sigma=1)", "rules: 'w': laplace: got an unexpected keyword argument 'sigma'; its arguments are loc, scale"),
        ({"init": "laplace", "scale": -1}, "rules: 'w': scale must be at least 0"),
        ({"init": "laplace(scale=1)"}, "a rule must name one of"),
        ({"init": "laplace", 3: 1}, "rules: 'w': laplace: keywords must be strings"),
        ("draw", "rules: 'w': draw needs law"),
        ("draw(law=3)", "rules: 'w': law must be a Distribution"),
        (f"{OWN}:Failing()", "rules: 'w': law must be a function decorated with fastinit.laws.law"),
        ("nothing:law", "rules: 'w': law must be module:name with a module that can be imported"),
    ],
    ids=str,
)
def test_wrong_rules(tmp_path, rule, words):
    with pytest.raises((TypeError, ValueError), match=words):
        fill(tmp_path / "x.safetensors", {"tensors": tensors(w=((5,), "F32"))}, rules={"w": rule}, seed=0)
    assert list(tmp_path.iterdir()) == []
    assert own.Failing.called == 0


def test_the_array_of_a_law_is_no_larger_than_it_says(tmp_path):
    """The file of int8 has one byte for each element, and the values of the NumPy call of the same dtype."""
    written = fill(tmp_path / "x.safetensors", {"tensors": tensors(w=((1000,), "int8"))}, default="rademacher", seed=0)
    assert written.nbytes - 1000 < 200
    assert set(np.unique(read(tmp_path / "x.safetensors")["w"])) == {-1, 1}
