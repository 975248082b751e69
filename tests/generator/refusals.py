"""A refused call raises an error that names the argument, the allowed values and the value it got; and it changes nothing."""

import math

import numpy as np
import pytest

import fastinit as fi

INF, NAN = math.inf, math.nan
METHODS = ("uniform", "normal", "truncated_normal", "bits")
SHAPE = (4, 6)


def fresh_out(method="uniform", shape=SHAPE):
    return np.full(shape, 77, np.uint32 if method == "bits" else np.float32)


def refused(kind, words, method, *arguments, out=None, **keywords):
    """That a call raises exactly this kind, with all the words in its message, and leaves `out` and the call number alone."""
    rng = fi.default_rng(3)
    rng.bits(5)
    before = rng.state
    memory = None if not isinstance(out, np.ndarray) else out.tobytes()
    with pytest.raises(kind) as caught:
        getattr(rng, method)(*arguments, out=out, **keywords)
    message = str(caught.value)
    assert type(caught.value) is kind, message
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    assert rng.state == before
    if memory is not None:
        assert out.tobytes() == memory
    fresh = fi.default_rng(3)
    fresh.bits(5)
    assert rng.uniform() == fresh.uniform()
