"""The samplers of TensorFlow on a CPU: `tf.random`, stateless and with a state, and those of `tf.random.Generator`."""

import os
from importlib import import_module

import numpy as np

from docs.scripts.pages.libraries.case import FLOATS, cases

#: Names of `tf.random` and `tf.random.Generator` that have no case, and why.
EXCEPTIONS = {
    "Algorithm": "no sampler",
    "Generator": "its methods have cases",
    "algorithm": "no sampler",
    "all_candidate_sampler": "distinct classes for a loss, no law of a value",
    "create_rng_state": "a state",
    "experimental": "other names of the same",
    "fixed_unigram_candidate_sampler": "distinct classes for a loss, no law of a value",
    "fold_in": "a seed",
    "from_key_counter": "a state",
    "from_non_deterministic_state": "a state",
    "from_seed": "a state",
    "from_state": "a state",
    "get_global_generator": "a state",
    "key": "a state",
    "learned_unigram_candidate_sampler": "distinct classes for a loss, no law of a value",
    "log_uniform_candidate_sampler": "distinct classes for a loss, no law of a value",
    "make_seeds": "a seed",
    "reset": "a state",
    "reset_from_key_counter": "a state",
    "reset_from_seed": "a state",
    "set_global_generator": "a state",
    "set_seed": "a seed",
    "shuffle": "an order, no law of a value",
    "skip": "a state",
    "split": "a state",
    "state": "a state",
    "uniform_candidate_sampler": "distinct classes for a loss, no law of a value",
}


def _tf():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no greeting on stderr
    return import_module("tensorflow")


def _stateless(call, dtype, seed):
    """A function of a seed, which is another one for each array."""
    tf, calls = _tf(), 0
    function = getattr(tf.random, call.name)
    typed = {"output_dtype" if call.name == "stateless_binomial" else "dtype": dtype}
    if call.name == "stateless_parameterized_truncated_normal":
        kind, typed = np.dtype(dtype).type, {}
        call = call._replace(named={name: kind(x) for name, x in {"means": 0, "stddevs": 1, **call.named}.items()})

    def draw(count):
        nonlocal calls
        calls += 1
        with tf.device("/CPU:0"):
            return function(shape=[count], seed=[seed, calls], **call.named, **typed).numpy()

    return draw


def _stateful(call, dtype, seed):
    """A function with a state of its own; the seed is that of all such functions."""
    tf = _tf()
    function = getattr(tf.random, call.name)
    tf.random.set_seed(seed)

    def draw(count):
        with tf.device("/CPU:0"):
            return function(shape=[count], **call.named, dtype=dtype).numpy()

    return draw


def _generator(call, dtype, seed):
    """A method of a generator."""
    tf = _tf()
    with tf.device("/CPU:0"):
        method = getattr(tf.random.Generator.from_seed(seed), call.name)

    def draw(count):
        with tf.device("/CPU:0"):
            return method(shape=[count], **call.named, dtype=dtype).numpy()

    return draw


def _categorical(call, dtype, seed):
    """Places by the logarithms of their weights."""
    tf, calls = _tf(), 0
    function, stateless = getattr(tf.random, call.name), call.name.startswith("stateless")
    tf.random.set_seed(seed)

    def draw(count):
        nonlocal calls
        calls += 1
        with tf.device("/CPU:0"):
            return function([call.positional[0]], count, dtype=dtype, **({"seed": [seed, calls]} if stateless else {})).numpy()[
                0
            ]

    return draw


_UNIFORM = {
    "uniform()": "uniform(0, 1)",
    "uniform(minval=-1.5, maxval=2.5)": "uniform(-1.5, 4)",
    "normal()": "norm()",
    "normal(mean=1, stddev=2)": "norm(1, 2)",
    "truncated_normal()": "truncnorm(-2, 2)",
}
_GAMMA = {
    "gamma(alpha=0.05)": "gamma(0.05)",
    "gamma(alpha=0.5)": "gamma(0.5)",
    "gamma(alpha=1.0)": "expon()",
    "gamma(alpha=3.5)": "gamma(3.5)",
    "gamma(alpha=1e4)": "gamma(1e4)",
}
_TRUNCATED = {
    "stateless_parameterized_truncated_normal(minvals=-2.0, maxvals=2.0)": "truncnorm(-2, 2)",
    "stateless_parameterized_truncated_normal(minvals=-0.5, maxvals=0.25)": "truncnorm(-0.5, 0.25)",
    "stateless_parameterized_truncated_normal(minvals=1.0, maxvals=2.0)": "truncnorm(1, 2)",
    "stateless_parameterized_truncated_normal(minvals=3.0, maxvals=inf)": "truncnorm(3, inf)",
    "stateless_parameterized_truncated_normal(minvals=-inf, maxvals=0.0)": "truncnorm(-inf, 0)",
}
_POISSON = {
    "poisson(lam=0.01)": "poisson(0.01)",
    "poisson(lam=9.9)": "poisson(9.9)",
    "poisson(lam=10.0)": "poisson(10)",
    "poisson(lam=30.5)": "poisson(30.5)",
    "poisson(lam=1e6)": "poisson(1e6)",
}
_BINOMIAL = {
    "binomial(counts=20.0, probs=0.3)": "binom(20, 0.3)",
    "binomial(counts=20.0, probs=0.9)": "binom(20, 0.9)",
    "binomial(counts=40.0, probs=0.3)": "binom(40, 0.3)",
    "binomial(counts=1000.0, probs=0.5)": "binom(1000, 0.5)",
    "binomial(counts=1000000.0, probs=0.03)": "binom(1000000, 0.03)",
    "binomial(counts=1e9, probs=0.6)": "binom(1000000000, 0.6)",
}
_INTEGERS = {
    "uniform(minval=0, maxval=100)": "randint(0, 100)",
    "uniform(minval=0, maxval=2000000000)": "randint(0, 2000000000)",
}
_CATEGORICAL = {
    f"{name}((0.0, 0.6931472, 1.0986123, 1.3862944))": "chances(0.1, 0.2, 0.3, 0.4)"
    for name in ("categorical", "stateless_categorical")
}


def _stateless_of(laws):
    return {f"stateless_{call}": law for call, law in laws.items()}


_ROOT, _OWN = ("tensorflow", "random.{}"), ("tensorflow", "Generator.{}")
CASES = [
    *cases(*_ROOT, _stateless, FLOATS, _stateless_of(_UNIFORM)),
    *cases(*_ROOT, _stateless, FLOATS, _stateless_of(_GAMMA) | _TRUNCATED),
    *cases(*_ROOT, _stateless, ("float32", "int32"), _stateless_of(_POISSON)),
    *cases(*_ROOT, _stateless, ("float64", "int32"), _stateless_of(_BINOMIAL)),
    *cases(*_ROOT, _stateless, ("int32",), _stateless_of(_INTEGERS)),
    *cases(*_ROOT, _categorical, ("int64",), _CATEGORICAL),
    *cases(*_ROOT, _stateful, ("float32",), {call: law for call, law in _UNIFORM.items() if "()" in call}),
    *cases(*_ROOT, _stateful, ("float32",), _GAMMA | _POISSON),
    *cases(*_OWN, _generator, ("float32",), {call: law for call, law in _UNIFORM.items() if "()" in call}),
    *cases(*_OWN, _generator, ("int32",), {"binomial(counts=1000.0, probs=0.5)": "binom(1000, 0.5)"}),
    *cases(*_OWN, _generator, ("uint32",), {"uniform_full_int()": "randint(0, 4294967296)"}),
]
