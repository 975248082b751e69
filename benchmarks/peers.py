"""The other libraries' fills, one row each: what it is compared with, and how it is made ready.

A library is imported when its row is asked for. Where it fills arrays of others, it gets the touched buffer that fastinit
gets; where it makes its own, each call does.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from benchmarks.measure import Missing, touched


class Peer(NamedTuple):
    """`make(values)` gives the call; `law` and `dtype` say which of fastinit's fills makes the same values."""

    module: str
    law: str
    dtype: str
    make: Callable[[int], Callable[[], object]]
    share: int = 1  # the fraction of the values it makes: half for 64 bits, so that bytes are equal; less where it is slow
    slow: bool = False


def numpy_fill(method):
    def make(values):
        draw, out = getattr(np.random.default_rng(0), method), touched(values, "float32")
        return lambda: draw(out=out, dtype=np.float32)

    return make


def torch_fill(fill, dtype="float32"):
    def make(values):
        import torch

        torch.set_num_threads(os.cpu_count())
        # NumPy has no bfloat16 that torch takes, so bytes are shared and read as its own
        tensor = torch.from_numpy(touched(values, dtype).view(np.uint8)).view(getattr(torch, dtype))
        return lambda: fill(torch.nn.init, tensor)

    return make


def jax_draw(method, *bounds):
    def make(values):
        import jax

        key = jax.random.key(0)
        draw = jax.jit(lambda key: getattr(jax.random, method)(key, *bounds, (values,), dtype="float32"))
        return lambda: draw(key).block_until_ready()

    return make


def tensorflow_draw(method):
    def make(values):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets on stderr otherwise
        import tensorflow as tf

        draw = getattr(tf.random, method)
        return lambda: draw([values], seed=[0, 0])

    return make


def mkl_normal(values):
    # Intel's OpenMP threads would spin for 200 ms after a call, on the cores that the next call is timed on.
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    import mkl_random

    rng = mkl_random.MKLRandomState(0)
    return lambda: rng.standard_normal(values, method="ICDF")


def scipy_truncated(values):
    from scipy.stats import truncnorm

    rng = np.random.default_rng(0)
    return lambda: truncnorm.rvs(-2, 2, size=values, random_state=rng)


PEERS = {
    "NumPy random(out=)": Peer("numpy", "uniform", "float32", numpy_fill("random")),
    "NumPy standard_normal(out=)": Peer("numpy", "normal", "float32", numpy_fill("standard_normal")),
    "torch uniform_": Peer("torch", "uniform", "float32", torch_fill(lambda init, t: init.uniform_(t))),
    "torch normal_": Peer("torch", "normal", "float32", torch_fill(lambda init, t: init.normal_(t))),
    "torch normal_ bfloat16": Peer("torch", "normal", "bfloat16", torch_fill(lambda init, t: init.normal_(t), "bfloat16")),
    "torch trunc_normal_": Peer(
        "torch", "truncated_normal", "float32", torch_fill(lambda init, t: init.trunc_normal_(t)), slow=True
    ),
    "JAX uniform": Peer("jax", "uniform", "float32", jax_draw("uniform"), slow=True),
    "JAX normal": Peer("jax", "normal", "float32", jax_draw("normal"), slow=True),
    "JAX truncated_normal": Peer("jax", "truncated_normal", "float32", jax_draw("truncated_normal", -2, 2), slow=True),
    "TensorFlow stateless_uniform": Peer("tensorflow", "uniform", "float32", tensorflow_draw("stateless_uniform"), slow=True),
    "TensorFlow stateless_normal": Peer("tensorflow", "normal", "float32", tensorflow_draw("stateless_normal"), slow=True),
    "TensorFlow stateless_truncated_normal": Peer(
        "tensorflow", "truncated_normal", "float32", tensorflow_draw("stateless_truncated_normal"), slow=True
    ),
    "mkl_random normal ICDF float64": Peer("mkl_random", "normal", "float64", mkl_normal, share=2),
    "SciPy truncnorm.rvs float64": Peer("scipy", "truncated_normal", "float64", scipy_truncated, share=64, slow=True),
}


def ready(name, values):
    """The peer's call for its share of the values."""
    peer = PEERS[name]
    if find_spec(peer.module) is None:
        raise Missing(f"{peer.module} is not installed")
    return peer.make(max(values // peer.share, 1))
