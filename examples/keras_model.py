"""
A Keras model
=============

A Keras model whose initial weights NumPy can draw, by seed and path: `KERAS_BACKEND=jax python examples/keras_model.py`.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # or "jax", or "tensorflow": the weights are the same

import keras

import fastinit as fi
import fastinit.keras as fk


def main() -> None:
    shared = fk.HeNormal(seed=0)  # may serve many layers: each variable adds its path to the seed
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu", kernel_initializer=shared, name="conv1"),
            keras.layers.Conv2D(64, 3, strides=2, activation="relu", kernel_initializer=shared, name="conv2"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, kernel_initializer="fastinit>LecunNormal", name="head"),
        ],
        name="digits",
    )
    for weight in model.weights:
        print(f"{weight.path:<20}{tuple(weight.shape)!s:<16}{weight.dtype}")

    kernel = model.get_layer("conv2").kernel
    rng = fi.default_rng(0).child(kernel.path)
    expected = fi.initializers.he_normal(tuple(kernel.shape), layout="in_out", truncated=True, rng=rng)
    print(
        f"{kernel.path} on {keras.backend.backend()} is the same as NumPy's:",
        bool((keras.ops.convert_to_numpy(kernel) == expected).all()),
    )


if __name__ == "__main__":
    main()
