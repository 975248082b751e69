"""Arrays as the package draws them, and as `tests/definition/reference.py` defines them."""

import math

import numpy as np
import randomgen

import fastinit as fi
from fastinit.arguments import dtypes
from tests.definition import reference

INF = math.inf
HUGE = 2**63 - 1
LAST32, LAST64 = 2**32 - 1, 2**64 - 1
REALS = ["float32", "float64"]
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def around(middle, count=80):
    return range(max(0, middle - count // 2), middle + count // 2)


# Element 2^32 q has counter index 2^32 for q = 1, 2, 2, 4: one plane and two planes, binary64 and binary32.
FAR = [around(2**32), around(2**33), around(2**34), around(2**40 + 17), around(2**62)]


def generator(seed, path, call):
    rng = fi.default_rng(seed)
    for child in path:
        rng = rng.child(child) if isinstance(child, str) else rng.spawn(child + 1)[child]
    rng.state = {**rng.state, "calls": call}
    return rng


def sample(rng, name, arguments, dtype, size, index):
    """What the package makes; `arguments` and `dtype` as for the functions of `reference`."""
    options = {} if name == "bits" else {"dtype": dtype}
    if name == "truncated_normal":
        *arguments, options["units"] = arguments
    return getattr(rng, name)(*arguments, size=size, index=index, **options)


def define(name, arguments, dtype, indices, seed, path, call):
    """What the text says."""
    last = () if name == "bits" else (dtype,)
    values = [getattr(reference, name)(seed, path, call, i, *arguments, *last) for i in indices]
    return np.array(values, np.uint32) if name == "bits" else as_stored(values, dtype)


def as_stored(values, dtype):
    with np.errstate(over="ignore"):
        return np.array(values, np.float64).astype(dtypes.resolve(dtype).dtype)


def require_same_bits(got, expected, indices=None):
    kind = UNSIGNED[got.dtype.itemsize]
    wrong = np.flatnonzero(got.view(kind) != expected.view(kind))
    if wrong.size:
        at = wrong[0]
        place = at if indices is None else indices[at]
        raise AssertionError(f"{wrong.size} of {got.size} differ, first {place}: {got[at]!r}, defined {expected[at]!r}")


def require_definition(name, arguments, dtype, indices, seed=11, path=(), call=0):
    got = sample(generator(seed, path, call), name, arguments, dtype, HUGE, slice(indices.start, indices.stop, indices.step))
    require_same_bits(got, define(name, arguments, dtype, indices, seed, path, call), indices)


def other_philox(counter, key, count):
    """Words of `count` counters from this one on, by randomgen, which counts up before each draw."""
    before = (sum(word << 32 * n for n, word in enumerate(counter)) - 1) % 2**128
    philox = randomgen.Philox(number=4, width=32, key=key[0] | key[1] << 32, counter=before)
    return philox.random_raw(4 * count).astype(np.uint32).reshape(count, 4)
