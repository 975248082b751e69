"""fastinit for JAX: the samplers and initialisers as `jax.Array`s of any sharding, each block generated alone.

Each function is f(shape, *, ..., sharding=None, rng=None, dtype=None), with the parameters of the function of that name in
`fastinit.initializers`; `bits` gives raw words. `fastinit.jax.initializers` has the names of `jax.nn.initializers`.
"""

try:
    import jax as _jax  # noqa: F401
except ImportError as error:
    raise ImportError("fastinit.jax needs JAX: pip install 'fastinit-kernels[jax]'") from error

from fastinit.jax import initializers
from fastinit.jax.arrays import BY_NAME
from fastinit.jax.conversion import from_lazy
from fastinit.jax.keys import generator_from_key

bits = BY_NAME["bits"]
constant = BY_NAME["constant"]
delta_orthogonal = BY_NAME["delta_orthogonal"]
dirac = BY_NAME["dirac"]
draw = BY_NAME["draw"]
eye = BY_NAME["eye"]
fan_in_uniform = BY_NAME["fan_in_uniform"]
glorot_normal = BY_NAME["glorot_normal"]
glorot_uniform = BY_NAME["glorot_uniform"]
he_normal = BY_NAME["he_normal"]
he_uniform = BY_NAME["he_uniform"]
identity = BY_NAME["identity"]
kaiming_normal = BY_NAME["kaiming_normal"]
kaiming_uniform = BY_NAME["kaiming_uniform"]
lecun_normal = BY_NAME["lecun_normal"]
lecun_uniform = BY_NAME["lecun_uniform"]
normal = BY_NAME["normal"]
ones = BY_NAME["ones"]
orthogonal = BY_NAME["orthogonal"]
residual_normal = BY_NAME["residual_normal"]
small_init = BY_NAME["small_init"]
small_random = BY_NAME["small_random"]
sparse = BY_NAME["sparse"]
truncated_normal = BY_NAME["truncated_normal"]
uniform = BY_NAME["uniform"]
variance_scaling = BY_NAME["variance_scaling"]
wang_init = BY_NAME["wang_init"]
xavier_normal = BY_NAME["xavier_normal"]
xavier_uniform = BY_NAME["xavier_uniform"]
zeros = BY_NAME["zeros"]

__all__ = ["BY_NAME", "from_lazy", "generator_from_key", "initializers", *BY_NAME]
