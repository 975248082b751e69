"""Values that are added to what the output holds, beside a fill and a read of the same memory by as many threads."""

import functools
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np

import fastinit as fi
from benchmarks.measure import FEW_ROUNDS, LAWS, VALUES, Missing, fill_call, ratio, timed_rounds, touched
from fastinit.kernels import cpus


def _sum(cells):
    total = cells.dtype.type(0)
    for i in range(cells.size):
        total += cells[i]
    return total


@functools.cache
def _compiled_sum():
    from numba import njit  # a quarter of a second, which an import need not pay

    return njit(nogil=True)(_sum)


@functools.cache
def _pool(threads):
    return ThreadPoolExecutor(threads)


def read(out):
    """All threads add up the words of an array, by vectors, so memory is what takes the time."""
    words, threads = out.view(f"u{out.itemsize if out.nbytes % 8 else 8}"), cpus.allowed()
    return list(_pool(threads).map(_compiled_sum(), np.array_split(words, threads)))


def add_call(law, values, dtype):
    """A call that adds values to an array. However often it is called, the sums stay finite."""
    out, draw = touched(values, dtype), getattr(fi.default_rng(0), law)
    out[...] = 1
    return lambda: draw(out=out, dtype=out.dtype, add=1e-3)


class Add:
    version = "1"
    timeout = 600
    number = 1
    warmup_time = 0
    params = (LAWS, ("float32", "bfloat16", "float64", "float16"))
    param_names = ("law", "dtype")
    unit = "times a fill and a read"

    def setup(self, law, dtype):
        self.call = add_call(law, VALUES, dtype)
        self.call()

    def time_add(self, law, dtype):
        self.call()

    def track_ratio_to_fill_and_read(self, law, dtype):
        out, fill = touched(VALUES, dtype), fill_call(law, VALUES, dtype)
        times = timed_rounds({"fill": fill, "read": lambda: read(out), "add": self.call})
        times["both"] = [sum(pair) for pair in zip(times["fill"], times["read"], strict=True)]
        return ratio(times, "add", "both")


def torch_add(tensor):
    """What programs write by hand: noise as large as the weight, then a sum."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return lambda: tensor.add_(torch.randn(tensor.shape, dtype=tensor.dtype, generator=generator), alpha=1e-3)


class BesideTorch:
    """`fastinit.torch.perturb` of one weight beside torch's noise and sum, on as many threads."""

    version = "1"
    timeout = 600
    params = ("float32", "bfloat16")
    param_names = ("dtype",)
    unit = "times torch"

    def setup(self, dtype):
        if find_spec("torch") is None:
            raise Missing("torch is not installed")
        import torch

        import fastinit.torch as ft

        torch.set_num_threads(cpus.usual())
        weight = torch.ones(VALUES, dtype=getattr(torch, dtype))
        self.torch = torch_add(weight)
        self.call = lambda: ft.perturb({"w": weight}, 0, 1e-3)

    def track_ratio_to_torch(self, dtype):
        times = timed_rounds({"torch": self.torch, "fastinit": self.call}, FEW_ROUNDS, pause=0.3)
        return ratio(times, "fastinit", "torch")
