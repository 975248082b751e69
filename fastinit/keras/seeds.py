"""What a Keras seed means here, and the name that a variable adds to it."""

from __future__ import annotations

import operator
import random
import sys
from types import FrameType
from typing import Any

import keras

from fastinit.generator import Generator, default_rng


def checked(seed: Any) -> Any:
    """An int or a SeedGenerator; None becomes an int that Python's `random` draws, so `keras.utils.set_random_seed` governs."""
    if isinstance(seed, dict):
        seed = keras.saving.deserialize_keras_object(seed)
    if seed is None:
        return random.randint(1, 10**9)
    if isinstance(seed, keras.random.SeedGenerator):
        return seed
    wrong = TypeError(f"seed must be None, an int or a keras.random.SeedGenerator; got {seed!r}")
    if isinstance(seed, bool):
        raise wrong
    try:
        number = operator.index(seed)
    except TypeError:
        raise wrong from None
    if number < 0:
        raise ValueError(f"seed must not be negative; got {seed!r}")
    return number


class Source:
    """The stream of one call of an initialiser: a seed, and the path of the variable that asks, if one does."""

    def __init__(self, seed: Any) -> None:
        if isinstance(seed, keras.random.SeedGenerator):
            seed = [int(word) & 0xFFFFFFFF for word in seed.next()]  # some back-ends keep the 32 bits in a signed type
        self.seed = seed
        self.path = _asking(sys._getframe(1))

    def generator(self) -> Generator:
        """The stream from its start: the same for every block of a tensor."""
        rng = default_rng(self.seed)
        return rng.child(self.path) if self.path else rng


def _asking(frame: FrameType | None) -> str:
    """The path of the variable that is being filled, or "" where somebody else calls.

    Keras does not tell an initialiser whom it fills, and its name scope is closed when variables are filled late; but the
    variable itself makes the call, one or a few frames up.
    """
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, keras.Variable):
            return str(caller.path)
        frame = frame.f_back
    return ""
