"""The arrays whose hashes `hashes.py` keeps: every sampler in every dtype with the arguments at which results might part.

Those of `fastinit.laws` and of sums are in `hash_cases_laws.py`.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.random import SeedSequence

import fastinit as fi
from fastinit import initializers
from fastinit.arguments import dtypes
from tests.definition import hash_cases_laws
from tests.definition.hash_places import BLOCKS, LARGE, SIZE, SIZES, Case, layout, numbers, root
from tests.initializers.table import CALLS

INF = math.inf
#: Method and arguments, by the edges of the dtype.
LAWS = {
    "uniform 0 1": ("uniform", lambda n: (0, 1)),
    "uniform -0.3 0.7": ("uniform", lambda n: (-0.3, 0.7)),
    "uniform of four numbers": ("uniform", lambda n: (1, 1 + 4 * n.eps)),
    "uniform of one number": ("uniform", lambda n: (1, 1 + n.eps)),
    "uniform of subnormals": ("uniform", lambda n: (0, n.tiny)),
    "uniform of few subnormals": ("uniform", lambda n: (-2 * n.least, 3 * n.least)),
    "uniform about the subnormals": ("uniform", lambda n: (-3 * n.tiny, 5 * n.tiny)),
    "uniform up to the largest": ("uniform", lambda n: (0.75 * n.most, n.most)),
    "uniform of all numbers": ("uniform", lambda n: (-0.49 * n.most, 0.49 * n.most)),
    "uniform constant": ("uniform", lambda n: (0.1, 0.1)),
    "normal 0 1": ("normal", lambda n: (0, 1)),
    "normal 3 0.02": ("normal", lambda n: (3, 0.02)),
    "normal -0.3 7": ("normal", lambda n: (-0.3, 7)),
    "normal of few numbers": ("normal", lambda n: (1, n.eps)),
    "normal below the step": ("normal", lambda n: (1, n.least)),
    "normal of subnormals": ("normal", lambda n: (0, n.tiny / 8)),
    "normal of few subnormals": ("normal", lambda n: (0, 2 * n.least)),
    "normal about the subnormals": ("normal", lambda n: (0, 2 * n.tiny)),
    "normal huge": ("normal", lambda n: (0, n.most / 16)),
    "normal past the largest": ("normal", lambda n: (0, n.most / 2)),
    "normal constant": ("normal", lambda n: (0.1, 0)),
    "central -2 2": ("truncated_normal", lambda n: (-2, 2)),
    "central -2 2, 0.1 0.02": ("truncated_normal", lambda n: (-2, 2, 0.1, 0.02)),
    "central -1 1": ("truncated_normal", lambda n: (-1, 1)),
    "central -0.01 2": ("truncated_normal", lambda n: (-0.01, 2)),
    "central 0.5 2": ("truncated_normal", lambda n: (0.5, 2)),
    "central -1.7 -1": ("truncated_normal", lambda n: (-1.7, -1)),
    "central absolute": ("truncated_normal", lambda n: (-0.01, 0.04, 0.01, 0.02)),
    "central of few numbers": ("truncated_normal", lambda n: (-2, 2, 1, 2 * n.eps)),
    "central of subnormals": ("truncated_normal", lambda n: (-2, 2, 0, n.tiny / 4)),
    "central of few subnormals": ("truncated_normal", lambda n: (-2, 2, 0, 2 * n.least)),
    "central huge": ("truncated_normal", lambda n: (-2, 2, 0, n.most / 2)),
    "two-sided -3 2.5": ("truncated_normal", lambda n: (-3, 2.5, 0.5, 2)),
    "two-sided -8 8": ("truncated_normal", lambda n: (-8, 8)),
    "two-sided -0.1 30": ("truncated_normal", lambda n: (-0.1, 30)),
    "half from 0": ("truncated_normal", lambda n: (0, INF)),
    "half from 0.5": ("truncated_normal", lambda n: (0.5, INF)),
    "half up to 0.3": ("truncated_normal", lambda n: (-INF, 0.3)),
    "half up to -1.5": ("truncated_normal", lambda n: (-INF, -1.5)),
    "half of subnormals": ("truncated_normal", lambda n: (0, INF, 0, n.tiny / 8)),
    "half past the largest": ("truncated_normal", lambda n: (0, INF, 0, n.most / 2)),
    "unbounded": ("truncated_normal", lambda n: (-INF, INF)),
    "tail from 4": ("truncated_normal", lambda n: (4, INF)),
    "tail from 8": ("truncated_normal", lambda n: (8, INF)),
    "tail up to -30": ("truncated_normal", lambda n: (-INF, -30)),
    "tail from 1e5": ("truncated_normal", lambda n: (1e5, INF, 0, 1e-5)),
    "tail 2 4": ("truncated_normal", lambda n: (2, 4, 0.5, 2)),
    "tail -40 -39": ("truncated_normal", lambda n: (-40, -39)),
    "tail of subnormals": ("truncated_normal", lambda n: (3, INF, 0, n.tiny / 16)),
    "narrow 1 1.2": ("truncated_normal", lambda n: (1, 1.2)),
    "narrow 3 3.000001": ("truncated_normal", lambda n: (3, 3.000001)),
    "narrow 20 20.01": ("truncated_normal", lambda n: (20, 20.01, 0, 0.05)),
    "window of few numbers": ("truncated_normal", lambda n: (1, 1 + 4 * n.eps, 0.3, 1)),
    "flat from 0": ("truncated_normal", lambda n: (0.125, 0.125 + 2.0**-45, -(2.0**41), 2.0**44)),
    "truncated constant": ("truncated_normal", lambda n: (-1, 2, 0.1, 0)),
}
ABSOLUTE = ("central absolute", "window of few numbers")

#: One law for each kernel, for what follows.
KERNELS = ("uniform -0.3 0.7", "flat from 0", "normal -0.3 7", "central -1 1", "half from 0.5")


def _called(calls):
    rng = root()
    rng.state = rng.state | {"calls": calls}
    return rng


#: Generators by what makes them different.
STREAMS = {
    "seed 0": lambda: fi.default_rng(0),
    "seed 2^32": lambda: fi.default_rng(2**32),
    "seed 2^200 + 1": lambda: fi.default_rng(2**200 + 1),
    "seed [1, 0, 2^64]": lambda: fi.default_rng([1, 0, 2**64]),
    "seed sequence": lambda: fi.default_rng(SeedSequence(5, spawn_key=(1, 2**40), pool_size=8)),
    "child ''": lambda: fi.default_rng(0).child(""),
    "child layers.0.attn.wq": lambda: fi.default_rng(0).child("layers.0.attn.wq"),
    "child in Greek": lambda: fi.default_rng(0).child("\u03b2\u03ac\u03c1\u03bf\u03c2"),
    "grandchild": lambda: fi.default_rng(0).child("encoder").child("weight"),
    "spawned": lambda: fi.default_rng(0).spawn(3)[2],
    "call 1": lambda: _called(1),
    "call 2^32 - 1": lambda: _called(2**32 - 1),
    "call 2^32": lambda: _called(2**32),
    "call 2^40 + 5": lambda: _called(2**40 + 5),
}


def _fill(label, dtype, rng=root, **place):
    """What a law of the table gives."""
    if label == "bits":
        return rng().bits(**place)
    method, law = LAWS[label]
    units = {"units": "absolute"} if label in ABSOLUTE else {}
    return getattr(rng(), method)(*law(numbers(dtype)), dtype=dtype, **units, **place)


def samplers():
    """Every law and place in every dtype."""
    for real in dtypes.REALS.values():
        for label in LAWS:
            yield Case(label, real.name, True, partial(_fill, label, real.dtype, size=SIZE))
    kernels = [(label, real.name, real.dtype) for label in KERNELS for real in dtypes.REALS.values()]
    for label, name, dtype in [("bits", "uint32", np.dtype(np.uint32)), *kernels]:
        for size in (*SIZES, LARGE):
            yield Case(f"{label}: size {size}", name, size < 2**15, partial(_fill, label, dtype, size=size))
        for what, (size, index) in BLOCKS.items():
            yield Case(f"{label}: {what}", name, True, partial(_fill, label, dtype, size=size, index=index))
        for order in ("transposed", "strided"):
            yield Case(f"{label}: {order}", name, True, partial(layout, partial(_fill, label, dtype), dtype, order))


def streams():
    """Bits and normals of every Generator."""
    for what, rng in STREAMS.items():
        yield Case(f"bits: {what}", "uint32", True, partial(_fill, "bits", None, rng, size=333))
        yield Case(f"normal 0 1: {what}", "float32", True, partial(_fill, "normal 0 1", np.float32, rng, size=333))


SCALED = [
    (mode, law) for mode in ("fan_in", "fan_out", "fan_avg", "fan_geo_avg") for law in ("uniform", "normal", "truncated_normal")
]
CORRECTED = {"units": "absolute", "corrected": True, "loc": 0.1, "scale": 0.4, "a": -0.5, "b": 1.0}


def inits():
    """Every initialiser whose values are bitwise: not those that need a matrix product."""
    for name, (shape, own) in CALLS.items():
        if "orthogonal" not in name:
            for real in dtypes.REALS.values():
                make = partial(getattr(initializers, name), shape, **own, dtype=real.dtype)
                yield Case(f"{name} {shape}", real.name, True, lambda make=make: make(rng=root()))
    for mode, law in SCALED:
        make = partial(initializers.variance_scaling, (35, 13, 3), scale=1.7, mode=mode, distribution=law, dtype=np.float32)
        yield Case(f"variance_scaling {mode} {law}", "float32", True, lambda make=make: make(rng=root()))
    yield Case(
        "truncated_normal corrected",
        "float64",
        True,
        lambda: initializers.truncated_normal(999, rng=root(), dtype="float64", **CORRECTED),
    )
    yield Case(
        "sparse block",
        "float32",
        True,
        lambda: initializers.sparse((999, 77), sparsity=0.37, rng=root(), index=np.s_[5::7, ::-3]),
    )


BOUNDS = [(-2, 2), (-1, 3), (0, INF), (-INF, 0.3), (8, INF), (-30, -29), (1, 1 + 2.0**-30), (-0.1, 12), (300, 1e9)]


def constants():
    """The numbers that initialisers are scaled by."""
    gains = [initializers.gain(name, a) for name in ("linear", "tanh", "relu", "selu", "leaky_relu") for a in (0.01, 0.3)]
    yield Case("gains", "float64", True, lambda: np.array(gains))
    for a, b in BOUNDS:
        yield Case(f"truncated_std {a} {b}", "float64", True, lambda a=a, b=b: np.float64(initializers.truncated_std(a, b)))


def cases():
    """All of them."""
    for group in (samplers, streams, inits, constants, hash_cases_laws.laws, hash_cases_laws.sums):
        yield from group()
