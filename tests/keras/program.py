"""Builds, trains, stores and loads models on the back-end of KERAS_BACKEND; `test_keras_backends.py` looks at what it leaves.

python program.py FOLDER: `start.npz` holds the weights that every layer starts with, by path; `model.keras` the trained model.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import fastinit.keras as fk

BACKEND = keras.backend.backend()
SHARED = fk.HeNormal(seed=5)
WIDTH = 12


def network():
    """A model with many kinds of layers; several share one initialiser."""
    tokens, image = keras.Input((6,), dtype="int32", name="tokens"), keras.Input((8, 8, 3), name="image")
    x = keras.layers.Embedding(20, WIDTH, embeddings_initializer=fk.TruncatedNormal(stddev=0.02, seed=5), name="embed")(tokens)
    attend = keras.layers.MultiHeadAttention(3, 4, kernel_initializer=fk.GlorotUniform(seed=5), name="attend")
    x = attend(x, x)
    x = keras.layers.LSTM(WIDTH, kernel_initializer=SHARED, recurrent_initializer=fk.Orthogonal(seed=5), name="recur")(x)
    for name in ("up", "down"):
        x = keras.layers.Dense(WIDTH, kernel_initializer=SHARED, bias_initializer=fk.Constant(0.5), name=name)(x)
    for dtype in ("float16", "bfloat16"):
        x = keras.layers.Dense(WIDTH, kernel_initializer=SHARED, dtype=dtype, name=dtype)(x)
    y = keras.layers.Conv2D(4, 3, kernel_initializer=SHARED, name="convolve")(image)
    y = keras.layers.DepthwiseConv2D(3, depthwise_initializer=SHARED, depth_multiplier=2, name="by_depth")(y)
    keras.utils.set_random_seed(1)
    y = keras.layers.Dense(WIDTH, kernel_initializer="fastinit>LecunNormal", name="by_string")(keras.layers.Flatten()(y))
    out = keras.layers.Dense(
        1, kernel_initializer={"class_name": "fastinit>SmallInit", "config": {"dim": 9, "seed": 5}}, name="out"
    )
    return keras.Model([tokens, image], out(keras.layers.Add()([keras.ops.cast(x, "float32"), y])))


class Lazy(keras.Model):
    """A model whose layers are built while Keras computes its output shape."""

    def __init__(self):
        super().__init__(name="lazy")
        self.first, self.second = (keras.layers.Dense(4, kernel_initializer=SHARED, name=name) for name in ("first", "second"))

    def call(self, x):
        return self.second(self.first(x))


def lazy():
    model = Lazy()
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 4)), epochs=0, verbose=0)
    model(np.ones((2, 4)))
    return model


def values(model):
    return {w.path: np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(w, "float32"))) for w in model.weights}


def traced():
    """The errors of a call and of a layer inside a traced function."""
    layer = keras.layers.Dense(4, kernel_initializer=SHARED)

    def by_hand(x):
        return x @ SHARED((4, 4))

    functions = [by_hand, layer]
    if BACKEND == "jax":
        import jax as module

        traces = [lambda f: module.jit(f)(np.ones((2, 4), "f")), lambda f: module.eval_shape(f, np.ones((2, 4), "f"))]
    elif BACKEND == "tensorflow":
        import tensorflow as module

        traces = [lambda f: module.function(f)(np.ones((2, 4), "f"))]
    else:
        import torch as module

        class Program(module.nn.Module):
            def __init__(self, f):
                super().__init__()
                self.f = f

            def forward(self, x):
                return self.f(x)

        traces, functions = [lambda f: module.export.export(Program(f), (module.ones(2, 4),), strict=False)], functions[:1]
    for trace in traces:
        for function in functions:
            try:
                trace(function)
                yield "no error"
            except Exception as error:
                yield f"{type(error).__name__}: {error}"


def main(folder):
    model = network()
    start = values(model)
    again = values(keras.models.clone_model(model))
    inputs = [np.arange(12).reshape(2, 6) % 20, np.linspace(0, 1, 2 * 8 * 8 * 3, dtype="f").reshape(2, 8, 8, 3)]
    model.compile("sgd", "mse")
    model.fit(inputs, np.ones((2, 1)), verbose=0)
    model.save(folder / "model.keras")
    loaded = keras.models.load_model(folder / "model.keras")
    before, after = (keras.ops.convert_to_numpy(m(inputs)) for m in (model, loaded))
    np.savez(folder / "start.npz", **start, **values(lazy()))
    print(
        json.dumps(
            {
                "backend": BACKEND,
                "cloned": [path for path in start if path not in again or not np.array_equal(again[path], start[path])],
                "moved": float(np.abs(values(model)["up/kernel"] - start["up/kernel"]).max()),
                "loaded": bool(np.array_equal(before, after)),
                "initializer": type(loaded.get_layer("up").kernel_initializer).__module__,
                "traced": list(traced()),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
