"""Errors of `fastinit.keras`: they name the argument."""

import re
import subprocess
import sys

import pytest

pytest.importorskip("keras", reason="needs Keras and a back-end", exc_type=ImportError)

import keras

import fastinit.keras as fk
from tests.keras.table import CLASSES, FIXED

pytestmark = pytest.mark.filterwarnings("default")  # of the other libraries

REFUSED = [
    ("RandomUniform", {"minval": 2, "maxval": 1}, ValueError, "minval must be at most maxval; got minval=2"),
    ("RandomUniform", {"maxval": float("inf")}, ValueError, "maxval must be finite"),
    ("RandomNormal", {"stddev": -1.0}, ValueError, "stddev must be at least 0"),
    ("RandomNormal", {"mean": "0"}, TypeError, "mean must be a real number; got '0'"),
    ("TruncatedNormal", {"stddev": float("nan")}, ValueError, "stddev must not be NaN"),
    ("TruncatedNormal", {"a": 1, "b": 1}, ValueError, "a must be less than b"),
    ("Constant", {"value": [1.0]}, TypeError, "value must be a real number"),
    ("Identity", {"gain": -1}, ValueError, "gain must be finite and at least 0"),
    ("Dirac", {"groups": 0}, ValueError, "groups must be at least 1"),
    ("Orthogonal", {"gain": None}, TypeError, "gain must be a real number"),
    ("Sparse", {"sparsity": 1.5}, ValueError, "sparsity must be in [0, 1)"),
    ("Sparse", {}, TypeError, "Sparse: missing a required argument: 'sparsity'"),
    ("SmallInit", {"dim": 1.5}, TypeError, "dim must be an int"),
    ("WangInit", {"dim": 4, "n_layers": 0}, ValueError, "n_layers must be at least 1"),
    ("SmallRandom", {"scale": 0.0}, ValueError, "scale must be finite and above 0"),
    ("VarianceScaling", {"scale": -1}, ValueError, "scale must be finite and at least 0"),
    ("VarianceScaling", {"mode": "fan"}, ValueError, "mode must be one of 'fan_in', 'fan_out', 'fan_avg', 'fan_geo_avg'"),
    ("VarianceScaling", {"distribution": "cauchy"}, ValueError, "distribution must be one of 'uniform', 'truncated_normal'"),
    ("VarianceScaling", {"distribution": 3}, TypeError, "distribution must be one of"),
    ("HeNormal", {"gain": 2}, TypeError, "HeNormal: got an unexpected keyword argument 'gain'"),
    ("HeNormal", {"seed": "0"}, TypeError, "seed must be None, an int or a keras.random.SeedGenerator; got '0'"),
    ("HeNormal", {"seed": [0, 1]}, TypeError, "seed must be None, an int"),
    ("HeNormal", {"seed": True}, TypeError, "seed must be None, an int"),
    ("HeNormal", {"seed": 0.5}, TypeError, "seed must be None, an int"),
    ("HeNormal", {"seed": -1}, ValueError, "seed must not be negative; got -1"),
    ("HeNormal", {"input_axes": [0]}, ValueError, "input_axes and output_axes must be given together"),
    ("HeNormal", {"input_axes": [0], "output_axes": ["1"]}, TypeError, "output_axes must be an int or a tuple of ints"),
    ("HeNormal", {"input_axes": [0], "output_axes": [0]}, ValueError, "input_axes, output_axes and batch_axis must not share"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "message"), REFUSED)
def test_wrong_arguments_are_refused_at_once(name, arguments, error, message):
    with pytest.raises(error, match="^" + re.escape(message)):
        getattr(fk, name)(**arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "dtype", "message"),
    [
        ("Identity", {}, (3,), None, "shape must have 2 axes"),
        ("Orthogonal", {}, (3,), None, "shape must have at least 2 axes"),
        ("Dirac", {}, (3, 3), None, "shape must have at least 3 axes"),
        ("HeNormal", {}, (3, None), None, "shape must be an int or a sequence of ints"),
        ("HeNormal", {}, (3, 4), "int32", "dtype must be one of float32"),
        ("Zeros", {}, (3, 4), "bool", "dtype must be one of float32"),
        ("HeNormal", {"input_axes": [0], "output_axes": [3]}, (3, 4), None, "output_axes must be in [-2, 2)"),
        ("RandomNormal", {"stddev": 1e200}, (3, 4), "float32", "stddev must"),
    ],
)
def test_wrong_calls_are_refused(name, arguments, shape, dtype, message):
    with pytest.raises((TypeError, ValueError), match="^" + re.escape(message)):
        getattr(fk, name)(**arguments)(shape, dtype)


def test_a_layout_is_refused_where_keras_has_no_distribution():
    if keras.backend.backend() == "jax":
        pytest.skip("JAX has")
    with pytest.raises(ValueError, match=r"^layout must be None on the"):
        fk.Zeros()((4, 4), layout="any")


def test_fixed_values_take_no_seed():
    for name in FIXED:
        assert "seed" not in getattr(fk, name)(**CLASSES[name][0]).get_config()


def test_without_keras_the_error_names_the_extra():
    script = """
import sys
sys.modules["keras"] = None
import fastinit
assert not any(name.startswith("fastinit.keras") for name in sys.modules)
try:
    import fastinit.keras
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "pip install 'fastinit-kernels[keras]'" in done.stdout
