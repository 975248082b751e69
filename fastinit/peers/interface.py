"""What is asked of the other libraries, and what they answer: laws, requests, samplers, methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastinit.peers.libraries import TITLES

Array = npt.NDArray[Any]

DOUBLE = ("float64",)
FLOATS = ("float32", "float64")
SIXTEEN = ("float16", "bfloat16")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")

#: The laws that the default tables of `fastinit bench` have, and the others.
LAWS = ("uniform", "normal", "truncated_normal")
MORE = (
    "exponential", "laplace", "logistic", "gumbel", "cauchy", "lognormal", "rademacher", "bernoulli", "integers",
)  # fmt: skip
#: The arguments of laws that need some.
ARGUMENTS: dict[str, tuple[float, ...]] = {"truncated_normal": (-2.0, 2.0), "bernoulli": (0.3,), "integers": (0, 100)}


class Request(NamedTuple):
    """What a sampler shall draw: a standard law in a dtype, of other arguments than `ARGUMENTS` if there are some.

    `threads` is the number for libraries that are told by a call; None leaves theirs.
    """

    law: str
    dtype: str
    seed: int = 0
    given: tuple[float, ...] = ()
    threads: int | None = None

    @property
    def arguments(self) -> tuple[float, ...]:
        """Bounds of the truncated normal and of integers, the chance of a trial; no others have any."""
        return self.given or ARGUMENTS.get(self.law, ())


def _same(out: Array) -> Any:
    return out


class Sampler(NamedTuple):
    """A library's sampler, ready to draw.

    `draw(count)` returns the next values as an array of the library, and `array` makes a NumPy array of that. `fill(out)`
    writes the next values into an array of the library (None if it cannot), and `view` makes one over a NumPy array's memory.
    """

    draw: Callable[[int], Any]
    array: Callable[[Any], Array] = np.asarray
    fill: Callable[[Any], object] | None = None
    view: Callable[[Array], Any] = _same


class Method(NamedTuple):
    """A library's function for a law. `fills`: takes an array to write into; `serial`: uses one thread, whatever is set.

    `most` is the largest count of one call, where more would take too much memory.
    """

    library: str
    law: str
    function: str
    dtypes: tuple[str, ...]
    make: Callable[[str, Request], Sampler]
    fills: bool = False
    serial: bool = False
    most: int = 2**62

    @property
    def label(self) -> str:
        """Library and function, for tables."""
        return f"{TITLES[self.library]} {self.function}"
