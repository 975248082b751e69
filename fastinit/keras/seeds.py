"""From a Keras seed, and the path of the variable to fill, to a Generator."""

from __future__ import annotations

import operator
import random
import sys
from types import FrameType
from typing import Any

import keras

from fastinit.generator import Generator, default_rng


def checked(seed: Any) -> Any:
    """An int or a SeedGenerator; None becomes an int from Python's `random`, which `keras.utils.set_random_seed` seeds."""
    if isinstance(seed, dict):
        seed = keras.saving.deserialize_keras_object(seed)
    if seed is None:
        return random.randint(1, 10**9)
    if isinstance(seed, keras.random.SeedGenerator):
        return seed
    error = TypeError(f"seed must be None, an int or a keras.random.SeedGenerator; got {seed!r}")
    if isinstance(seed, bool):
        raise error
    try:
        number = operator.index(seed)
    except TypeError:
        raise error from None
    if number < 0:
        raise ValueError(f"seed must not be negative; got {seed!r}")
    return number


class Source:
    """The stream of one call of an initialiser: its seed, and the path of the variable that called it, if one did."""

    def __init__(self, seed: Any) -> None:
        if isinstance(seed, keras.random.SeedGenerator):
            seed = [int(word) & 0xFFFFFFFF for word in seed.next()]  # some back-ends store the 32 bits in a signed type
        self.seed = seed
        self.path = _calling_variable(sys._getframe(1))

    def generator(self) -> Generator:
        """A Generator at call 0: the same for every block of a tensor."""
        rng = default_rng(self.seed)
        return rng.child(self.path) if self.path else rng


def _calling_variable(frame: FrameType | None) -> str:
    """The path of the variable that is being filled, or "" if the caller is not a variable.

    Keras does not tell an initialiser which variable it fills, and its name scope is closed when variables are filled late. But
    the variable makes the call itself, one or a few frames up.
    """
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, keras.Variable):
            return str(caller.path)
        frame = frame.f_back
    return ""
