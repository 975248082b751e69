"""The samplers that can be checked: fastinit's own, and those of the libraries that are installed.

A maker takes a law, a dtype and a seed and gives a function that draws the next so many values as a NumPy array of the dtype.
`Missing` says what a library does not have.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.bench.measure import Missing
from fastinit.bench.peers import LIBRARIES, installed
from fastinit.check.laws import BITS, Array, Law

Draw = Callable[[int], Array]
Maker = Callable[[Law, dtypes.Real, int], Draw]

SIXTEEN = ("float16", "bfloat16")
#: Values of a call, so that any block is one of an endless array.
ENDLESS = 2**62
FIXED = (-2.0, 2.0)


def arguments(law: Law) -> tuple[float, ...]:
    """What the Generator's method is called with."""
    return () if law.method in ("normal", "bits") else (law.a, law.b)


def _only(law: Law, real: dtypes.Real, methods: tuple[str, ...], names: tuple[str, ...] = ("float32", "float64")) -> None:
    if law.method not in methods:
        raise Missing(f"has no {law.method}")
    if real.name not in names:
        raise Missing(f"makes {', '.join(names)} only")
    if law.kind == "uniform" and (law.a, law.b) != (0.0, 1.0):
        raise Missing("is compared on [0, 1) only")


def _fastinit(law: Law, real: dtypes.Real, seed: int) -> Draw:
    rng = fi.default_rng(seed).child(f"{law.title} {real.name}")
    state, start = rng.state, 0

    def draw(count: int) -> Array:
        nonlocal start
        rng.state = state  # blocks of one call
        options: dict[str, Any] = {"size": ENDLESS, "index": slice(start, start + count)}
        start += count
        if law.kind == "bits":
            return np.asarray(rng.bits(**options) * 2.0**-32)
        return np.asarray(getattr(rng, law.method)(*arguments(law), dtype=real.dtype, **options))

    return draw


def _numpy(law: Law, real: dtypes.Real, seed: int, bits: Callable[[int], Any] = np.random.PCG64) -> Draw:
    if law == BITS:
        rng = np.random.Generator(bits(seed))
        return lambda count: rng.integers(0, 2**32, count, np.uint32) * 2.0**-32
    _only(law, real, ("uniform", "normal"))
    function = getattr(np.random.Generator(bits(seed)), "random" if law.kind == "uniform" else "standard_normal")
    return lambda count: np.asarray(function(count, dtype=real.dtype.type))


def _randomgen(law: Law, real: dtypes.Real, seed: int) -> Draw:
    philox = import_module("randomgen").Philox
    return _numpy(law, real, seed, lambda seed: philox(seed, number=4, width=32))


def _torch(law: Law, real: dtypes.Real, seed: int) -> Draw:
    _only(law, real, ("uniform", "normal", "truncated_normal"), ("float32", "float64", *SIXTEEN))
    torch = import_module("torch")
    generator = torch.Generator().manual_seed(seed)
    fill = getattr(torch.nn.init, {"truncated_normal": "trunc_normal_"}.get(law.method, f"{law.method}_"))
    options: dict[str, Any] = {"generator": generator}
    if law.method == "truncated_normal":
        options |= {"a": law.a, "b": law.b}

    def draw(count: int) -> Array:
        tensor = fill(torch.empty(count, dtype=getattr(torch, real.name)), **options)
        return np.asarray(tensor.view(torch.uint8).numpy()).view(real.dtype)

    return draw


def _jax(law: Law, real: dtypes.Real, seed: int) -> Draw:
    _only(law, real, ("uniform", "normal", "truncated_normal"), ("float32", "float64", *SIXTEEN))
    jax = import_module("jax")
    jax.config.update("jax_platforms", "cpu")
    key, calls, function = jax.random.key(seed), 0, getattr(jax.random, law.method)
    bounds = (law.a, law.b) if law.method == "truncated_normal" else ()
    compiled = jax.jit(lambda key, count: function(key, *bounds, (count,), dtype=real.name), static_argnums=1)

    def draw(count: int) -> Array:
        nonlocal calls
        calls += 1
        with jax.enable_x64(real.name == "float64"):
            return np.asarray(compiled(jax.random.fold_in(key, calls), count)).astype(real.dtype, copy=False)

    return draw


def _tensorflow(law: Law, real: dtypes.Real, seed: int) -> Draw:
    _only(law, real, ("uniform", "normal", "truncated_normal"), ("float32", "float64", *SIXTEEN))
    if law.method == "truncated_normal" and (law.a, law.b) != FIXED:
        raise Missing("has no other bounds than -2 and 2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets on stderr otherwise
    function, calls = getattr(import_module("tensorflow").random, f"stateless_{law.method}"), 0

    def draw(count: int) -> Array:
        nonlocal calls
        calls += 1
        return np.asarray(function([count], seed=[seed, calls], dtype=real.name)).astype(real.dtype, copy=False)

    return draw


def _keras(law: Law, real: dtypes.Real, seed: int) -> Draw:
    _only(law, real, ("uniform", "normal", "truncated_normal"), ("float32", *SIXTEEN))
    if law.method == "truncated_normal" and (law.a, law.b) != FIXED:
        raise Missing("has no other bounds than -2 and 2")
    backends = [name for name in ("torch", "jax", "tensorflow") if installed(name)]
    os.environ.setdefault("KERAS_BACKEND", backends[0] if backends else "numpy")
    keras = import_module("keras")
    function, own = getattr(keras.random, law.method), keras.random.SeedGenerator(seed)

    def draw(count: int) -> Array:
        x = function((count,), dtype=real.name, seed=own)
        if keras.backend.backend() == "torch":
            return np.asarray(x.cpu().view(import_module("torch").uint8).numpy()).view(real.dtype)
        return np.asarray(x).astype(real.dtype, copy=False)

    return draw


def _mkl(law: Law, real: dtypes.Real, seed: int) -> Draw:
    _only(law, real, ("uniform", "normal"), ("float64",))
    rng = import_module("mkl_random").MKLRandomState(seed)
    if law.kind == "uniform":
        return lambda count: np.asarray(rng.random_sample(count))
    return lambda count: np.asarray(rng.standard_normal(count, method="ICDF"))


def _scipy(law: Law, real: dtypes.Real, seed: int) -> Draw:
    _only(law, real, ("truncated_normal",), ("float64",))
    truncnorm, rng = import_module("scipy.stats").truncnorm, np.random.default_rng(seed)
    return lambda count: np.asarray(truncnorm.rvs(law.a, law.b, size=count, random_state=rng))


MAKERS: dict[str, Maker] = {
    "fastinit": _fastinit,
    "numpy": _numpy,
    "torch": _torch,
    "jax": _jax,
    "tensorflow": _tensorflow,
    "keras": _keras,
    "mkl_random": _mkl,
    "scipy": _scipy,
    "randomgen": _randomgen,
}
TITLES = {name: LIBRARIES.get(name, name.capitalize()) for name in MAKERS}


def make(sampler: str, law: Law, real: dtypes.Real, seed: int) -> Draw:
    """What draws; Missing where the library or the law in it is not there."""
    if not installed(sampler):
        raise Missing("is not installed")
    return MAKERS[sampler](law, real, seed)
