"""fastinit for Dask: the samplers and initialisers as lazy `dask.array`s, each chunk drawn alone.

Each function is f(shape, *, ..., chunks="auto", rng=None, dtype=None), with the parameters of the function of that name in
`fastinit.initializers`; `bits` gives raw words. The bytes are those of the NumPy call, whatever the chunks and the workers.

`from_lazy` makes a `dask.array` of an array of `fastinit.lazy`.

`orthogonal` and `delta_orthogonal` are not here, since each chunk would compute the whole matrix. Use
``dask.array.from_array(fastinit.initializers.orthogonal(...), chunks=...)``.
"""

try:
    import dask.array as _array  # noqa: F401
except ImportError as error:
    raise ImportError("fastinit.dask needs dask.array: pip install 'fastinit-kernels[dask]'") from error

from fastinit.dask.arrays import BY_NAME
from fastinit.dask.conversion import from_lazy

bits = BY_NAME["bits"]
constant = BY_NAME["constant"]
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

__all__ = ["BY_NAME", "from_lazy", *BY_NAME]
