"""The samplers that are compared, one row each: whose it is, what it makes, and how it is made ready.

A library is imported when a row of its is made ready. Where it fills arrays of others it gets the buffer that fastinit gets;
where it makes its own, each call does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from fastinit.bench.measure import DTYPES, LAWS, Call, Missing, fill_call, into, store_call, touched
from fastinit.kernels import cpus


class Job(NamedTuple):
    """So many values of a dtype, into a "touched" or a "fresh" buffer, on so many threads."""

    values: int
    dtype: str
    buffer: str
    threads: int


class Sampler(NamedTuple):
    """`make(job)` gives the call; `law` and `dtypes` say which of fastinit's fills make the same values."""

    library: str
    law: str
    name: str
    dtypes: tuple[str, ...]
    make: Callable[[Job], Call]
    allocates: bool = False  # makes its own array, in every call
    serial: bool = False  # uses one thread, however many there are
    most: int = 2**63  # values of a call, where more would take too much memory


#: Titles by the name of the module. The first two are what the others are compared with.
LIBRARIES = {
    "store": "parallel store",
    "fastinit": "fastinit",
    "numpy": "NumPy",
    "torch": "torch",
    "jax": "JAX",
    "tensorflow": "TensorFlow",
    "mkl_random": "mkl_random",
    "scipy": "SciPy",
    "randomgen": "randomgen",
}
OWN = ("store", "fastinit")
PEERS = tuple(name for name in LIBRARIES if name not in OWN)


def installed(module: str) -> bool:
    """Whether a module can be found, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # it stands in sys.modules as None, or without a specification
        return False


def _own(law: str) -> Callable[[Job], Call]:
    return lambda job: fill_call(law, job.values, job.dtype, job.buffer)


def _store(job: Job) -> Call:
    return store_call(job.values, job.dtype, job.buffer)


def _numpy(method: str, bits: Callable[[], Any] = lambda: 0) -> Callable[[Job], Call]:
    def make(job: Job) -> Call:
        draw = getattr(np.random.default_rng(bits()), method)
        return into(job.buffer, lambda out: draw(out=out, dtype=out.dtype), job.values, job.dtype)

    return make


def _philox() -> Any:
    return import_module("randomgen").Philox(0, number=4, width=32)


def _torch(fill: str) -> Callable[[Job], Call]:
    def make(job: Job) -> Call:
        torch = import_module("torch")
        torch.set_num_threads(job.threads)
        draw, kind = getattr(torch.nn.init, fill), getattr(torch, job.dtype)
        if job.buffer == "fresh":
            return lambda: draw(torch.empty(job.values, dtype=kind))
        # NumPy has no bfloat16 that torch takes, so bytes are shared and read as its own
        tensor = torch.from_numpy(touched(job.values, job.dtype).view(np.uint8)).view(kind)
        return lambda: draw(tensor)

    return make


def _jax(method: str, *bounds: float) -> Callable[[Job], Call]:
    def make(job: Job) -> Call:
        jax = import_module("jax")
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", job.dtype == "float64")
        key, function = jax.random.key(0), getattr(jax.random, method)
        draw = jax.jit(lambda key: function(key, *bounds, (job.values,), dtype=job.dtype))
        return lambda: draw(key).block_until_ready()

    return make


def _tensorflow(method: str) -> Callable[[Job], Call]:
    def make(job: Job) -> Call:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets on stderr otherwise
        tf = import_module("tensorflow")
        tf.config.threading.set_intra_op_parallelism_threads(job.threads)
        function = getattr(tf.random, method)

        def draw() -> object:
            with tf.device("/CPU:0"):
                return function([job.values], seed=[0, 0], dtype=job.dtype)

        return draw

    return make


def _mkl(name: str, **options: str) -> Callable[[Job], Call]:
    def make(job: Job) -> Call:
        # Intel's OpenMP threads would spin for 200 ms after a call, on the cores that the next call is timed on.
        os.environ.setdefault("KMP_BLOCKTIME", "0")
        draw = getattr(import_module("mkl_random").MKLRandomState(0), name)
        return lambda: draw(job.values, **options)

    return make


def _scipy_truncated(job: Job) -> Call:
    truncnorm, rng = import_module("scipy.stats").truncnorm, np.random.default_rng(0)
    return lambda: truncnorm.rvs(-2, 2, size=job.values, random_state=rng)


F32_F64, F64 = ("float32", "float64"), ("float64",)

SAMPLERS = (
    *(Sampler("store", law, "parallel store of a constant", DTYPES, _store) for law in LAWS),
    *(Sampler("fastinit", law, f"fastinit {law}", DTYPES, _own(law)) for law in LAWS),
    Sampler("numpy", "uniform", "NumPy random(out=)", F32_F64, _numpy("random"), serial=True),
    Sampler("numpy", "normal", "NumPy standard_normal(out=)", F32_F64, _numpy("standard_normal"), serial=True),
    Sampler("torch", "uniform", "torch uniform_", DTYPES, _torch("uniform_"), serial=True),
    Sampler("torch", "normal", "torch normal_", DTYPES, _torch("normal_"), serial=True),
    Sampler("torch", "truncated_normal", "torch trunc_normal_", DTYPES, _torch("trunc_normal_")),
    *(
        Sampler("jax", law, f"JAX {law}", DTYPES, _jax(law, *((-2, 2) if law == "truncated_normal" else ())), allocates=True)
        for law in LAWS
    ),
    *(
        Sampler("tensorflow", law, f"TensorFlow stateless_{law}", DTYPES, _tensorflow(f"stateless_{law}"), allocates=True)
        for law in LAWS
    ),
    *(
        Sampler("mkl_random", law, f"mkl_random {label}", F64, make, allocates=True, serial=True)
        for law, label, make in (
            ("uniform", "random_sample", _mkl("random_sample")),
            ("normal", "standard_normal ICDF", _mkl("standard_normal", method="ICDF")),
        )
    ),
    # Its temporaries take some 25 times the memory of the values.
    Sampler("scipy", "truncated_normal", "SciPy truncnorm.rvs", F64, _scipy_truncated, allocates=True, serial=True, most=2**20),
    *(
        Sampler("randomgen", law, f"randomgen Philox4x32 {method}(out=)", F32_F64, _numpy(method, _philox), serial=True)
        for law, method in (("uniform", "random"), ("normal", "standard_normal"))
    ),
)


def find(library: str, law: str, dtype: str) -> Sampler:
    """A library's sampler of the law and dtype; Missing says why there is none."""
    for sampler in SAMPLERS:
        if (sampler.library, sampler.law) == (library, law):
            if dtype in sampler.dtypes:
                return sampler
            raise Missing(f"makes {' and '.join(sampler.dtypes)} only")
    raise Missing(f"has no {law}")


def ready(sampler: Sampler, job: Job) -> tuple[Call, int]:
    """The call, and how many values it makes."""
    if sampler.library not in OWN and not installed(sampler.library):
        raise Missing("is not installed")
    values = min(job.values, sampler.most)
    return sampler.make(job._replace(values=values)), values


def all_threads() -> int:
    """How many threads a fill takes here: those of the CPUs that this process may run on, unless the environment says less."""
    return cpus.usual()
