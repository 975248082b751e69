"""Lazy arrays whose chunks are drawn alone, each by its index."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from dask.base import normalize_token, tokenize
from dask.layers import ArraySliceDep

from fastinit import initializers
from fastinit.arguments import blocks, dtypes
from fastinit.arguments.streams import STREAM_VERSION
from fastinit.calls import Call, Words, one_call
from fastinit.dask import threads
from fastinit.dask.chunks import lengths
from fastinit.generator import BITS, Generator
from fastinit.initializers.keywords import generator


def bits(shape: Any, *, rng: Any = None, out: Any = None, index: Any = None) -> Any:
    """Draw raw 32-bit words of Philox4x32-10, each equally likely."""
    return generator(rng).bits(shape, out=out, index=index)


#: Initialisers of which a block costs as much as the whole.
WHOLE = ("orthogonal", "delta_orthogonal")
SOURCES: dict[str, Callable[..., Any]] = {
    "bits": bits,
    **{name: function for name, function in initializers.BY_NAME.items() if name not in WHOLE},
}


@dataclass(frozen=True)
class Recipe:
    """All that a chunk is made of but its place: what the graph holds, some hundred bytes."""

    source: str
    shape: tuple[int, ...]
    arguments: dict[str, Any]
    words: Words | None
    version: int = STREAM_VERSION

    def _words(self) -> Words:
        assert self.words is not None, "an array that takes no call asked for one"
        return self.words

    def __call__(self, where: tuple[slice, ...]) -> Any:
        """Draw the chunk; an Ellipsis keeps one without axes an array."""
        if self.version != STREAM_VERSION:
            raise RuntimeError(f"this worker has stream version {STREAM_VERSION}; the array was made with {self.version}")
        with threads.share():
            return SOURCES[self.source](self.shape, **self.arguments, rng=Call(self._words), index=(*where, ...))


def _identity(rng: Generator) -> Any:
    """What Dask names things after that depend on a Generator."""
    return "fastinit.Generator", tuple(rng.state.items())


normalize_token.register(Generator, _identity)


def _bound(function: Callable[..., Any], shape: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, with defaults, so that equal calls get equal keys; without what each chunk gets anew."""
    call = inspect.signature(function).bind(shape, *arguments, **options)
    call.apply_defaults()
    own = (item for item in call.arguments.items() if item[0] not in ("shape", "rng", "out", "index"))
    given = copy.deepcopy(dict(own))  # a list of bounds is the caller's, who may change it before a chunk is drawn
    return given | {"dtype": dtypes.resolve(given["dtype"]).name} if "dtype" in given else given


def build(source: str, shape: Any, arguments: tuple[Any, ...], options: dict[str, Any], chunks: Any, rng: Any) -> da.Array:
    """The lazy array of an initialiser; takes the call of the Generator that the initialiser takes."""
    function = SOURCES[source]
    for name in options:
        if name in ("out", "index"):
            raise TypeError(f"{name!r} is not a keyword here: slice the lazy array, or store it with dask.array.store")
    shape = blocks.shape_of(shape, "shape")
    dtype = BITS if source == "bits" else dtypes.resolve(options.get("dtype", np.float32)).dtype
    parts = lengths(chunks, shape, dtype)
    call = one_call(generator(rng))
    nothing = (slice(0, 0),) * len(shape)
    function(shape, *arguments, rng=call, index=(*nothing, ...), **options)  # checks everything, and takes the call
    given = _bound(function, shape, arguments, options)
    # Pairs, for Dask orders a dict by hashes in some versions, which differ between processes.
    token = tokenize(STREAM_VERSION, source, shape, tuple(given.items()), call.words, parts)
    axes = tuple(range(len(shape)))
    return da.blockwise(
        Recipe(source, shape, given, call.words),
        axes,
        ArraySliceDep(parts),
        axes,
        name=f"{source}-{token}",
        align_arrays=False,
        dtype=dtype,
        meta=np.empty((0,) * len(shape), dtype),
    )


_DOCUMENTATION = """{first}

Parameters
----------
shape : int or sequence of int
    Shape of the whole array.
{own}chunks : int, tuple, dict or str
    How the array is cut, as in `dask.array`; "auto" gives chunks of Dask's `array.chunk-size`. At most 2^24 along an axis.
rng : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
    What to draw from; a Generator gives the call that the NumPy function takes, now, and its identity goes into the graph.

Returns
-------
dask.array.Array
    Lazy, of the dtype asked for; its chunks are what the NumPy function gives for `index=`.

Raises
------
TypeError, ValueError
    For an argument that is not as above; no call is taken then.

Notes
-----
The bytes are those of {numpy}, whatever the chunks, the scheduler and the workers. Equal arguments
give equal keys. In a worker's thread a chunk is filled by that thread alone; in the main thread by all that fastinit uses.

Examples
--------
>>> import fastinit as fi, fastinit.dask as fd
>>> lazy = fd.{name}({call}chunks=2, rng=0)
>>> whole = {whole}
>>> lazy.shape, bool((lazy.compute() == whole).all())
({shape}, True)
"""
#: Shapes and arguments of the examples, where (4, 6) alone would not do.
_EXAMPLES = {
    "dirac": ("(4, 6, 3)", ""),
    "sparse": ("(4, 6)", "0.5, "),
    "small_init": ("(4, 6)", "6, "),
    "wang_init": ("(4, 6)", "6, 2, "),
    "residual_normal": ("(4, 6)", "2, "),
}


def _documentation(name: str, function: Callable[..., Any]) -> str:
    shape, arguments = _EXAMPLES.get(name, ("(4, 6)", ""))
    numpy = "fi.default_rng(0).bits" if name == "bits" else f"fi.initializers.{name}"
    seed = "" if name == "bits" else "rng=0"
    own = "" if name == "bits" else f"*arguments, **options\n    Those of `fastinit.initializers.{name}`, dtype among them.\n"
    return _DOCUMENTATION.format(
        first=(function.__doc__ or "").partition("\n")[0],
        own=own,
        numpy=f"`{numpy}`",
        name=name,
        call=f"{shape}, {arguments}",
        whole=f"{numpy}({', '.join(filter(None, (shape, arguments.rstrip(', '), seed)))})",
        shape=shape,
    )


def _lazy(name: str, function: Callable[..., Any]) -> Callable[..., da.Array]:
    def make(shape: Any, *arguments: Any, chunks: Any = "auto", rng: Any = None, **options: Any) -> da.Array:
        return build(function.__name__, shape, arguments, options, chunks, rng)

    own = [p for p in inspect.signature(function).parameters.values() if p.name not in ("out", "index")]
    cut = inspect.Parameter("chunks", inspect.Parameter.KEYWORD_ONLY, default="auto", annotation="Any")
    make.__signature__ = inspect.Signature([*own, cut], return_annotation=da.Array)  # type: ignore[attr-defined]
    make.__name__ = make.__qualname__ = name
    make.__module__ = "fastinit.dask"
    make.__doc__ = _documentation(name, function)
    return make


#: Every function of the module by its name.
BY_NAME = {name: _lazy(name, function) for name, function in SOURCES.items()}
