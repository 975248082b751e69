"""Initialisers: functions f(shape, ..., *, rng=None, dtype=float32, out=None, index=None) that fill weights.

`docs/initializers.md` says which function and which arguments are the same as a name in torch, Keras or JAX.
"""

from collections.abc import Callable
from typing import Any

from fastinit.fans import Fans, fans
from fastinit.initializers.constants import constant, dirac, eye, ones, zeros
from fastinit.initializers.depth import residual_normal, small_init, wang_init
from fastinit.initializers.inputs import fan_in_uniform, lecun_normal, lecun_uniform
from fastinit.initializers.orthonormal import delta_orthogonal, orthogonal
from fastinit.initializers.rules import he_normal, he_uniform, xavier_normal, xavier_uniform
from fastinit.initializers.samplers import normal, small_random, truncated_normal, truncated_std, uniform
from fastinit.initializers.scaling import gain, variance_scaling
from fastinit.initializers.sparsity import sparse

identity = eye
glorot_uniform, glorot_normal = xavier_uniform, xavier_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal

#: Every initialiser by its name, aliases included.
BY_NAME: dict[str, Callable[..., Any]] = {
    **{f.__name__: f for f in (zeros, ones, constant, eye, dirac, uniform, normal, truncated_normal, small_random, sparse)},
    **{f.__name__: f for f in (xavier_uniform, xavier_normal, he_uniform, he_normal, lecun_uniform, lecun_normal)},
    **{f.__name__: f for f in (variance_scaling, fan_in_uniform, orthogonal, delta_orthogonal)},
    **{f.__name__: f for f in (small_init, wang_init, residual_normal)},
    "identity": identity,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "kaiming_uniform": kaiming_uniform,
    "kaiming_normal": kaiming_normal,
}

__all__ = ["BY_NAME", "Fans", "fans", "gain", "truncated_std", *BY_NAME]
