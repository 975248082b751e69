"""One Keras initialiser class over any function of `fastinit.initializers`: the classes are rows on it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

from fastinit.arguments import blocks, dtypes
from fastinit.initializers.fan import axes_of
from fastinit.keras import seeds, tensors

NEEDED = inspect.Parameter.empty
NONE: Mapping[str, Any] = MappingProxyType({})


class Rule(NamedTuple):
    """What a class calls, and with what."""

    function: Callable[..., Any]
    parameters: Mapping[str, Any] = NONE  # Keras's names in Keras's order, with defaults
    names: Mapping[str, str] = NONE  # the function's names for them, where they differ
    fixed: Mapping[str, Any] = NONE  # keywords that the class always gives
    axes: int = 2  # that a shape may have, whatever the parameters

    def signature(self) -> inspect.Signature:
        """That of the class's constructor."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind, default=given) for name, given in self.parameters.items()])


class _Signature:
    """The constructor's, for the class alone: that of an instance is its `__call__`'s, in which Keras looks for `layout`."""

    def __get__(self, instance: Any, owner: type[Initializer]) -> inspect.Signature:
        if instance is not None or owner.__init__ is not Initializer.__init__:
            raise AttributeError("__signature__")
        return owner.rule.signature()


class Initializer(keras.initializers.Initializer):  # type: ignore[misc]
    """Base of all classes here; a subclass has a `rule`."""

    rule: ClassVar[Rule]
    seed: Any
    __signature__ = _Signature()

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        try:
            bound = self.rule.signature().bind(*arguments, **keywords)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            setattr(self, name, value.item() if isinstance(value, np.generic) else value)
        if "seed" in bound.arguments:
            self._given, self.seed = self.seed is not None, seeds.checked(self.seed)
        self._draw((0,) * self.rule.axes, self._keywords(), rng=0, dtype="float64")  # refuses wrong arguments

    def __call__(self, shape: Any, dtype: Any = None, layout: Any = None) -> Any:
        """Make a tensor.

        Parameters
        ----------
        shape : sequence of int
            Shape of the tensor.
        dtype : dtype, optional
            One of fastinit's; None for Keras's `floatx`.
        layout : keras.distribution.TensorLayout or jax.sharding.Sharding, optional
            How to distribute it, on the JAX back-end: each device's part is drawn alone.

        Returns
        -------
        tensor
            Of the back-end.

        Raises
        ------
        TypeError, ValueError
            For an argument that is not as above.
        RuntimeError
            Inside a function that is being traced, such as one of `jax.jit` or `tf.function`.
        """
        dtype = keras.backend.standardize_dtype(dtype)
        shape = blocks.shape_of(shape, "shape")
        if in_symbolic_scope():  # Keras looks for shapes and dtypes only; it calls again for the values
            return keras.ops.zeros(shape, dtype=dtype)
        if tensors.is_traced():
            raise RuntimeError(
                f"{type(self).__name__} cannot be called while a function is traced (jax.jit, tf.function, torch.export): "
                "its values would be constants of the graph; call it before and pass the tensor in, or build the layer before"
            )
        dtypes.resolve(dtype)
        keywords = self._keywords(len(shape))
        self._draw(shape, keywords, rng=0, dtype=dtype, index=(slice(0, 0),) * len(shape))  # refuses before a seed moves on
        source = seeds.Source(getattr(self, "seed", 0))

        def block(index: Any) -> Any:
            return self._draw(shape, keywords, rng=source.generator(), dtype=dtype, index=index)

        return tensors.tensor(block, shape, dtype, layout)

    def get_config(self) -> dict[str, Any]:
        """Give the arguments that make an equal initialiser, fit for JSON."""
        values = {name: getattr(self, name) for name in self.rule.parameters}
        if "seed" in values:
            values["seed"] = keras.saving.serialize_keras_object(self.seed) if self._given else None
        return values

    def _keywords(self, rank: int | None = None) -> dict[str, Any]:
        """The function's keywords, for a shape of so many axes."""
        named = {self.rule.names.get(name, name): getattr(self, name) for name in self.rule.parameters if name != "seed"}
        if "input_axes" in named:
            named |= self._renamed(_places, rank, named.pop("input_axes"), named.pop("output_axes"))
        return named | dict(self.rule.fixed)

    def _draw(self, shape: Any, keywords: dict[str, Any], **options: Any) -> Any:
        return self._renamed(self.rule.function, shape, **keywords, **options)

    def _renamed(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Call, and give errors Keras's names for the arguments."""
        try:
            return function(*arguments, **keywords)
        except (TypeError, ValueError) as error:
            text = str(error)
            for name, own in {"input_axes": "in_axis", "output_axes": "out_axis", **self.rule.names}.items():
                text = re.sub(rf"\b{own}\b", name, text)
            raise type(error)(text) from None


def _places(rank: int | None, inputs: Any, outputs: Any) -> dict[str, Any]:
    """Where `fans` finds what Keras counts: its axes without the kernel's, else the last two, else all axes for both."""
    if inputs is None and outputs is None:
        return {"layout": "in_out"} if rank is None or rank > 1 else {"in_axis": (), "out_axis": ()}
    found = axes_of(blocks.MOST_AXES if rank is None else rank, "in_out", inputs, outputs)
    if rank is None:
        return {"layout": "in_out"}
    rest = tuple(axis for axis in range(rank) if axis not in found.inputs + found.outputs)
    return {"in_axis": found.inputs, "out_axis": found.outputs, "batch_axis": rest}
