"""All tensors of a model at once, each from the stream of its name."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from fastinit.arguments import blocks, dtypes, outputs
from fastinit.arguments.hints import shown
from fastinit.generator import Generator
from fastinit.initializers.keywords import generator
from fastinit.initializers.rules import parse
from fastinit.laws import Distribution

#: Elements from which there is a progress bar: they take a second or more.
LONG = 1 << 28


class _Leaf(NamedTuple):
    """A checked entry of the spec: one tensor."""

    name: str
    shape: tuple[int, ...]
    initializer: Callable[..., Any]
    real: dtypes.Real


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """Put a tensor's name before the message of an error."""
    try:
        yield
    except (TypeError, ValueError, IndexError, MemoryError) as error:
        kind = next(kind for kind in (TypeError, IndexError, MemoryError, ValueError) if isinstance(error, kind))
        raise kind(f"{name}: {error}") from error


def _map(function: Callable[[str, Any], Any], tree: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tree with function(full name, entry) in place of each entry that is not a mapping."""
    result: dict[str, Any] = {}
    for key, entry in tree.items():
        if not isinstance(key, str):
            where = f" below {'.'.join(path)!r}" if path else ""
            raise TypeError(f"spec must have names of type str; got {shown(key)}{where}")
        deeper = (*path, key)
        result[key] = _map(function, entry, deeper) if isinstance(entry, Mapping) else function(".".join(deeper), entry)
    return result


def _leaf(name: str, entry: Any) -> _Leaf:
    with named(name):
        if not isinstance(entry, tuple | list) or len(entry) not in (2, 3):
            raise TypeError(f"spec must hold mappings and tuples (shape, initializer, dtype); got {shown(entry)}")
        shape, initializer, *rest = entry
        dtype, full_shape = rest[0] if rest else None, blocks.shape_of(shape, "shape")
        if isinstance(initializer, str | Distribution):
            rule = parse(initializer, "initializer")
            return _Leaf(name, full_shape, rule.function, rule.real(dtype))
        if not callable(initializer):
            raise TypeError(f"initializer must be callable, a law or text; got {shown(initializer)}")
        return _Leaf(name, full_shape, initializer, outputs.real(dtype, None))


def _bar(size: int) -> contextlib.AbstractContextManager[Callable[[int], object]]:
    """A progress bar for a large tree."""
    if size < LONG:
        return contextlib.nullcontext(lambda done: None)
    from fastinit.progress import progress  # not loaded by `import fastinit`

    return progress(size, "values", unit_scale=True)


def _call(leaf: _Leaf, root: Generator) -> Any:
    try:
        return leaf.initializer(leaf.shape, rng=root.child(leaf.name), dtype=leaf.real.dtype)
    except (TypeError, ValueError, IndexError, MemoryError):
        raise
    except Exception as error:
        raise RuntimeError(f"{leaf.name}: {type(error).__name__}: {error}") from error


def _make(leaf: _Leaf, root: Generator) -> Any:
    with named(leaf.name):
        array = _call(leaf, root)
        if not isinstance(array, np.ndarray):
            raise TypeError(f"initializer must return a numpy.ndarray; got {type(array).__name__}")
        if array.shape != leaf.shape or array.dtype != leaf.real.dtype:
            raise ValueError(
                f"initializer must return shape {leaf.shape} and dtype {leaf.real.dtype}; got {array.shape} and {array.dtype}"
            )
        return array


def init_tree(spec: Mapping[str, Any], rng: Any = None) -> dict[str, Any]:
    """Make all tensors of a model, each from the stream of its name.

    Parameters
    ----------
    spec : mapping
        Maps each name to a tuple (shape, initializer, dtype), or to another mapping like this one, to any depth. An initializer
        is the name of a function of `fastinit.initializers`, alone or with its arguments by name in parentheses; or a law or
        its text, as `fastinit.laws.parse` takes it; or a callable that takes (shape, rng=, dtype=) and returns an array of that
        shape and dtype. The dtype is optional: float32, or the law's default.
    rng : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        The parent of all tensors' Generators, or a seed for it. None takes entropy from the system. No call is counted.

    Returns
    -------
    dict
        The same names and the same nesting, with a new array in place of each tuple.

    Raises
    ------
    TypeError, ValueError
        For a wrong spec, before any tensor is made.
    TypeError, ValueError, IndexError, MemoryError, RuntimeError
        For an initializer that fails. The message starts with the tensor's full name. An error of any other kind becomes a
        RuntimeError.

    Notes
    -----
    A tensor draws from `rng.child(name)`. The name is its full name: all names on the way to it, joined by dots. So a tensor
    depends on the seed, that name and its own entry alone, and other tensors may be added, removed or reordered. A flat mapping
    with dotted names gives the values of the nested one. From 2^28 elements on there is a progress bar, if stderr is a terminal
    and tqdm is installed.

    Examples
    --------
    >>> import fastinit as fi
    >>> spec = {
    ...     "embedding": ((100, 16), "truncated_normal"),
    ...     "head": {
    ...         "weight": ((16, 100), "xavier_uniform(gain=0.5)"),
    ...         "bias": (100, "zeros", "float16"),
    ...         "signs": (100, "rademacher", "int8"),
    ...     },
    ... }
    >>> weights = fi.init_tree(spec, rng=0)
    >>> weights["head"]["weight"].shape, weights["head"]["bias"].dtype, weights["head"]["signs"].dtype
    ((16, 100), dtype('float16'), dtype('int8'))
    """
    if not isinstance(spec, Mapping):
        raise TypeError(f"spec must be a mapping of names to (shape, initializer, dtype); got {type(spec).__name__}")
    root = generator(rng)
    leaves: dict[str, _Leaf] = {}

    def check(name: str, entry: Any) -> _Leaf:
        leaf = _leaf(name, entry)
        if name in leaves:
            raise ValueError(f"spec must give each tensor a name of its own; got {name!r} twice")
        leaves[name] = leaf
        return leaf

    tree = _map(check, spec)
    with _bar(sum(math.prod(leaf.shape) for leaf in leaves.values())) as advance:

        def make(name: str, leaf: _Leaf) -> Any:
            array = _make(leaf, root)
            advance(array.size)
            return array

        return _map(make, tree)
