"""The names of `jax.nn.initializers`, with their arguments, defaults and meaning, filled by fastinit, and its own rules too.

Each factory gives an `init(key, shape, dtype=None, out_sharding=None)`. The key is one of `jax.random`, typed or raw, or a
`fastinit.Generator`, whose next call it takes, or a seed. `zeros`, `ones` and `constant` are JAX's own.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from fastinit.arguments import blocks
from fastinit.initializers import BY_NAME
from fastinit.initializers.fan import one_axis
from fastinit.jax.arrays import WHOLE, checked_dtype, make


class Rule(NamedTuple):
    """A factory's parameters in their order, what fastinit calls those that have another name, and what is always so."""

    parameters: dict[str, Any]
    names: dict[str, str]
    fixed: dict[str, Any]


_NEEDED = inspect.Parameter.empty
_AXES = {"in_axis": -2, "out_axis": -1, "batch_axis": (), "dtype": None}
_COLUMNS = {"scale": 1.0, "column_axis": -1, "dtype": None}
_FANS = ("glorot", "xavier", "he", "kaiming", "lecun")
RULES = {
    "uniform": Rule({"scale": 1e-2, "dtype": None}, {"scale": "high"}, {}),
    "normal": Rule({"stddev": 1e-2, "dtype": None}, {"stddev": "scale"}, {}),
    "truncated_normal": Rule(
        {"stddev": 1e-2, "dtype": None, "lower": -2.0, "upper": 2.0}, {"stddev": "scale", "lower": "a", "upper": "b"}, {}
    ),
    "variance_scaling": Rule({"scale": _NEEDED, "mode": _NEEDED, "distribution": _NEEDED, **_AXES}, {}, {}),
    **{f"{name}_uniform": Rule(_AXES, {}, {}) for name in _FANS},
    **{f"{name}_normal": Rule(_AXES, {}, {"truncated": True}) for name in _FANS},
    "orthogonal": Rule(_COLUMNS, {"scale": "gain", "column_axis": "axis"}, {}),
    "delta_orthogonal": Rule(_COLUMNS, {"scale": "gain"}, {}),
}


def _own(function: Callable[..., Any]) -> Rule:
    """A rule that JAX does not have: fastinit's parameters, with the layout of JAX's weights."""
    given = inspect.signature(function).parameters
    found = {name: kind.default for name, kind in given.items() if name not in ("shape", "rng", "dtype", "out", "index")}
    return Rule(found | ({"layout": "in_out"} if "layout" in found else {}) | {"dtype": None}, {}, {})


JAX_OWN = ("zeros", "ones", "constant")
RULES |= {name: _own(function) for name, function in BY_NAME.items() if name not in (*RULES, *JAX_OWN)}


def _delta_orthogonal(shape: tuple[int, ...], *, column_axis: Any, **keywords: Any) -> Any:
    """With the argument of JAX that turns a square matrix round and so leaves its law as it is."""
    one_axis("column_axis", column_axis, 2)
    return BY_NAME["delta_orthogonal"](shape, **keywords)


FUNCTIONS = BY_NAME | {"delta_orthogonal": _delta_orthogonal}


@dataclass(frozen=True)
class Initializer:
    """A function init(key, shape, dtype, out_sharding), equal to another of the same rule and arguments."""

    rule: str
    arguments: tuple[tuple[str, Any], ...]
    dtype: Any = None

    def __call__(self, key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> jax.Array:
        """Make an array by the rule.

        Parameters
        ----------
        key : jax.Array, fastinit.Generator, int, sequence of int or numpy.random.SeedSequence
            A key of `jax.random`, typed or raw (see `generator_from_key`); a Generator, whose next call decides; or a seed.
        shape : int or sequence of int
            Shape of the whole array.
        dtype : dtype, optional
            Any that fastinit fills; float64 where jax_enable_x64 is set. None is the factory's, or else JAX's default.
        out_sharding : jax.sharding.Sharding or jax.sharding.PartitionSpec, optional
            As `sharding` of `fastinit.jax.normal`.

        Returns
        -------
        jax.Array
            The same for the same key and arguments, whatever the sharding.

        Raises
        ------
        TypeError, ValueError
            For an argument that is not as above, or one of the factory that the rule refuses.
        RuntimeError
            Inside a JAX trace, when the program is compiled or batched. `jax.eval_shape` gives the shape and the dtype.

        Examples
        --------
        >>> import jax, fastinit.jax as fj
        >>> w = fj.initializers.he_normal()(jax.random.key(0), (512, 256))
        >>> round(float(w.var()) * 512, 1)
        2.0
        """
        if key is None:
            raise TypeError("key must be a key of jax.random, a fastinit.Generator or a seed; got None")
        wanted = next((given for given in (dtype, self.dtype) if given is not None), None)
        real = checked_dtype(jax.dtypes.canonicalize_dtype(np.float64) if wanted is None else wanted)
        whole = blocks.shape_of(shape, "shape")
        fill = functools.partial(self._fill, whole, real)
        return make(fill, whole, real, out_sharding, key, costly=self.rule in WHOLE, names=("out_sharding", "key"))

    def _fill(self, shape: tuple[int, ...], dtype: np.dtype[Any], **place: Any) -> Any:
        rule = RULES[self.rule]
        given = {rule.names.get(name, name): value for name, value in self.arguments}
        try:
            return FUNCTIONS[self.rule](shape, dtype=dtype, **given, **rule.fixed, **place)
        except (TypeError, ValueError) as error:
            ours = {theirs: name for name, theirs in rule.names.items()}
            text = re.sub(r"(?<!have )(?<!be )\b[a-z]+\b", lambda word: ours.get(word[0], word[0]), str(error))
            raise type(error)(text) from None


def _factory(name: str, rule: Rule) -> Callable[..., Initializer]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    shown = inspect.Signature([inspect.Parameter(each, kind, default=value) for each, value in rule.parameters.items()])

    def factory(*arguments: Any, **keywords: Any) -> Initializer:
        try:
            bound = shown.bind(*arguments, **keywords)
        except TypeError as error:
            raise TypeError(f"{name}: {error}; its arguments are {', '.join(shown.parameters)}") from None
        bound.apply_defaults()
        given = {each: tuple(value) if isinstance(value, list) else value for each, value in bound.arguments.items()}
        dtype = given.pop("dtype")
        return Initializer(name, tuple(given.items()), dtype)

    factory.__name__ = factory.__qualname__ = name
    factory.__module__ = __name__
    factory.__signature__ = shown  # type: ignore[attr-defined]
    meaning = f"jax.nn.initializers.{name}" if hasattr(jax.nn.initializers, name) else f"fastinit.initializers.{name}"
    factory.__doc__ = f"Build an init(key, shape, dtype, out_sharding) with the arguments and the law of `{meaning}`."
    return factory


#: Every factory by its name; `zeros` and `ones` are initialisers themselves, as in JAX.
FACTORIES = {name: _factory(name, rule) for name, rule in RULES.items()}
FACTORIES |= {name: getattr(jax.nn.initializers, name) for name in JAX_OWN}

__all__ = ["FACTORIES", "Initializer", *FACTORIES]

globals().update(FACTORIES)


def __getattr__(name: str) -> Any:
    """Say what there is; for type checkers, that there are names which are not spelled out here."""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(FACTORIES)}")
