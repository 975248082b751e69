"""How each library draws: one `Method` for each library and law, one `Sampler` for each use of it.

A library is imported when its first sampler is made.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.peers.libraries import TITLES, Missing, installed

Array = npt.NDArray[Any]

DOUBLE = ("float64",)
FLOATS = ("float32", "float64")
SIXTEEN = ("float16", "bfloat16")


class Request(NamedTuple):
    """What a sampler shall draw: a standard law in a dtype; `bounds` are those of the truncated normal.

    `threads` is the number for libraries that are told by a call; None leaves theirs.
    """

    law: str
    dtype: str
    seed: int = 0
    bounds: tuple[float, float] = (-2.0, 2.0)
    threads: int | None = None


def _same(out: Array) -> Any:
    return out


class Sampler(NamedTuple):
    """A library's sampler, ready to draw.

    `draw(count)` returns the next values as an array of the library, and `array` makes a NumPy array of that. `fill(out)`
    writes the next values into an array of the library (None if it cannot), and `view` makes one over a NumPy array's memory.
    """

    draw: Callable[[int], Any]
    array: Callable[[Any], Array] = np.asarray
    fill: Callable[[Any], object] | None = None
    view: Callable[[Array], Any] = _same


class Method(NamedTuple):
    """A library's function for a law. `fills`: takes an array to write into; `serial`: uses one thread, whatever is set.

    `most` is the largest count of one call, where more would take too much memory.
    """

    library: str
    law: str
    function: str
    dtypes: tuple[str, ...]
    make: Callable[[str, Request], Sampler]
    fills: bool = False
    serial: bool = False
    most: int = 2**62

    @property
    def label(self) -> str:
        """Library and function, for tables."""
        return f"{TITLES[self.library]} {self.function}"


def _numpy(function: str, request: Request, bits: Callable[[int], Any] = np.random.PCG64) -> Sampler:
    draw = getattr(np.random.Generator(bits(request.seed)), function)
    if request.law == "bits":
        return Sampler(lambda count: draw(0, 2**32, count, np.uint32))
    dtype = np.dtype(request.dtype)
    return Sampler(lambda count: draw(count, dtype=dtype), fill=lambda out: draw(out=out, dtype=dtype))


def _randomgen(function: str, request: Request) -> Sampler:
    philox = import_module("randomgen").Philox
    return _numpy(function, request, lambda seed: philox(seed, number=4, width=32))


def _from_torch(tensor: Any, dtype: str) -> Array:
    """A NumPy array over a tensor's bytes: torch gives NumPy no bfloat16."""
    tensor = tensor.cpu().view(import_module("torch").uint8)
    return np.asarray(tensor.numpy()).view(dtypes.resolve(dtype).dtype)


def _torch(function: str, request: Request) -> Sampler:
    torch = import_module("torch")
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    dtype = getattr(torch, request.dtype)
    options = dict(zip("ab", request.bounds, strict=True)) if request.law == "truncated_normal" else {}
    fill = functools.partial(getattr(torch.nn.init, function), generator=torch.Generator().manual_seed(request.seed), **options)
    return Sampler(
        lambda count: fill(torch.empty(count, dtype=dtype)),
        lambda tensor: _from_torch(tensor, request.dtype),
        fill,
        lambda out: torch.from_numpy(out.view(np.uint8)).view(dtype),
    )


def _jax(function: str, request: Request) -> Sampler:
    jax = import_module("jax")
    jax.config.update("jax_platforms", "cpu")
    bounds = request.bounds if request.law == "truncated_normal" else ()
    key, calls, method = jax.random.key(request.seed), 0, getattr(jax.random, function)

    @functools.partial(jax.jit, static_argnums=2)
    def values(key: Any, call: Any, count: int) -> Any:
        return method(jax.random.fold_in(key, call), *bounds, (count,), dtype=request.dtype)

    def draw(count: int) -> Any:
        nonlocal calls
        calls += 1
        with jax.enable_x64(request.dtype == "float64"):
            return values(key, calls, count).block_until_ready()

    return Sampler(draw)


def _two_deviations(request: Request) -> None:
    if request.law == "truncated_normal" and request.bounds != (-2.0, 2.0):
        raise Missing("has no other bounds than -2 and 2")


def _tensorflow(function: str, request: Request) -> Sampler:
    _two_deviations(request)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no greeting on stderr
    tf, calls = import_module("tensorflow"), 0
    if request.threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(request.threads)
    method = getattr(tf.random, function)

    def draw(count: int) -> Any:
        nonlocal calls
        calls += 1
        with tf.device("/CPU:0"):
            return method([count], seed=[request.seed, calls], dtype=request.dtype)

    return Sampler(draw)


def _keras(function: str, request: Request) -> Sampler:
    _two_deviations(request)
    backends = [name for name in ("torch", "jax", "tensorflow") if installed(name)]
    os.environ.setdefault("KERAS_BACKEND", backends[0] if backends else "numpy")
    keras = import_module("keras")
    method, seed = getattr(keras.random, function), keras.random.SeedGenerator(request.seed)
    on_torch = keras.backend.backend() == "torch"
    return Sampler(
        lambda count: method((count,), dtype=request.dtype, seed=seed),
        functools.partial(_from_torch, dtype=request.dtype) if on_torch else np.asarray,
    )


def _mkl(function: str, request: Request) -> Sampler:
    # Intel's OpenMP threads would spin for 200 ms after a call, on the cores that the next sampler is timed on.
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    name, *method = function.split()
    draw = getattr(import_module("mkl_random").MKLRandomState(request.seed), name)
    return Sampler(lambda count: draw(count, **({"method": method[0]} if method else {})))


def _scipy(function: str, request: Request) -> Sampler:
    truncnorm, rng = import_module("scipy.stats").truncnorm, np.random.default_rng(request.seed)
    return Sampler(lambda count: truncnorm.rvs(*request.bounds, size=count, random_state=rng))


LAWS = ("uniform", "normal", "truncated_normal")
_FILLS: dict[str, Any] = {"fills": True, "serial": True}

METHODS = (
    Method("numpy", "bits", "integers", ("uint32",), _numpy, serial=True),
    Method("numpy", "uniform", "random", FLOATS, _numpy, **_FILLS),
    Method("numpy", "normal", "standard_normal", FLOATS, _numpy, **_FILLS),
    Method("torch", "uniform", "uniform_", FLOATS + SIXTEEN, _torch, **_FILLS),
    Method("torch", "normal", "normal_", FLOATS + SIXTEEN, _torch, **_FILLS),
    Method("torch", "truncated_normal", "trunc_normal_", FLOATS + SIXTEEN, _torch, fills=True),
    *(Method("jax", law, law, FLOATS + SIXTEEN, _jax) for law in LAWS),
    *(Method("tensorflow", law, f"stateless_{law}", FLOATS + SIXTEEN, _tensorflow) for law in LAWS),
    *(Method("keras", law, law, ("float32", *SIXTEEN), _keras) for law in LAWS),
    Method("mkl_random", "uniform", "random_sample", DOUBLE, _mkl, serial=True),
    Method("mkl_random", "normal", "standard_normal ICDF", DOUBLE, _mkl, serial=True),
    # Its temporaries take some 25 times the memory of the values.
    Method("scipy", "truncated_normal", "truncnorm.rvs", DOUBLE, _scipy, serial=True, most=2**20),
    Method("randomgen", "bits", "integers", ("uint32",), _randomgen, serial=True),
    Method("randomgen", "uniform", "random", FLOATS, _randomgen, **_FILLS),
    Method("randomgen", "normal", "standard_normal", FLOATS, _randomgen, **_FILLS),
)


def find(library: str, law: str, dtype: str) -> Method:
    """A library's method for a law and dtype, without importing the library; Missing says why there is none."""
    for method in METHODS:
        if (method.library, method.law) == (library, law):
            if dtype not in method.dtypes:
                raise Missing(f"makes {' and '.join(method.dtypes)} only")
            if not installed(library):
                raise Missing("is not installed")
            return method
    raise Missing(f"has no {law}")


def make(library: str, request: Request) -> Sampler:
    """A library's sampler for a request; Missing says why there is none."""
    method = find(library, request.law, request.dtype)
    return method.make(method.function, request)
