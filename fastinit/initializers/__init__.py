"""Initialisers: functions f(shape, *, ..., rng=None, dtype=None, out=None, index=None) that fill weights.

`docs/initializers.md` says which function and which arguments are the same as a name in torch, Keras or JAX.
"""

from collections.abc import Callable
from typing import Any

from fastinit.initializers.any_law import draw
from fastinit.initializers.constants import constant, dirac, eye, ones, zeros
from fastinit.initializers.fan import Fans, fans
from fastinit.initializers.keywords import INITIALIZERS
from fastinit.initializers.named_rules import (
    fan_in_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    residual_normal,
    small_init,
    wang_init,
    xavier_normal,
    xavier_uniform,
)
from fastinit.initializers.orthonormal import delta_orthogonal, orthogonal
from fastinit.initializers.samplers import normal, small_random, truncated_normal, uniform
from fastinit.initializers.sparsity import sparse
from fastinit.initializers.truncation import truncated_std
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
    "draw",
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
BY_NAME: dict[str, Callable[..., Any]] = dict(sorted(INITIALIZERS.items()))
