"""Each rule beside keras.initializers, where that is installed: the laws that both ask their samplers for.

Samplers are replaced by ones that note their arguments, so the laws are compared to the last digits and not by samples.
"""

import importlib.util
import os

import pytest

from fastinit import initializers
from fastinit.initializers.fan import fans
from tests.peers.laws import SHAPES, check_products, close, recorder

pytestmark = pytest.mark.filterwarnings("default")  # of the other library

TWO_SIGMA = 0.87962566103423978  # as Keras writes it


@pytest.fixture
def ours(monkeypatch):
    return recorder(monkeypatch)


@pytest.fixture(scope="module")
def keras():
    backend = next((name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name)), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", backend or ""))
        return pytest.importorskip("keras", reason="Keras is not installed")


@pytest.fixture
def keras_law(keras, monkeypatch):
    source = importlib.import_module("keras.src.initializers.random_initializers")
    asked = []

    class Samplers:
        @staticmethod
        def make_default_seed():
            return 0

        @staticmethod
        def uniform(shape, minval, maxval, **_):
            asked.append(("uniform", minval, maxval))

        @staticmethod
        def normal(shape, mean, stddev, **_):
            asked.append(("normal", mean, stddev))

        @staticmethod
        def truncated_normal(shape, mean, stddev, **_):
            asked.append(("truncated_normal", -2.0, 2.0, mean, stddev))

    monkeypatch.setattr(source, "random", Samplers)

    def law_of(name, shape, **keywords):
        asked.clear()
        getattr(source, name)(**keywords)(shape)
        (law,) = asked
        return law

    return law_of


@pytest.mark.parametrize("shape", SHAPES)
def test_keras_fans(keras, shape):
    theirs = importlib.import_module("keras.src.initializers.random_initializers").compute_fans(shape)
    assert fans(shape, layout="in_out") == theirs


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", ["Glorot", "He", "Lecun"])
def test_keras_rules(ours, keras_law, shape, rule):
    close(ours(f"{rule.lower()}_uniform", shape, layout="in_out"), keras_law(f"{rule}Uniform", shape))
    close(ours(f"{rule.lower()}_normal", shape, layout="in_out", truncated=True), keras_law(f"{rule}Normal", shape))


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_keras_variance_scaling(ours, keras_law, mode):
    names = {"uniform": "uniform", "normal": "untruncated_normal", "truncated_normal": "truncated_normal"}
    for shape in SHAPES:
        for distribution, theirs in names.items():
            mine = ours("variance_scaling", shape, 1.7, mode, distribution, layout="in_out")
            close(mine, keras_law("VarianceScaling", shape, scale=1.7, mode=mode, distribution=theirs))


def test_keras_normal_means_truncated(ours, keras_law):
    mine = ours("variance_scaling", (4, 5), layout="in_out")
    close(mine, keras_law("VarianceScaling", (4, 5), distribution="normal"))
    assert 0.5 / mine[4] == pytest.approx(TWO_SIGMA, rel=1e-15)


def test_keras_plain(ours, keras_law, keras):
    close(ours("uniform", 9, -0.05, 0.05), keras_law("RandomUniform", (9,)))
    close(ours("normal", 9, scale=0.05), keras_law("RandomNormal", (9,)))
    close(ours("truncated_normal", 9, scale=0.05)[:5], keras_law("TruncatedNormal", (9,)))
    identity = keras.ops.convert_to_numpy(keras.initializers.Identity(2.5)((4, 6)))
    assert (initializers.eye((4, 6), 2.5) == identity).all()


@pytest.mark.parametrize("shape", [(7, 7), (6, 20), (20, 6), (3, 2, 4, 5)])
def test_keras_orthogonal(keras, shape):
    theirs = keras.ops.convert_to_numpy(keras.initializers.Orthogonal(2.0, seed=0)(shape))
    check_products(initializers.orthogonal(shape, 2.0, axis=-1, rng=0), theirs, -1)
