"""torch, JAX and Keras behind one interface: the distribution that each one's initialisers ask its samplers for.

The samplers are replaced by ones that note their arguments. So distributions are compared to the last digits, not by samples.
"""

import importlib
import importlib.util
import os

import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers


def record_ours(monkeypatch):
    """A function that calls an initialiser and returns the distribution it asks the Generator for: name and numbers."""
    calls = []

    def note(name):
        return lambda rng, *numbers, **keywords: calls.append((name, *numbers[:-1]))

    for name in ("uniform", "normal", "truncated_normal"):
        monkeypatch.setattr(fi.Generator, name, note(name))

    def distribution(name, shape, **keywords):
        calls.clear()
        getattr(initializers, name)(shape, rng=0, **keywords)
        (call,) = calls
        return call

    return distribution


class Torch:
    """`torch.nn.init`."""

    layout, axis, digits = "out_in", 0, 1e-13

    def __init__(self):
        self.torch = pytest.importorskip("torch", reason="torch is not installed")
        self.init = self.torch.nn.init

    def fans(self, shape):
        return self.init._calculate_fan_in_and_fan_out(self.torch.empty(shape, device="meta"))

    def distribution(self, monkeypatch, name, shape, **keywords):
        calls = []

        def uniform(w, a, b, *_, **__):
            calls.append(("uniform", a, b))

        def normal(w, mean, std, *_, **__):
            calls.append(("normal", mean, std))

        monkeypatch.setattr(self.init, "_no_grad_uniform_", uniform)
        monkeypatch.setattr(self.init, "_no_grad_normal_", normal)
        weight = type("Weight", (self.torch.Tensor,), {"uniform_": uniform, "normal_": normal})  # kaiming_* call its methods
        getattr(self.init, name)(self.torch.empty(shape, device="meta").as_subclass(weight), **keywords)
        (call,) = calls
        return call

    def orthogonal(self, shape, axis):
        return self.init.orthogonal_(self.torch.empty(shape), 2.0).numpy()


class Jax:
    """`jax.nn.initializers`."""

    layout, axis, digits = "in_out", -1, 1e-6

    def __init__(self):
        self.jax = pytest.importorskip("jax", reason="JAX is not installed")
        self.source = importlib.import_module("jax._src.nn.initializers")

    def fans(self, shape, **axes):
        return self.source._compute_fans(shape, **axes)

    def distribution(self, monkeypatch, name, shape, **keywords):
        """By samplers that return 1, so that the result is the factor on their values."""
        calls = []

        class Samplers:
            @staticmethod
            def uniform(key, shape, dtype, minval=0.0, **_):
                calls.append(("uniform", float(minval)))
                return np.float32(1)

            @staticmethod
            def normal(key, shape, dtype, **_):
                calls.append(("normal",))
                return np.float32(1)

            @staticmethod
            def truncated_normal(key, lower, upper, shape, dtype, **_):
                calls.append(("truncated_normal", float(lower), float(upper)))
                return np.float32(1)

        monkeypatch.setattr(self.source, "random", Samplers)
        factor = float(getattr(self.source, name)(**keywords)(None, shape, "float32"))
        ((sampler, *bounds),) = calls
        if sampler == "uniform":
            return sampler, factor * bounds[0], factor
        return (sampler, *bounds, 0.0, factor)

    def orthogonal(self, shape, axis):
        return np.asarray(self.jax.nn.initializers.orthogonal(2.0, axis)(self.jax.random.key(0), shape, "float32"))


class Keras:
    """`keras.initializers`."""

    layout, axis, digits = "in_out", -1, 1e-13

    def __init__(self):
        backend = next((name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name)), "")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", backend))
            self.keras = pytest.importorskip("keras", reason="Keras is not installed")
        self.source = importlib.import_module("keras.src.initializers.random_initializers")

    def fans(self, shape):
        return self.source.compute_fans(shape)

    def distribution(self, monkeypatch, name, shape, **keywords):
        calls = []

        class Samplers:
            @staticmethod
            def make_default_seed():
                return 0

            @staticmethod
            def uniform(shape, minval, maxval, **_):
                calls.append(("uniform", minval, maxval))

            @staticmethod
            def normal(shape, mean, stddev, **_):
                calls.append(("normal", mean, stddev))

            @staticmethod
            def truncated_normal(shape, mean, stddev, **_):
                calls.append(("truncated_normal", -2.0, 2.0, mean, stddev))

        monkeypatch.setattr(self.source, "random", Samplers)
        getattr(self.source, name)(**keywords)(shape)
        (call,) = calls
        return call

    def orthogonal(self, shape, axis):
        return self.keras.ops.convert_to_numpy(self.keras.initializers.Orthogonal(2.0, seed=0)(shape))


LIBRARIES = {"torch": Torch, "jax": Jax, "keras": Keras}
