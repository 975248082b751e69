"""Initialisers: functions f(shape, ..., *, rng=None, dtype=float32, out=None, index=None) that fill weights.

`docs/initializers.md` says which function and which arguments are the same as a name in torch, Keras or JAX.
"""

from collections.abc import Callable
from typing import Any

from fastinit.initializers.constants import constant, dirac, eye, ones, zeros
from fastinit.initializers.depth import residual_normal, small_init, wang_init
from fastinit.initializers.fan import Fans, fans
from fastinit.initializers.inputs import fan_in_uniform, lecun_normal, lecun_uniform
from fastinit.initializers.orthonormal import delta_orthogonal, orthogonal
from fastinit.initializers.rules import he_normal, he_uniform, xavier_normal, xavier_uniform
from fastinit.initializers.samplers import normal, small_random, truncated_normal, truncated_std, uniform
from fastinit.initializers.sparsity import sparse
from fastinit.initializers.variance import gain, variance_scaling

identity = eye
glorot_uniform, glorot_normal = xavier_uniform, xavier_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal

__all__ = [
    "BY_NAME",
    "Fans",
    "constant",
    "delta_orthogonal",
    "dirac",
    "eye",
    "fan_in_uniform",
    "fans",
    "gain",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "residual_normal",
    "small_init",
    "small_random",
    "sparse",
    "truncated_normal",
    "truncated_std",
    "uniform",
    "variance_scaling",
    "wang_init",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

#: Every initialiser by its name, aliases included.
BY_NAME: dict[str, Callable[..., Any]] = {
    name: globals()[name] for name in __all__ if name not in ("BY_NAME", "Fans", "fans", "gain", "truncated_std")
}
