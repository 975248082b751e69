"""A whole model's tensors at once, each from a stream of its own name."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments import blocks, dtypes
from fastinit.generator import Generator
from fastinit.initializers import BY_NAME
from fastinit.initializers.keywords import generator

#: Values from which a tree is long: a second or more.
LONG = 1 << 28


class _Leaf(NamedTuple):
    """One tensor to make."""

    name: str
    shape: tuple[int, ...]
    initializer: Callable[..., Any]
    real: dtypes.Real


def _entry(name: str, entry: Any) -> _Leaf:
    """A checked entry of the spec."""
    if not isinstance(entry, tuple | list) or len(entry) not in (2, 3):
        raise TypeError(f"spec must hold mappings and tuples (shape, initializer, dtype); got {entry!r}")
    shape, initializer, *rest = entry
    if isinstance(initializer, str):
        if initializer not in BY_NAME:
            raise ValueError(f"initializer must be callable or one of {', '.join(BY_NAME)}; got {initializer!r}")
        initializer = BY_NAME[initializer]
    if not callable(initializer):
        raise TypeError(f"initializer must be callable or the name of one; got {initializer!r}")
    return _Leaf(name, blocks.shape_of(shape, "shape"), initializer, dtypes.resolve(*rest or (np.float32,)))


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Put a tensor's name before the message of its error."""
    try:
        yield
    except (TypeError, ValueError, IndexError, MemoryError) as error:
        kind = next(kind for kind in (TypeError, IndexError, MemoryError, ValueError) if isinstance(error, kind))
        raise kind(f"{name}: {error}") from error
    except Exception as error:
        raise RuntimeError(f"{name}: {type(error).__name__}: {error}") from error


def _check(spec: Any, path: tuple[str, ...], seen: set[str]) -> dict[str, Any]:
    """The spec with leaves in place of its tuples."""
    found: dict[str, Any] = {}
    for key, entry in spec.items():
        if not isinstance(key, str):
            where = f" below {'.'.join(path)!r}" if path else ""
            raise TypeError(f"spec must have names of type str; got {key!r}{where}")
        name = ".".join((*path, key))
        if isinstance(entry, Mapping):
            found[key] = _check(entry, (*path, key), seen)
            continue
        with _named(name):
            found[key] = _entry(name, entry)
        if name in seen:
            raise ValueError(f"spec must give each tensor a name of its own; got {name!r} twice")
        seen.add(name)
    return found


def _leaves(tree: dict[str, Any]) -> Iterator[_Leaf]:
    for entry in tree.values():
        if isinstance(entry, _Leaf):
            yield entry
        else:
            yield from _leaves(entry)


@contextlib.contextmanager
def _bar(values: int) -> Iterator[Callable[[int], object]]:
    """A progress bar, where it is worth importing tqdm for and somebody may see it."""
    if values < LONG or sys.stderr is None or not sys.stderr.isatty():
        yield lambda done: None
        return
    from fastinit.progress import progress

    with progress(values, "values", unit_scale=True) as advance:
        yield advance


def _make(leaf: _Leaf, rng: Generator) -> Any:
    with _named(leaf.name):
        array = leaf.initializer(leaf.shape, rng=rng.child(leaf.name), dtype=leaf.real.dtype)
        if not isinstance(array, np.ndarray):
            raise TypeError(f"initializer must return a numpy.ndarray; got {type(array).__name__}")
        if array.shape != leaf.shape or array.dtype != leaf.real.dtype:
            raise ValueError(
                f"initializer must return shape {leaf.shape} and dtype {leaf.real.dtype}; got {array.shape} and {array.dtype}"
            )
        return array


def _fill(tree: dict[str, Any], rng: Generator, advance: Callable[[int], object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, entry in tree.items():
        if isinstance(entry, _Leaf):
            found[key] = _make(entry, rng)
            advance(math.prod(entry.shape))
        else:
            found[key] = _fill(entry, rng, advance)
    return found


def init_tree(spec: Mapping[str, Any], rng: Any = None) -> dict[str, Any]:
    """Make all tensors of a model, each from the stream of its name.

    Parameters
    ----------
    spec : mapping
        Names to (shape, initializer, dtype) or to mappings like this one, to any depth. An initializer is the name of a
        function of `fastinit.initializers` or a callable that takes (shape, rng=, dtype=) and returns an array of them;
        `functools.partial` sets further arguments. Without a dtype it is float32.
    rng : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        What the tensors' Generators are children of. None takes entropy from the system. No call is taken.

    Returns
    -------
    dict
        The same names, and dicts for the inner mappings, with a new array for each tuple.

    Raises
    ------
    TypeError, ValueError, IndexError, MemoryError, RuntimeError
        For a spec that is not as above, before any tensor is made; or for a tensor whose initializer fails, with the tensor's
        full name first. Errors of other kinds than the first four become RuntimeError.

    Notes
    -----
    A tensor draws from `rng.child(name)`, with its full name: the names on the way to it, joined by dots. So it depends on the
    seed, that name and its own entry alone; other tensors may come, go or change their order, and a flat mapping with dotted
    names gives the values of the nested one. With 2^28 values or more there is a progress bar, if stderr is a terminal and
    tqdm is installed.

    Examples
    --------
    >>> from functools import partial
    >>> import fastinit as fi
    >>> spec = {
    ...     "embedding": ((100, 16), "truncated_normal"),
    ...     "head": {
    ...         "weight": ((16, 100), partial(fi.initializers.xavier_uniform, gain=0.5)),
    ...         "bias": (100, "zeros", "float16"),
    ...     },
    ... }
    >>> weights = fi.init_tree(spec, rng=0)
    >>> weights["head"]["weight"].shape, weights["head"]["bias"].dtype
    ((16, 100), dtype('float16'))
    """
    if not isinstance(spec, Mapping):
        raise TypeError(f"spec must be a mapping of names to (shape, initializer, dtype); got {type(spec).__name__}")
    root = generator(rng)
    tree = _check(spec, (), set())
    with _bar(sum(math.prod(leaf.shape) for leaf in _leaves(tree))) as advance:
        return _fill(tree, root, advance)
