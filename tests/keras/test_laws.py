"""`fastinit.keras.Draw`: any law, in its dtypes, with a configuration that a model's file holds."""

import json
import sys

import pytest

pytest.importorskip("keras", reason="needs Keras and a back-end", exc_type=ImportError)

import keras
import numpy as np

import fastinit as fi
import fastinit.keras as fk
from fastinit import laws
from tests.initializers.test_any_law import LAWS
from tests.keras.test_keras_initializers import same
from tests.laws import own

pytestmark = pytest.mark.filterwarnings("default")  # of the other libraries
OWN = "tests.laws.own"
CASES = [(text, name) for text, law in LAWS.items() for name in law.dtype_names if not name.endswith("64")]


@pytest.mark.parametrize(("text", "dtype"), CASES)
def test_values_are_the_generators(text, dtype):
    tensor = fk.Draw(text, seed=7)((5, 6), dtype)
    assert keras.backend.standardize_dtype(tensor.dtype) == dtype
    assert same(tensor, fi.default_rng(7).draw(LAWS[text], (5, 6), dtype=dtype))


@pytest.mark.parametrize("law", [laws.laplace(0, 0.1), laws.truncated_normal(b=np.inf), own.triangular(2.0), own.NARROW])
def test_the_configuration_is_text(law):
    draw = fk.Draw(law, seed=3)
    config = json.loads(json.dumps(draw.get_config()))
    assert laws.parse(config["law"]) == law
    again = keras.initializers.get({"class_name": "fastinit>Draw", "config": config})
    assert type(again) is fk.Draw
    assert again.law == law
    assert same(again((3, 4)), fi.default_rng(3).draw(law, (3, 4)))
    assert draw.clone().get_config() == config


def test_a_models_file(tmp_path):
    initializer = fk.Draw(own.triangular(2.0), seed=1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, kernel_initializer=initializer, name="d")])
    path = model.layers[0].kernel.path
    assert same(model.layers[0].kernel, fi.default_rng(1).child(path).draw(own.triangular(2.0), (4, 3)))
    model.save(tmp_path / "m.keras")
    assert keras.models.load_model(tmp_path / "m.keras").layers[0].kernel_initializer.law == own.triangular(2.0)


def test_a_file_imports_nothing(monkeypatch, tmp_path):
    (tmp_path / "chosen_by_a_file.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="law must be in a module that is imported already: import chosen_by_a_file"):
        fk.Draw.from_config({"law": "chosen_by_a_file:law(1)", "seed": None})
    assert "chosen_by_a_file" not in sys.modules
    assert fk.Draw.from_config({"law": f"{OWN}:NARROW", "seed": 1}).law == own.NARROW


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fk.Draw(), "Draw: missing a required argument: 'law'; its arguments are law, seed"),
        (lambda: fk.Draw("laplac"), "got 'laplac'; did you mean laplace"),
        (lambda: fk.Draw(3), "law must be a Distribution"),
        (lambda: fk.Draw("laplace")((3,), "int8"), "dtype must be one of float32.*; got 'int8'"),
        (lambda: fk.Draw("integers(5)")((3,)), "dtype must be one of int64.*; got 'float32'"),
        (lambda: fk.Draw(own.make()()).get_config(), "law must be found again by its text"),
    ],
)
def test_errors(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()
