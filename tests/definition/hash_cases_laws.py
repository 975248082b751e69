"""The cases of the table of hashes for `fastinit.laws` and for sums."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from fastinit import laws as fl
from fastinit.arguments import dtypes
from tests.definition.hash_places import BLOCKS, LARGE, SIZE, SIZES, Case, layout, numbers, root

INF = math.inf


def _edges(name):
    """The numbers at the edges of the dtype, or, for an integer, its least and its greatest number."""
    if name in dtypes.REAL_NAMES:
        return numbers(dtypes.resolve(name).dtype)
    info = np.iinfo(np.uint8 if name == "bool" else name)
    return info.min, info.max


def _three_quarters(edges):
    """So many integers that a quarter of the words is rejected where words and integers have the same width."""
    least, greatest = edges
    return fl.integers(least, least + (greatest - least + 1) // 4 * 3)


#: What makes a law of the edges of the dtype.
LAWS = {
    "exponential 1": lambda n: fl.exponential(),
    "exponential 0.02": lambda n: fl.exponential(0.02),
    "exponential of subnormals": lambda n: fl.exponential(n.tiny / 8),
    "exponential past the largest": lambda n: fl.exponential(n.most / 4),
    "exponential constant": lambda n: fl.exponential(0),
    "laplace 0 1": lambda n: fl.laplace(),
    "laplace 3 0.02": lambda n: fl.laplace(3, 0.02),
    "laplace past the largest": lambda n: fl.laplace(0, n.most / 4),
    "laplace constant": lambda n: fl.laplace(0.1, 0),
    "logistic 0 1": lambda n: fl.logistic(),
    "logistic -0.3 7": lambda n: fl.logistic(-0.3, 7),
    "logistic of subnormals": lambda n: fl.logistic(0, n.tiny / 8),
    "gumbel 0 1": lambda n: fl.gumbel(),
    "gumbel 3 0.02": lambda n: fl.gumbel(3, 0.02),
    "cauchy 0 1": lambda n: fl.cauchy(),
    "cauchy -0.3 7": lambda n: fl.cauchy(-0.3, 7),
    "lognormal 0 1": lambda n: fl.lognormal(),
    "lognormal -3 0.02": lambda n: fl.lognormal(-3, 0.02),
    "lognormal past both ends": lambda n: fl.lognormal(0, 400),
    "lognormal constant": lambda n: fl.lognormal(0.3, 0),
    "rademacher": lambda n: fl.rademacher(),
    "bernoulli 0.5": lambda n: fl.bernoulli(),
    "bernoulli 0.3": lambda n: fl.bernoulli(0.3),
    "bernoulli 0.99": lambda n: fl.bernoulli(0.99),
    "bernoulli 1": lambda n: fl.bernoulli(1),
    "integers 0 7": lambda n: fl.integers(7),
    "integers 3 101": lambda n: fl.integers(3, 101),
    "integers of three quarters": _three_quarters,
    "integers of all": lambda n: fl.integers(n[0], n[1], endpoint=True),
}

#: Laws that loop in different ways, for what follows; and dtypes: both words, a narrow one, and integers.
PLACED = ("float32", "float64", "bfloat16", "int8", "uint64", "bool")
KERNELS = (
    "exponential 0.02", "cauchy -0.3 7", "lognormal -3 0.02", "rademacher", "bernoulli 0.3", "integers of three quarters",
)  # fmt: skip

#: What is added to values between -3 and 3, for each kernel: the call, the factor.
SUMS = {
    "uniform": (lambda rng, **o: rng.uniform(-0.3, 0.7, **o), True),
    "uniform of subnormals": (lambda rng, **o: rng.uniform(0, 1e-37 if o["dtype"] != "float64" else 1e-307, **o), 1e30),
    "normal": (lambda rng, **o: rng.normal(0, 0.01, **o), True),
    "normal taken away": (lambda rng, **o: rng.normal(0, 0.01, **o), -1.0),
    "normal times 0.1": (lambda rng, **o: rng.normal(-0.3, 7, **o), 0.1),
    "constant": (lambda rng, **o: rng.normal(0.1, 0, **o), 3),
    "unbounded": (lambda rng, **o: rng.truncated_normal(-INF, INF, **o), -0.5),
    "central": (lambda rng, **o: rng.truncated_normal(-1, 1, **o), -0.7),
    "central not symmetric": (lambda rng, **o: rng.truncated_normal(-0.5, 2, **o), 0.6),
    "half from 0.5": (lambda rng, **o: rng.truncated_normal(0.5, INF, **o), 1.25),
    "flat": (lambda rng, **o: rng.truncated_normal(0.125, 0.125 + 2.0**-45, -(2.0**41), 2.0**44, **o), True),
    "past the largest": (lambda rng, **o: rng.uniform(0, 1e38, **o), 1e38),
} | {
    name: (lambda rng, law=law, **o: rng.draw(law, **o), factor)
    for name, law, factor in (
        ("exponential", fl.exponential(), -0.1), ("laplace", fl.laplace(0, 0.3), True), ("logistic", fl.logistic(), 0.3),
        ("gumbel", fl.gumbel(), 0.2), ("cauchy", fl.cauchy(), 0.01), ("lognormal", fl.lognormal(), -0.3),
        ("rademacher", fl.rademacher(), 0.001), ("bernoulli", fl.bernoulli(0.3), -1),
    )
}  # fmt: skip
HEAVY = ("cauchy", "lognormal")
SUM_KERNELS = ("normal times 0.1", "half from 0.5", "bernoulli", "constant")


def _draw(label, dtype, **place):
    return root().draw(LAWS[label](_edges(dtype)), dtype=dtype, **place)


def dtypes_of(label):
    """The names of the dtypes that a law has."""
    return LAWS[label](_edges("int64" if "integers" in label else "float32")).dtype_names


def _placed(label, name, fill):
    """A law or a sum in one dtype: sizes, blocks and layouts."""
    for size in (*SIZES, LARGE):
        yield Case(f"{label}: size {size}", name, size < 2**15, partial(fill, size=size))
    for what, (size, index) in BLOCKS.items():
        yield Case(f"{label}: {what}", name, True, partial(fill, size=size, index=index))
    for order in ("transposed", "strided"):
        yield Case(f"{label}: {order}", name, True, partial(layout, fill, dtypes.resolve(name, (name,)).dtype, order))


def laws():
    """Every law in every dtype that it has, and some in every place."""
    for label in LAWS:
        for name in dtypes_of(label):
            yield Case(label, name, True, partial(_draw, label, name, size=SIZE))
    for label in KERNELS:
        for name in filter(dtypes_of(label).count, PLACED):
            yield from _placed(label, name, partial(_draw, label, name))


def _sum(label, dtype, out=None, **place):
    """Values added to what an array holds; of a plain array, or of the one given."""
    call, factor = SUMS[label]
    old = root().child("old").uniform(-3, 3, dtype=dtype, **(place if out is None else {"size": out.shape}))
    if out is None:
        out = np.array(old)
    out[...] = old
    call(root(), dtype=dtype, out=out, add=factor, **place)
    return out


def sums():
    """Every kernel that adds, in every dtype of reals."""
    for label in SUMS:
        for name in dtypes.REAL_NAMES[: 4 if label in HEAVY else None]:
            yield Case(f"sum of {label}", name, True, partial(_sum, label, name, size=SIZE))
    for label in SUM_KERNELS:
        for name in PLACED[:3]:
            yield from _placed(f"sum of {label}", name, partial(_sum, label, name))
