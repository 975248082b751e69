"""Layers and models on every installed back-end, each in a new process: the weights are NumPy's, bit for bit."""

import json
import random
from pathlib import Path

import pytest

pytest.importorskip("keras", reason="needs Keras and a back-end", exc_type=ImportError)

import numpy as np

import fastinit as fi
from fastinit import initializers as init
from tests.keras.backends import BACKENDS, run

HERE = Path(__file__).parent
T = {"layout": "in_out", "truncated": True}


def of_path(path, function, dtype="float32", seed=5, **keywords):
    """A function of the shape that gives NumPy's values for a variable of this path."""
    return lambda shape: function(shape, rng=fi.default_rng(seed).child(path), dtype=dtype, **keywords)


#: Paths of variables, and the NumPy calls with their values.
EXPECTED = {
    "embed/embeddings": (init.truncated_normal, {"scale": 0.02}),
    **{f"attend/{part}/kernel": (init.glorot_uniform, {"layout": "in_out"}) for part in ("query", "key", "value")},
    "attend/attention_output/kernel": (init.glorot_uniform, {"layout": "in_out"}),
    "recur/lstm_cell/kernel": (init.he_normal, T),
    "recur/lstm_cell/recurrent_kernel": (init.orthogonal, {"axis": -1}),
    "up/kernel": (init.he_normal, T),
    "up/bias": (init.constant, {"value": 0.5}),
    "down/kernel": (init.he_normal, T),
    "float16/kernel": (init.he_normal, {"dtype": "float16", **T}),
    "bfloat16/kernel": (init.he_normal, {"dtype": "bfloat16", **T}),
    "convolve/kernel": (init.he_normal, T),
    "by_depth/kernel": (init.he_normal, T),
    "by_string/kernel": (init.lecun_normal, {"seed": random.Random(1).randint(1, 10**9), **T}),
    "out/kernel": (init.small_init, {"dim": 9}),
    "lazy/first/kernel": (init.he_normal, T),
    "lazy/second/kernel": (init.he_normal, T),
}


@pytest.fixture(scope="module", params=BACKENDS)
def left(request, tmp_path_factory):
    """The program's report on a back-end, and the first weights of its models."""
    folder = tmp_path_factory.mktemp(request.param)
    report = json.loads(run(request.param, str(HERE / "program.py"), str(folder)).splitlines()[-1])
    assert report["backend"] == request.param
    with np.load(folder / "start.npz") as file:
        return report, dict(file)


def test_layers_start_with_numpys_values_of_their_paths(left):
    _, start = left
    drawn = {path for path in start if not path.endswith("/bias") or path == "up/bias"}
    assert drawn == set(EXPECTED)
    for path, (function, keywords) in EXPECTED.items():
        expected = of_path(path, function, **keywords)(start[path].shape)
        assert np.array_equal(start[path], expected.astype(np.float32)), path


def test_one_instance_repeats_nothing(left):
    _, start = left
    served = [w.ravel() for path, w in start.items() if EXPECTED.get(path, (None,))[0] is init.he_normal]
    assert len(served) == 9
    attention = [start[f"attend/{part}/kernel"].ravel() for part in ("query", "key", "value")]
    for weights in (served, attention):
        scaled = [np.unique(w) for w in weights]
        for i, first in enumerate(scaled):
            for second in scaled[:i]:
                assert np.intersect1d(first, second).size < 0.05 * min(
                    first.size, second.size
                )  # float16 meets itself by chance


def test_models_are_trained_stored_cloned_and_loaded(left):
    report, _ = left
    assert report["moved"] > 0
    assert report["loaded"]
    assert report["initializer"] == "fastinit.keras.initializers"
    # the seed that None stands for is the instance's own, as in Keras
    assert report["cloned"] == ["by_string/kernel"]


def test_a_traced_call_says_so(left):
    report, _ = left
    assert report["traced"]
    for text in report["traced"]:
        assert "HeNormal cannot be called while a function is traced" in text


ANY = [max(BACKENDS, key=lambda name: name == "jax")] if BACKENDS else []  # JAX is the quickest to import
STORE = """
import sys, keras, fastinit.keras as fk
keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer=fk.Sparse(0.5, seed=3))]).save(sys.argv[1])
print(keras.models.load_model(sys.argv[1]).layers[0].kernel_initializer.get_config())
print(keras.layers.Dense(2, kernel_initializer="fastinit>HeNormal").kernel_initializer)
"""
LOAD = """
import sys, keras
for call in (
    lambda: keras.models.load_model(sys.argv[1]),
    lambda: keras.layers.Dense(2, kernel_initializer="fastinit>HeNormal"),
):
    try:
        call()
    except (TypeError, ValueError) as error:
        print(error)
"""


@pytest.mark.parametrize("backend", ANY)
def test_names_exist_once_the_package_is_imported(backend, tmp_path):
    path = str(tmp_path / "model.keras")
    known = run(backend, "-c", STORE, path)
    assert "{'sparsity': 0.5, 'scale': 0.01, 'seed': 3}" in known
    assert "fastinit.keras.initializers.HeNormal" in known
    unknown = run(backend, "-c", LOAD, path)
    for identifier in ("{'module': 'fastinit.keras.initializers', 'class_name': 'Sparse'", "fastinit>HeNormal"):
        assert f"Could not interpret initializer identifier: {identifier}" in unknown


@pytest.mark.parametrize("backend", ANY)
def test_the_example_runs(backend):
    assert "the same as NumPy's: True" in run(backend, "examples/keras_model.py")


DISTRIBUTED = """
import json
import keras
import numpy as np
import fastinit.keras as fk

drawn = []
draw = fk.HeNormal._draw

def noting(self, shape, keywords, **options):
    values = draw(self, shape, keywords, **options)
    if "index" in options and np.size(values):
        drawn.append(np.shape(values))
    return values

fk.HeNormal._draw = noting
mesh = keras.distribution.DeviceMesh((2, 4), ("batch", "model"), keras.distribution.list_devices())
layouts = keras.distribution.LayoutMap(mesh)
layouts["both/kernel"], layouts["one/kernel"] = ("batch", "model"), (None, "model")
keras.distribution.set_distribution(keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch"))
shared, report = fk.HeNormal(seed=5), {}
for name in ("both", "one", "none"):
    layer = keras.layers.Dense(8, kernel_initializer=shared, name=name)
    layer.build((None, 4))
    assert layer(np.ones((2, 4))).shape == (2, 8)
    value = layer.kernel.value
    report[name] = {"drawn": sorted(set(drawn)), "spec": str(value.sharding.spec), "value": np.asarray(value).tolist()}
    drawn.clear()
half = shared((4, 8), "bfloat16", layout=keras.distribution.TensorLayout(("batch", None), mesh))
report["hand"] = {"drawn": sorted(set(drawn)), "spec": str(half.sharding.spec), "value": half.astype("float32").tolist()}
for layout in ("model", 3):
    try:
        shared((4, 8), layout=layout)
    except TypeError as error:
        report.setdefault("refused", []).append(str(error))
print(json.dumps(report))
"""


@pytest.mark.skipif("jax" not in BACKENDS, reason="needs JAX, the only back-end for which Keras has distributions")
def test_each_device_draws_its_part_of_a_distributed_weight():
    flags = "--xla_force_host_platform_device_count=8"
    report = json.loads(run("jax", "-c", DISTRIBUTED, XLA_FLAGS=flags, JAX_PLATFORMS="cpu").splitlines()[-1])
    parts = {"both": [2, 2], "one": [4, 2], "none": [4, 8], "hand": [2, 8]}
    specs = {"both": "('batch', 'model')", "one": "(None, 'model')", "none": "(None, None)", "hand": "('batch', None)"}
    for name, part in parts.items():
        assert report[name]["drawn"] == [part]
        assert specs[name] in report[name]["spec"]
    for name in ("both", "one", "none"):
        assert np.array_equal(report[name]["value"], of_path(f"{name}/kernel", init.he_normal, **T)((4, 8)))
    expected = init.he_normal((4, 8), rng=5, dtype="bfloat16", **T)
    assert np.array_equal(report["hand"]["value"], expected.astype(np.float32))
    assert all("layout must be a keras.distribution.TensorLayout" in text for text in report["refused"])
    assert len(report["refused"]) == 2
