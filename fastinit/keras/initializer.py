"""The base class of all Keras initialisers here: each class is a row, which names a function of `fastinit.initializers`."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

from fastinit.arguments import blocks, dtypes
from fastinit.arguments.calls import bind
from fastinit.initializers.adapting import check, renamed
from fastinit.initializers.fan import axes_of
from fastinit.keras import seeds, tensors

REQUIRED = inspect.Parameter.empty
NONE: Mapping[str, Any] = MappingProxyType({})


class ClassRow(NamedTuple):
    """The function of a class, and its arguments."""

    function: Callable[..., Any]
    parameters: Mapping[str, Any] = NONE  # Keras's names in Keras's order, with defaults
    names: Mapping[str, str] = NONE  # the function's names for them, where they differ
    fixed: Mapping[str, Any] = NONE  # keywords that are always passed
    axes: int = 2  # the number of axes of a shape that suits all parameters

    def signature(self) -> inspect.Signature:
        """The signature of the class's constructor."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind, default=value) for name, value in self.parameters.items()])


def _plain(value: Any) -> Any:
    """NumPy's numbers, also those in a tuple or a list, as Python's, which JSON can hold."""
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    is_number = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if is_number else value


class _Signature:
    """The constructor's signature, for the class only: Keras looks for `layout` in an instance's, which is its `__call__`'s."""

    def __get__(self, instance: Any, owner: type[Initializer]) -> inspect.Signature:
        if instance is not None or owner.__init__ is not Initializer.__init__:
            raise AttributeError("__signature__")
        return owner.row.signature()


class Initializer(keras.initializers.Initializer):  # type: ignore[misc]
    """Base of all classes here; a subclass has a `row`."""

    row: ClassVar[ClassRow]
    seed: Any
    __signature__ = _Signature()

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        values = bind(type(self).__name__, self.row.signature(), arguments, keywords)
        for name, value in values.items():
            setattr(self, name, _plain(value))
        if "seed" in values:
            self._has_seed, self.seed = self.seed is not None, seeds.checked(self.seed)
        shape = (0,) * self.row.axes
        keywords, names = self._keywords(), self._dtype_names()
        check(functools.partial(self._draw, shape, keywords, dtype="float64" if "float64" in names else names[0]), shape)

    def __call__(self, shape: Any, dtype: Any = None, layout: Any = None) -> Any:
        """Make a tensor.

        Parameters
        ----------
        shape : sequence of int
            Shape of the tensor.
        dtype : dtype, optional
            Any that fastinit fills, or that the law has. None is Keras's `floatx`.
        layout : keras.distribution.TensorLayout or jax.sharding.Sharding, optional
            How to distribute the tensor, on the JAX back-end only: each device's part is drawn alone.

        Returns
        -------
        tensor
            A tensor of the back-end.

        Raises
        ------
        TypeError, ValueError
            For a wrong argument; then a SeedGenerator does not advance.
        RuntimeError
            Inside a function that is being traced, for example by `jax.jit` or `tf.function`.
        """
        dtype = keras.backend.standardize_dtype(dtype)
        shape = blocks.shape_of(shape, "shape")
        if in_symbolic_scope():  # Keras needs only shapes and dtypes now; it calls again for the values
            return keras.ops.zeros(shape, dtype=dtype)
        if tensors.is_traced():
            raise RuntimeError(
                f"{type(self).__name__} cannot be called while a function is traced (jax.jit, tf.function, torch.export): "
                "its values would be constants of the graph; call it outside and pass the tensor in, or build the layer outside"
            )
        dtypes.resolve(dtype, self._dtype_names())
        draw = functools.partial(self._draw, shape, self._keywords(len(shape)), dtype=dtype)
        check(draw, shape)  # before the seed advances
        source = seeds.Source(getattr(self, "seed", 0))
        return tensors.tensor(lambda index: draw(rng=source.generator(), index=index), shape, dtype, layout)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, fit for JSON."""
        values = {name: getattr(self, name) for name in self.row.parameters}
        if "seed" in values:
            values["seed"] = keras.saving.serialize_keras_object(self.seed) if self._has_seed else None
        return values

    def _dtype_names(self) -> Sequence[str]:
        """The dtypes that can be filled."""
        return dtypes.REAL_NAMES

    def _keywords(self, rank: int | None = None) -> dict[str, Any]:
        """The function's keywords, for a shape of so many axes; None checks the axes without a shape."""
        keywords = {self.row.names.get(name, name): getattr(self, name) for name in self.row.parameters if name != "seed"}
        if "input_axes" in keywords:
            with self._keras_names():
                keywords |= _axes(rank, keywords.pop("input_axes"), keywords.pop("output_axes"))
        return keywords | dict(self.row.fixed)

    def _draw(self, shape: Any, keywords: dict[str, Any], **options: Any) -> Any:
        with self._keras_names():
            return self.row.function(shape, **keywords, **options)

    def _keras_names(self) -> contextlib.AbstractContextManager[None]:
        """Errors have Keras's names for the arguments."""
        names = {name: kerass for kerass, name in self.row.names.items()}
        return renamed({"in_axis": "input_axes", "out_axis": "output_axes"} | names)


def _axes(rank: int | None, inputs: Any, outputs: Any) -> dict[str, Any]:
    """The axes that Keras counts: the given ones without the kernel's, else the last two, else all axes for both fans."""
    if inputs is None and outputs is None:
        return {"layout": "in_out"} if rank is None or rank > 1 else {"in_axis": (), "out_axis": ()}
    axes = axes_of(blocks.MOST_AXES if rank is None else rank, "in_out", inputs, outputs)
    if rank is None:
        return {"layout": "in_out"}
    rest = tuple(axis for axis in range(rank) if axis not in axes.inputs + axes.outputs)
    return {"in_axis": axes.inputs, "out_axis": axes.outputs, "batch_axis": rest}
