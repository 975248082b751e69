"""How torch draws, and Keras, whose arrays may be torch's."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from fastinit.arguments import dtypes
from fastinit.peers.interface import LAWS, Array, Request, Sampler
from fastinit.peers.libraries import Missing, installed


def from_torch(tensor: Any, dtype: str) -> Array:
    """A NumPy array over a tensor's bytes: torch gives NumPy no bfloat16."""
    tensor = tensor.cpu().view(import_module("torch").uint8)
    return np.asarray(tensor.numpy()).view(dtypes.resolve(dtype, dtypes.ALL_NAMES).dtype)


def _filling(fill: Callable[[Any], Any], name: str) -> Sampler:
    """A sampler of a function that fills a tensor and returns it."""
    torch = import_module("torch")
    dtype = getattr(torch, name)
    return Sampler(
        lambda count: fill(torch.empty(count, dtype=dtype)),
        lambda tensor: from_torch(tensor, name),
        fill,
        lambda out: torch.from_numpy(out.view(np.uint8)).view(dtype),
    )


#: Where the arguments of torch's functions are others than those of everybody else if none are given.
_TORCH = {"lognormal": (0.0, 1.0)}


def torch_init(function: str, request: Request) -> Sampler:
    """A sampler that calls torch.nn.init or a method of a tensor."""
    torch = import_module("torch")
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    generator = torch.Generator().manual_seed(request.seed)
    if request.law in LAWS:
        names = "ab" if request.arguments else ""
        method = functools.partial(getattr(torch.nn.init, function), **dict(zip(names, request.arguments, strict=True)))
    else:
        method = getattr(torch.Tensor, function)

    positional = () if request.law in LAWS else _TORCH.get(request.law, request.arguments)

    def fill(out: Any) -> Any:
        return method(out, *positional, generator=generator)

    return _filling(fill, request.dtype)


def torch_func(function: str, request: Request) -> Sampler:
    """A sampler that calls torch.func._random, which some versions of torch have, and those not for CPUs."""
    torch, random = import_module("torch"), import_module("torch.func._random")
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    dtype, key, calls, method = getattr(torch, request.dtype), random.key(request.seed), 0, getattr(random, function)

    def fill(out: Any) -> Any:
        nonlocal calls
        calls += 1
        return method(random.fold_in(key, calls), out)

    try:
        fill(torch.empty(1, dtype=dtype))
    except NotImplementedError:
        raise Missing(f"has no kernels for CPUs in torch {torch.__version__}") from None
    return _filling(fill, request.dtype)


def two_deviations(request: Request) -> None:
    """Raise Missing for a truncated normal with other bounds, which some libraries cannot draw."""
    if request.law == "truncated_normal" and request.arguments != (-2.0, 2.0):
        raise Missing("has no other bounds than -2 and 2")


def keras_random(function: str, request: Request) -> Sampler:
    """A sampler that calls keras.random."""
    two_deviations(request)
    backends = [name for name in ("torch", "jax", "tensorflow") if installed(name)]
    os.environ.setdefault("KERAS_BACKEND", backends[0] if backends else "numpy")
    keras = import_module("keras")
    method, seed = getattr(keras.random, function), keras.random.SeedGenerator(request.seed)
    on_torch = keras.backend.backend() == "torch"
    return Sampler(
        lambda count: method((count,), dtype=request.dtype, seed=seed),
        functools.partial(from_torch, dtype=request.dtype) if on_torch else np.asarray,
    )
