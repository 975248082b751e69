"""The classes: Keras's initialisers under Keras's names, and those that only fastinit has."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from fastinit.arguments.checks import one_of
from fastinit.initializers import BY_NAME
from fastinit.keras.initializer import NONE, REQUIRED, ClassRow, Initializer
from fastinit.laws import Distribution, parse
from fastinit.laws.text import text_of

__all__ = [
    "Constant",
    "DeltaOrthogonal",
    "Dirac",
    "Draw",
    "FanInUniform",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "ResidualNormal",
    "SmallInit",
    "SmallRandom",
    "Sparse",
    "TruncatedNormal",
    "VarianceScaling",
    "WangInit",
    "Zeros",
]

_register = keras.saving.register_keras_serializable(package="fastinit")
_SEED: dict[str, Any] = {"seed": None}
_FANS: dict[str, Any] = {"seed": None, "input_axes": None, "output_axes": None}
_BOUNDS = {"minval": "low", "maxval": "high"}
_BELL = {"mean": "loc", "stddev": "scale"}
_TRUNCATED = {"truncated": True}
_KERNEL = {"layout": "in_out"}


def _row(name: str, meaning: str, function: str, *settings: Any, **more: Any) -> type[Initializer]:
    """Make a class of this name and register it with Keras as `fastinit>name`."""
    text = f"{meaning}\n\nThe values are those of `fastinit.initializers.{function}`; `docs/keras.md` has the `rng` of a seed."
    body = {"row": ClassRow(BY_NAME[function], *settings, **more), "__doc__": text, "__module__": __name__}
    registered: type[Initializer] = _register(type(name, (Initializer,), body))
    return registered


Zeros = _row("Zeros", "Zeros.", "zeros")
Ones = _row("Ones", "Ones.", "ones")
Constant = _row("Constant", "The finite number `value` everywhere.", "constant", {"value": 0.0})
Identity = _row("Identity", "A matrix with `gain`, at least 0, on the diagonal and 0 elsewhere.", "eye", {"gain": 1.0})
Dirac = _row("Dirac", "A convolution that returns its inputs.", "dirac", {"groups": 1}, NONE, _KERNEL, axes=3)

RandomUniform = _row("RandomUniform", "U[minval, maxval).", "uniform", {"minval": -0.05, "maxval": 0.05} | _SEED, _BOUNDS)
RandomNormal = _row("RandomNormal", "Normal, not truncated.", "normal", {"mean": 0.0, "stddev": 0.05} | _SEED, _BELL)
TruncatedNormal = _row(
    "TruncatedNormal",
    "Normal of deviation `stddev` before truncation, between `a` and `b` deviations from the mean.",
    "truncated_normal",
    {"mean": 0.0, "stddev": 0.05} | _SEED | {"a": -2.0, "b": 2.0},
    _BELL,
)
SmallRandom = _row("SmallRandom", "Normal, without zeros.", "small_random", {"scale": 0.01} | _SEED)
Sparse = _row(
    "Sparse", "A matrix whose columns have `sparsity` zeros.", "sparse", {"sparsity": REQUIRED, "scale": 0.01} | _SEED
)

GlorotUniform = _row("GlorotUniform", "Uniform of variance 2 / (fan_in + fan_out).", "xavier_uniform", _FANS)
GlorotNormal = _row(
    "GlorotNormal", "Truncated normal of variance 2 / (fan_in + fan_out).", "xavier_normal", _FANS, NONE, _TRUNCATED
)
HeUniform = _row("HeUniform", "Uniform of variance 2 / fan_in.", "he_uniform", _FANS)
HeNormal = _row("HeNormal", "Truncated normal of variance 2 / fan_in.", "he_normal", _FANS, NONE, _TRUNCATED)
LecunUniform = _row("LecunUniform", "Uniform of variance 1 / fan_in.", "lecun_uniform", _FANS)
LecunNormal = _row("LecunNormal", "Truncated normal of variance 1 / fan_in.", "lecun_normal", _FANS, NONE, _TRUNCATED)
FanInUniform = _row("FanInUniform", "Uniform of variance 1 / (3 fan_in).", "fan_in_uniform", _FANS)

Orthogonal = _row(
    "Orthogonal", "Orthonormal rows or columns times `gain`.", "orthogonal", {"gain": 1.0} | _SEED, NONE, {"axis": -1}
)
DeltaOrthogonal = _row(
    "DeltaOrthogonal",
    "A convolution that keeps the norm of its inputs, times `gain`.",
    "delta_orthogonal",
    {"gain": 1.0} | _SEED,
    axes=3,
)

_DIM, _LAYERS, _PLAIN = {"dim": REQUIRED}, {"n_layers": REQUIRED}, _SEED | {"truncated": False}
SmallInit = _row("SmallInit", "Normal of deviation sqrt(2 / (5 dim)).", "small_init", _DIM | _PLAIN)
WangInit = _row("WangInit", "Normal of deviation 2 / (n_layers sqrt(dim)).", "wang_init", _DIM | _LAYERS | _PLAIN)
ResidualNormal = _row(
    "ResidualNormal",
    "Normal of deviation scale / sqrt(2 n_layers).",
    "residual_normal",
    _LAYERS | {"scale": 0.02} | _PLAIN,
)


@_register
class VarianceScaling(Initializer):
    """Mean 0 and variance scale / n, after truncation if the distribution is truncated.

    `distribution` is "uniform", "truncated_normal" ("normal" means the same) or "untruncated_normal". n is the fan that `mode`
    names: "fan_in", "fan_out", "fan_avg", or "fan_geo_avg", which Keras does not have.
    The values are those of `fastinit.initializers.variance_scaling`; `docs/keras.md` has the `rng` of a seed.
    """

    row = ClassRow(BY_NAME["variance_scaling"], {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"} | _FANS)
    distribution: str
    _distributions: ClassVar = {"uniform": "uniform", "truncated_normal": "truncated_normal", "untruncated_normal": "normal"}

    def _keywords(self, rank: int | None = None) -> dict[str, Any]:
        law: Any = self.distribution
        law = law.lower() if isinstance(law, str) else law
        self.distribution = one_of("distribution", "truncated_normal" if law == "normal" else law, self._distributions)
        return super()._keywords(rank) | {"distribution": self._distributions[self.distribution]}


@_register
class Draw(Initializer):
    """Any law: a Distribution of `fastinit.laws`, or its text, which is what a model's file holds.

    A law of your own must be in a module that can be imported, and must have been imported before a model's file is loaded.
    The values are those of `fastinit.initializers.draw`; `docs/keras.md` has the `rng` of a seed.
    """

    row = ClassRow(BY_NAME["draw"], {"law": REQUIRED} | _SEED)
    law: Distribution

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Draw:
        """Make it from the result of `get_config`. A file does not choose what is imported."""
        module, colon, _ = str(config["law"]).partition(":")
        if colon and module not in sys.modules:
            raise ValueError(f"law must be in a module that is imported already: import {module}; got {config['law']!r}")
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, fit for JSON."""
        return super().get_config() | {"law": text_of(self.law)}

    def _dtype_names(self) -> Sequence[str]:
        return self.law.dtype_names

    def _keywords(self, rank: int | None = None) -> dict[str, Any]:
        self.law = parse(self.law)
        return super()._keywords(rank)
