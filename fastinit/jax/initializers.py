"""The names of `jax.nn.initializers`, with JAX's arguments, defaults and distributions, and the other rules of fastinit.

Each factory gives an `init(key, shape, dtype=None, out_sharding=None)`. The key is one of `jax.random`, typed or raw, or a
`fastinit.Generator`, which advances by one call, or a seed. `zeros`, `ones` and `constant` are JAX's own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from fastinit.arguments import blocks, dtypes
from fastinit.arguments.calls import bind
from fastinit.arguments.checks import one_axis
from fastinit.initializers import BY_NAME
from fastinit.initializers.adapting import renamed
from fastinit.initializers.keywords import OPTIONS, block_cost
from fastinit.jax.arrays import held, make
from fastinit.laws import parse


class Factory(NamedTuple):
    """JAX's parameters in JAX's order with defaults; fastinit's names for them, where they differ; keywords always passed."""

    parameters: dict[str, Any]
    names: dict[str, str]
    fixed: dict[str, Any]


#: Every rule by its name, and the functions that make its initialisers; `zeros` and `ones` are initialisers, as in JAX.
TABLE: dict[str, Factory] = {}
FACTORIES: dict[str, Callable[..., Any]] = {}


def _delta_orthogonal(shape: tuple[int, ...], *, column_axis: Any, **keywords: Any) -> Any:
    """`delta_orthogonal` with JAX's `column_axis`, which transposes a square matrix: that does not change its distribution."""
    one_axis("column_axis", column_axis, 2)
    return BY_NAME["delta_orthogonal"](shape, **keywords)


FUNCTIONS = BY_NAME | {"delta_orthogonal": _delta_orthogonal}


@dataclass(frozen=True)
class Initializer:
    """A function init(key, shape, dtype, out_sharding), equal to another one of the same rule and arguments."""

    rule: str
    arguments: tuple[tuple[str, Any], ...]
    dtype: Any = None

    def __call__(self, key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> jax.Array:
        """Make an array by the rule.

        Parameters
        ----------
        key : jax.Array, fastinit.Generator, int, sequence of int or numpy.random.SeedSequence
            A key of `jax.random`, typed or raw (see `generator_from_key`); or a Generator, which advances by one call; or a
            seed.
        shape : int or sequence of int
            Shape of the whole array.
        dtype : dtype, optional
            Any that fastinit fills; float64 needs `jax_enable_x64`. None is the factory's dtype, or JAX's default if it has
            none.
        out_sharding : jax.sharding.Sharding or jax.sharding.PartitionSpec, optional
            As `sharding` of `fastinit.jax.normal`.

        Returns
        -------
        jax.Array
            The same for the same key and arguments, whatever the sharding.

        Raises
        ------
        TypeError, ValueError
            For a wrong argument, or an argument of the factory that the rule refuses.
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
        real = held(self._real(self.dtype if dtype is None else dtype))
        full_shape = blocks.shape_of(shape, "shape")
        fill = functools.partial(self._fill, full_shape, real)
        whole = block_cost(self.rule) == "whole"
        return make(fill, full_shape, real, out_sharding, key, whole=whole, names=("out_sharding", "key"))

    def _real(self, dtype: Any) -> dtypes.Real:
        """The dtype asked for, or JAX's default, which is of integers if the law is."""
        law = dict(self.arguments).get("law")
        names = law.dtype_names if law else dtypes.REAL_NAMES
        default = jax.dtypes.canonicalize_dtype("float64" if "float64" in names else names[0])
        return dtypes.resolve(default if dtype is None else dtype, names)

    def _fill(self, shape: tuple[int, ...], dtype: np.dtype[Any], **block: Any) -> Any:
        row = TABLE[self.rule]
        keywords = {row.names.get(name, name): value for name, value in self.arguments}
        with renamed({fastinits: jaxs for jaxs, fastinits in row.names.items()}):
            return FUNCTIONS[self.rule](shape, dtype=dtype, **keywords, **row.fixed, **block)


def _factory(
    name: str, parameters: dict[str, Any], names: dict[str, str] | None = None, **fixed: Any
) -> Callable[..., Initializer]:
    """Make and register the factory of this name."""
    TABLE[name] = Factory(parameters, names or {}, fixed)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(each, kind, default=value) for each, value in parameters.items()])

    def factory(*arguments: Any, **keywords: Any) -> Initializer:
        bound = bind(name, signature, arguments, keywords)
        values = {each: tuple(value) if isinstance(value, list) else value for each, value in bound.items()}
        dtype = values.pop("dtype")
        if "law" in values:
            values["law"] = parse(values["law"])
        return Initializer(name, tuple(values.items()), dtype)

    factory.__name__ = factory.__qualname__ = name
    factory.__module__ = __name__
    factory.__signature__ = signature  # type: ignore[attr-defined]
    origin = f"jax.nn.initializers.{name}" if hasattr(jax.nn.initializers, name) else f"fastinit.initializers.{name}"
    factory.__doc__ = f"Make an init(key, shape, dtype, out_sharding) with the arguments and the distribution of `{origin}`."
    FACTORIES[name] = factory
    return factory


def _fastinits(name: str) -> Callable[..., Initializer]:
    """The factory of a rule that JAX does not have: fastinit's parameters, with the layout of JAX's weights."""
    signature = inspect.signature(BY_NAME[name]).parameters
    defaults = {key: each.default for key, each in signature.items() if key != "shape" and key not in OPTIONS}
    return _factory(name, defaults | ({"layout": "in_out"} if "layout" in defaults else {}) | {"dtype": None})


_REQUIRED = inspect.Parameter.empty
_AXES = {"in_axis": -2, "out_axis": -1, "batch_axis": (), "dtype": None}
_COLUMNS = {"scale": 1.0, "column_axis": -1, "dtype": None}
_BELL = {"stddev": 1e-2, "dtype": None}

uniform = _factory("uniform", {"scale": 1e-2, "dtype": None}, {"scale": "high"})
normal = _factory("normal", _BELL, {"stddev": "scale"})
truncated_normal = _factory(
    "truncated_normal", _BELL | {"lower": -2.0, "upper": 2.0}, {"stddev": "scale", "lower": "a", "upper": "b"}
)
variance_scaling = _factory("variance_scaling", dict.fromkeys(("scale", "mode", "distribution"), _REQUIRED) | _AXES)
glorot_uniform = _factory("glorot_uniform", _AXES)
glorot_normal = _factory("glorot_normal", _AXES, truncated=True)
xavier_uniform = _factory("xavier_uniform", _AXES)
xavier_normal = _factory("xavier_normal", _AXES, truncated=True)
he_uniform = _factory("he_uniform", _AXES)
he_normal = _factory("he_normal", _AXES, truncated=True)
kaiming_uniform = _factory("kaiming_uniform", _AXES)
kaiming_normal = _factory("kaiming_normal", _AXES, truncated=True)
lecun_uniform = _factory("lecun_uniform", _AXES)
lecun_normal = _factory("lecun_normal", _AXES, truncated=True)
orthogonal = _factory("orthogonal", _COLUMNS, {"scale": "gain", "column_axis": "axis"})
delta_orthogonal = _factory("delta_orthogonal", _COLUMNS, {"scale": "gain"})

dirac = _fastinits("dirac")
draw = _fastinits("draw")
eye = _fastinits("eye")
fan_in_uniform = _fastinits("fan_in_uniform")
identity = _fastinits("identity")
residual_normal = _fastinits("residual_normal")
small_init = _fastinits("small_init")
small_random = _fastinits("small_random")
sparse = _fastinits("sparse")
wang_init = _fastinits("wang_init")

constant, ones, zeros = jax.nn.initializers.constant, jax.nn.initializers.ones, jax.nn.initializers.zeros
FACTORIES |= {"constant": constant, "ones": ones, "zeros": zeros}

__all__ = ["FACTORIES", "Initializer", *FACTORIES]
