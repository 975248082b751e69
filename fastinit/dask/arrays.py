"""Lazy arrays whose chunks are drawn alone, each by its index."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from dask.base import normalize_token, tokenize
from dask.layers import ArraySliceDep

from fastinit.arguments import blocks, docstrings
from fastinit.arguments.seeds import STREAM_VERSION
from fastinit.dask import threads
from fastinit.dask.chunks import Chunks, lengths
from fastinit.generator import BITS, Call, Generator, one_call
from fastinit.initializers import adapting
from fastinit.initializers.keywords import block_cost, generator
from fastinit.laws import Distribution, OwnLaw
from fastinit.stream import CallKey

#: The functions whose blocks do not cost as much as the whole array.
FUNCTIONS = {name: function for name, function in adapting.FUNCTIONS.items() if block_cost(name) != "whole"}


@dataclass(frozen=True)
class Recipe:
    """What every chunk of an array needs, besides its index: the graph holds it, some hundred bytes."""

    function: str
    shape: tuple[int, ...]
    arguments: dict[str, Any]
    call: CallKey | None
    version: int = STREAM_VERSION

    def _call_key(self) -> CallKey:
        assert self.call is not None, "a function without randomness asked for its call"
        return self.call

    def __call__(self, index: tuple[slice, ...]) -> Any:
        """Draw a chunk."""
        if self.version != STREAM_VERSION:
            raise RuntimeError(f"this worker has stream version {STREAM_VERSION}; the array was made with {self.version}")
        with threads.share():
            draw = FUNCTIONS[self.function]
            return draw(self.shape, **self.arguments, rng=Call(self._call_key), index=(*index, ...))  # ... keeps it an array


def _token(rng: Generator) -> Any:
    """A Generator for `dask.base.tokenize`."""
    return "fastinit.Generator", tuple(rng.state.items())


def _token_of_law(law: Any) -> Any:
    """An own law for `dask.base.tokenize`: by its function, since a law that is defined again has the old one's name."""
    return "fastinit.OwnLaw", law.__module__, law.__qualname__, normalize_token(law.__wrapped__)


normalize_token.register(Generator, _token)
normalize_token.register(OwnLaw, _token_of_law)
normalize_token.register(Distribution, lambda law: ("fastinit.Distribution", normalize_token(law.__reduce__()[1])))


def chunked(draw: Callable[[tuple[slice, ...]], Any], name: str, parts: Chunks, dtype: np.dtype[Any]) -> da.Array:
    """The lazy array of chunks of these lengths, each of which `draw` makes from its index."""
    axes = tuple(range(len(parts)))
    meta = np.empty((0,) * len(parts), dtype)
    return da.blockwise(draw, axes, ArraySliceDep(parts), axes, name=name, align_arrays=False, dtype=dtype, meta=meta)


def _build(function: Callable[..., Any], arguments: dict[str, Any]) -> da.Array:
    """The lazy array; it counts the call that the NumPy function would count."""
    chunks, rng = arguments.pop("chunks"), arguments.pop("rng")
    shape = blocks.shape_of(arguments.pop("shape"), "shape")
    dtype = BITS
    if "dtype" in arguments:
        real = adapting.real_of(arguments)
        dtype, arguments["dtype"] = real.dtype, real.name
    parts = lengths(chunks, shape, dtype)
    arguments = copy.deepcopy(arguments)  # the caller may change a list before a chunk is drawn
    call = one_call(generator(rng))
    adapting.check(functools.partial(function, shape, **arguments), shape, call)
    name = function.__name__
    # Pairs: some versions of Dask order a dict by its hashes, which differ between processes.
    token = tokenize(STREAM_VERSION, name, shape, tuple(arguments.items()), call.words, parts)
    return chunked(Recipe(name, shape, arguments, call.words), f"{name}-{token}", parts, dtype)


_CHUNKS = inspect.Parameter("chunks", inspect.Parameter.KEYWORD_ONLY, default="auto", annotation="Any")
_RNG = """\
rng : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
    The Generator to draw from, or a seed for `fastinit.default_rng`. A Generator advances by one call, at once.
"""
_DTYPE = """\
dtype : dtype, optional
    Any that fastinit fills, or that the law has; None is float32, or int64 for a law of integers.
"""
_ENTRY = """\
chunks : int, tuple, dict or str
    How to cut the array, as in `dask.array`; "auto" makes chunks of Dask's `array.chunk-size`. At most 2^24 along an axis.
"""
_RETURNS = """\
dask.array.Array
    Lazy, with the bytes of `{origin}` for the same arguments, whatever the chunks, the scheduler and the workers.
"""
_NOTES = """\
Equal arguments give equal keys. A worker's thread fills a chunk alone; the main thread uses all threads that fastinit may use.
"""
_EXAMPLE = """\
>>> import fastinit as fi, fastinit.dask as fd
>>> lazy = fd.{name}({arguments}, rng=0, chunks=2)
>>> bool((lazy.compute() == {call}).all())
True
"""


def _function(name: str) -> Callable[..., da.Array]:
    """The initialiser with `chunks` in place of `out` and `index`."""
    arguments, call = adapting.example(name)
    return adapting.adapted(
        name,
        functools.partial(_build, FUNCTIONS[name]),
        "fastinit.dask",
        _CHUNKS,
        Parameters=_RNG + ("" if name == "bits" else _DTYPE) + _ENTRY,
        Returns=_RETURNS.format(origin=adapting.numpy_name(name)),
        Raises=docstrings.RAISES.replace(", IndexError", ""),
        Notes=_NOTES,
        Examples=_EXAMPLE.format(name=name, arguments=arguments, call=call),
    )


#: The initialisers and `bits`, by their names.
BY_NAME = {name: _function(name) for name in FUNCTIONS}
