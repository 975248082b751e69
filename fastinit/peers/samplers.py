"""How each library draws: one `Method` for each library and law, one `Sampler` for each use of it.

A library is imported when its first sampler is made.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np

from fastinit.peers.interface import (
    DOUBLE,
    FLOATS,
    LAWS,
    MORE,
    SIGNED,
    SIXTEEN,
    UNSIGNED,
    Array,
    Method,
    Request,
    Sampler,
)
from fastinit.peers.libraries import Missing, installed
from fastinit.peers.tensors import keras_random, torch_func, torch_init, two_deviations


def _numpy(function: str, request: Request, bits: Callable[[int], Any] = np.random.PCG64) -> Sampler:
    draw = getattr(np.random.Generator(bits(request.seed)), function)
    dtype = np.dtype(request.dtype)
    if request.law in _NUMPY:
        call = _NUMPY[request.law]
        return Sampler(lambda count: call(draw, count, dtype, *request.arguments))
    return Sampler(lambda count: draw(count, dtype=dtype), fill=lambda out: draw(out=out, dtype=dtype))


def _signs(draw: Any, count: int, dtype: np.dtype[Any]) -> Array:
    signs: Array = draw(0, 2, count, dtype)
    signs *= 2
    signs -= 1
    return signs


#: How NumPy's functions that have no `out` are called.
_NUMPY: dict[str, Callable[..., Array]] = {
    "bits": lambda draw, count, dtype: draw(0, 2**32, count, dtype),
    "integers": lambda draw, count, dtype, low, high: draw(low, high, count, dtype),
    "rademacher": _signs,
    "bernoulli": lambda draw, count, dtype, p: draw(1, p, count),
    **dict.fromkeys(("laplace", "logistic", "gumbel", "cauchy", "lognormal"), lambda draw, count, dtype: draw(size=count)),
}


def _randomgen(function: str, request: Request) -> Sampler:
    philox = import_module("randomgen").Philox
    return _numpy(function, request, lambda seed: philox(seed, number=4, width=32))


#: What JAX calls the arguments of a law.
_JAX = {"truncated_normal": ("lower", "upper"), "bernoulli": ("p",), "integers": ("minval", "maxval")}


def _jax(function: str, request: Request) -> Sampler:
    jax = import_module("jax")
    jax.config.update("jax_platforms", "cpu")
    options: dict[str, Any] = dict(zip(_JAX.get(request.law, ()), request.arguments, strict=True))
    if request.law != "bernoulli":
        options["dtype"] = request.dtype
    key, calls, method = jax.random.key(request.seed), 0, getattr(jax.random, function)

    @functools.partial(jax.jit, static_argnums=2)
    def values(key: Any, call: Any, count: int) -> Any:
        return method(jax.random.fold_in(key, call), shape=(count,), **options)

    def draw(count: int) -> Any:
        nonlocal calls
        calls += 1
        with jax.enable_x64(request.dtype.endswith("64")):
            return values(key, calls, count).block_until_ready()

    return Sampler(draw)


def _tensorflow(function: str, request: Request) -> Sampler:
    two_deviations(request)
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


def _mkl(function: str, request: Request) -> Sampler:
    # Intel's OpenMP threads would spin for 200 ms after a call, on the cores that the next sampler is timed on.
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    name, *method = function.split()
    draw = getattr(import_module("mkl_random").MKLRandomState(request.seed), name)
    return Sampler(lambda count: draw(count, **({"method": method[0]} if method else {})))


def _scipy(function: str, request: Request) -> Sampler:
    truncnorm, rng = import_module("scipy.stats").truncnorm, np.random.default_rng(request.seed)
    return Sampler(lambda count: truncnorm.rvs(*request.arguments, size=count, random_state=rng))


def _randompack(function: str, request: Request) -> Sampler:
    rng = import_module("randompack").Rng()
    rng.seed(request.seed)
    if request.law == "bits":
        return Sampler(lambda count: np.frombuffer(rng.raw(4 * count), np.uint32))
    low_high = request.arguments  # of integers, the last one included there
    bounds = {"a": int(low_high[0]), "b": int(low_high[1]) - 1} if request.law == "integers" else {}
    draw = functools.partial(getattr(rng, function), **bounds)
    return Sampler(lambda count: draw(size=count, dtype=request.dtype), fill=lambda out: draw(out=out))


_FILLS: dict[str, Any] = {"fills": True, "serial": True}


def _generator(library: str, make: Callable[[str, Request], Sampler]) -> Iterator[Method]:
    """What NumPy's Generator has, which randomgen drives by another source of words."""
    yield Method(library, "bits", "integers", ("uint32",), make, serial=True)
    yield Method(library, "uniform", "random", FLOATS, make, **_FILLS)
    yield Method(library, "normal", "standard_normal", FLOATS, make, **_FILLS)
    yield Method(library, "exponential", "standard_exponential", FLOATS, make, **_FILLS)
    yield Method(library, "cauchy", "standard_cauchy", DOUBLE, make, serial=True)
    for law in ("laplace", "logistic", "gumbel", "lognormal"):
        yield Method(library, law, law, DOUBLE, make, serial=True)
    yield Method(library, "rademacher", "integers", SIGNED, make, serial=True)
    yield Method(library, "bernoulli", "binomial", ("int64",), make, serial=True)
    yield Method(library, "integers", "integers", (*SIGNED, *UNSIGNED), make, serial=True)


METHODS = (
    *_generator("numpy", _numpy),
    Method("torch", "uniform", "uniform_", FLOATS + SIXTEEN, torch_init, **_FILLS),
    Method("torch", "normal", "normal_", FLOATS + SIXTEEN, torch_init, **_FILLS),
    Method("torch", "truncated_normal", "trunc_normal_", FLOATS + SIXTEEN, torch_init, fills=True),
    Method("torch", "exponential", "exponential_", FLOATS + SIXTEEN, torch_init, **_FILLS),
    Method("torch", "cauchy", "cauchy_", FLOATS + SIXTEEN, torch_init, **_FILLS),
    Method("torch", "lognormal", "log_normal_", FLOATS + SIXTEEN, torch_init, **_FILLS),
    Method("torch", "bernoulli", "bernoulli_", (*FLOATS, *SIXTEEN, *SIGNED, "uint8", "bool"), torch_init, **_FILLS),
    Method("torch", "integers", "random_", (*SIGNED, "uint8"), torch_init, **_FILLS),
    *(Method("torch_func", law, f"{law}_", FLOATS + SIXTEEN, torch_func, fills=True) for law in LAWS[:2]),
    *(Method("jax", law, law, FLOATS + SIXTEEN, _jax) for law in (*LAWS, *MORE[:5])),
    Method("jax", "lognormal", "lognormal", FLOATS, _jax),
    Method("jax", "rademacher", "rademacher", SIGNED, _jax),
    Method("jax", "bernoulli", "bernoulli", ("bool",), _jax),
    Method("jax", "integers", "randint", (*SIGNED, *UNSIGNED), _jax),
    *(Method("tensorflow", law, f"stateless_{law}", FLOATS + SIXTEEN, _tensorflow) for law in LAWS),
    *(Method("keras", law, law, ("float32", *SIXTEEN), keras_random) for law in LAWS),
    Method("mkl_random", "uniform", "random_sample", DOUBLE, _mkl, serial=True),
    Method("mkl_random", "normal", "standard_normal ICDF", DOUBLE, _mkl, serial=True),
    # Its temporaries take some 25 times the memory of the values.
    Method("scipy", "truncated_normal", "truncnorm.rvs", DOUBLE, _scipy, serial=True, most=2**20),
    *_generator("randomgen", _randomgen),
    Method("randompack", "bits", "raw", ("uint32",), _randompack, serial=True),
    Method("randompack", "uniform", "unif", FLOATS, _randompack, **_FILLS),
    Method("randompack", "exponential", "exp", FLOATS, _randompack, **_FILLS),
    *(Method("randompack", law, law, FLOATS, _randompack, **_FILLS) for law in ("normal", "gumbel", "lognormal")),
    Method("randompack", "integers", "int", SIGNED[2:], _randompack, **_FILLS),
)


def find(library: str, law: str, dtype: str) -> Method:
    """A library's method for a law and dtype, without importing the library; Missing says why there is none."""
    for method in METHODS:
        if (method.library, method.law) == (library, law):
            if dtype not in method.dtypes:
                *others, last = method.dtypes
                raise Missing(f"makes {' and '.join(filter(None, (', '.join(others), last)))} only")
            if not installed(library):
                raise Missing("is not installed")
            return method
    raise Missing(f"has no {law}")


def make(library: str, request: Request) -> Sampler:
    """A library's sampler for a request; Missing says why there is none."""
    method = find(library, request.law, request.dtype)
    return method.make(method.function, request)
