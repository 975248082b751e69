"""A distribution with torch's parameters, as a call on a Generator."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from fastinit.generator import Generator

#: torch's names for the engine's parameters.
_UNIFORM = {"low": "a", "high": "b"}
_NORMAL = {"loc": "mean", "scale": "std"}


class Law(NamedTuple):
    """A method of Generator, its arguments, and what torch calls the ones that an error may name."""

    method: str
    arguments: dict[str, Any]
    names: dict[str, str]

    def draw(self, rng: Generator, dtype: np.dtype[Any], **place: Any) -> Any:
        """Call the method with `size`, `out` or `index`; its errors speak torch's names."""
        try:
            return getattr(rng, self.method)(**self.arguments, dtype=dtype, **place)
        except (TypeError, ValueError) as error:
            text = re.sub(r"\b[a-z]+\b", lambda word: self.names.get(word[0], word[0]), str(error))
            raise type(error)(text) from None

    def check(self, dtype: np.dtype[Any]) -> None:
        """Raise what a fill would raise for the arguments."""
        self.draw(_CHECKER, dtype, size=0)


_CHECKER = Generator(np.random.SeedSequence(0))


def uniform(a: Any, b: Any) -> Law:
    return Law("uniform", {"low": a, "high": b}, _UNIFORM)


def normal(mean: Any, std: Any) -> Law:
    return Law("normal", {"loc": mean, "scale": std}, _NORMAL)


def truncated_normal(mean: Any, std: Any, a: Any, b: Any) -> Law:
    return Law("truncated_normal", {"a": a, "b": b, "loc": mean, "scale": std, "units": "absolute"}, _NORMAL)
