"""Each rule beside jax.nn.initializers, where that is installed: the laws that both ask their samplers for.

Samplers are replaced by ones that note their arguments, so the laws are compared to the last digits and not by samples.
"""

import importlib

import numpy as np
import pytest

from fastinit import initializers
from fastinit.initializers import variance as scaling
from fastinit.initializers.fan import fans
from tests.peers.laws import SHAPES, check_products, close, recorder

pytestmark = pytest.mark.filterwarnings("default")  # of the other library


@pytest.fixture
def ours(monkeypatch):
    return recorder(monkeypatch)


@pytest.fixture(scope="module")
def jax():
    return pytest.importorskip("jax", reason="JAX is not installed")


@pytest.fixture
def jax_law(jax, monkeypatch):
    """Samplers that return 1, so that what comes out is the factor that values are multiplied by."""
    source = importlib.import_module("jax._src.nn.initializers")
    asked = []

    class Samplers:
        @staticmethod
        def uniform(key, shape, dtype, minval=0.0, **_):
            asked.append(("uniform", float(minval)))
            return np.float32(1)

        @staticmethod
        def normal(key, shape, dtype, **_):
            asked.append(("normal",))
            return np.float32(1)

        @staticmethod
        def truncated_normal(key, lower, upper, shape, dtype, **_):
            asked.append(("truncated_normal", float(lower), float(upper)))
            return np.float32(1)

    monkeypatch.setattr(source, "random", Samplers)

    def law_of(name, shape, *arguments, **keywords):
        asked.clear()
        factor = float(getattr(source, name)(*arguments, **keywords)(None, shape, "float32"))
        ((law, *bounds),) = asked
        if law == "uniform":
            return law, factor * bounds[0], factor
        return (law, 0.0, factor) if law == "normal" else (law, *bounds, 0.0, factor)

    return law_of


AXES = [
    {},
    {"batch_axis": 0},
    {"in_axis": 0, "out_axis": 1},
    {"in_axis": (0, 1), "out_axis": -1},
    {"in_axis": -1, "out_axis": 0, "batch_axis": 1},
]


@pytest.mark.parametrize("shape", [(4, 6, 8), (3, 5, 16, 24), (2, 3, 4, 5, 6)])
@pytest.mark.parametrize("axes", AXES)
def test_jax_fans(jax, shape, axes):
    theirs = importlib.import_module("jax._src.nn.initializers")._compute_fans(shape, **axes)
    assert fans(shape, layout="in_out", **axes) == theirs


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", ["glorot", "xavier", "he", "kaiming", "lecun"])
def test_jax_rules(ours, jax_law, shape, rule):
    uniform = ours(f"{rule}_uniform", shape, layout="in_out")
    close(uniform, jax_law(f"{rule}_uniform", shape), 1e-6)
    normal = ours(f"{rule}_normal", shape, layout="in_out", truncated=True)
    close(normal, jax_law(f"{rule}_normal", shape), 1e-6)


@pytest.mark.parametrize("mode", scaling.MODES)
@pytest.mark.parametrize("distribution", scaling.DISTRIBUTIONS)
def test_jax_variance_scaling(ours, jax_law, mode, distribution):
    for axes in AXES:
        shape = (3, 5, 16, 24)
        mine = ours("variance_scaling", shape, 1.7, mode, distribution, layout="in_out", **axes)
        close(mine, jax_law("variance_scaling", shape, 1.7, mode, distribution, **axes), 1e-6)


def test_jax_plain(ours, jax_law):
    close(ours("uniform", (3, 4), 0.0, 0.05)[:1], jax_law("uniform", (3, 4), 0.05)[:1])
    close(ours("normal", (3, 4), scale=0.05), jax_law("normal", (3, 4), 0.05), 1e-6)
    mine = ours("truncated_normal", (3, 4), scale=0.05, a=-1.0, b=3.0)
    close(mine[:5], jax_law("truncated_normal", (3, 4), 0.05, lower=-1.0, upper=3.0), 1e-6)


@pytest.mark.parametrize(("shape", "axis"), [((7, 7), -1), ((6, 20), -1), ((20, 6), 0), ((3, 2, 4, 5), -1), ((3, 9, 4), 1)])
def test_jax_orthogonal(jax, shape, axis):
    theirs = jax.nn.initializers.orthogonal(2.0, axis)(jax.random.key(0), shape, "float32")
    check_products(initializers.orthogonal(shape, 2.0, axis=axis, rng=0), np.asarray(theirs), axis)


@pytest.mark.parametrize("shape", [(3, 4, 6), (2, 3, 5, 5), (4, 1, 2, 2, 9)])
def test_jax_delta_orthogonal(jax, shape):
    theirs = np.asarray(jax.nn.initializers.delta_orthogonal()(jax.random.key(0), shape, "float32"))
    mine = initializers.delta_orthogonal(shape, rng=0)
    assert ((mine != 0) == (theirs != 0)).all()
    places = tuple((n - 1) // 2 for n in shape[:-2])
    check_products(mine[places], theirs[places], 0)
