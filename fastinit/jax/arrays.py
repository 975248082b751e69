"""From an initialiser and a sharding to a `jax.Array`, each of whose blocks is generated alone."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

from fastinit.arguments import blocks, docstrings, dtypes
from fastinit.generator import Generator, one_call
from fastinit.initializers import adapting
from fastinit.initializers.keywords import block_cost
from fastinit.jax import primitive
from fastinit.jax.keys import generator_from_key, one_key, seeded

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Bounds = tuple[tuple[Any, Any], ...]
#: f(*, rng, out, index): an initialiser that is bound to all its other arguments.
Fill = Callable[..., Any]

#: XLA uses an array's memory as that of a CPU device, without a copy, if it is aligned to this many bytes.
ALIGNMENT = 64


def _memory(shape: Shape, dtype: np.dtype[Any]) -> Array:
    """An aligned array."""
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    first = -raw.__array_interface__["data"][0] % ALIGNMENT
    return raw[first : first + size].view(dtype).reshape(shape)


def held(real: dtypes.Real) -> np.dtype[Any]:
    """The dtype, if JAX supports it in its present configuration."""
    if jax.dtypes.canonicalize_dtype(real.dtype) != real.dtype:
        raise TypeError(f"dtype must be one of at most 32 bits unless jax_enable_x64 is set; got {real.name}")
    return real.dtype


def _check_type(sharding: Any, name: str) -> None:
    if sharding is not None and not isinstance(sharding, Sharding | PartitionSpec):
        raise TypeError(
            f"{name} must be a jax.sharding.Sharding, a PartitionSpec or None; got {type(sharding).__name__} {sharding!r}"
        )


def _on_devices(sharding: Sharding | PartitionSpec, shape: Shape, name: str) -> Sharding:
    """A sharding over devices that cuts the shape evenly."""
    placed = sharding
    if isinstance(sharding, PartitionSpec):
        mesh = jax.sharding.get_mesh()
        if mesh.empty:
            raise ValueError(f"{name} must be a NamedSharding where jax.set_mesh has set no mesh; got {sharding}")
        placed = NamedSharding(mesh, sharding)
    elif isinstance(sharding, NamedSharding) and isinstance(sharding.mesh, jax.sharding.AbstractMesh):
        raise ValueError(f"{name} must have a mesh of devices; got {sharding}")
    try:
        placed.shard_shape(shape)
    except (ValueError, IndexError):
        raise ValueError(f"{name} must have no more axes than shape {shape} and cut each evenly; got {sharding}") from None
    return placed


def _bounds(index: tuple[slice, ...]) -> Bounds:
    """An index as a key: slices have no hash."""
    return tuple((part.start, part.stop) for part in index)


def _sharded(fill: Fill, shape: Shape, dtype: np.dtype[Any], sharding: Sharding, whole: bool) -> jax.Array:
    """Fill each different block once, for all devices that hold it; the host holds one block at a time."""
    devices: dict[Bounds, list[Any]] = {}
    for device, index in sharding.addressable_devices_indices_map(shape).items():
        devices.setdefault(_bounds(index), []).append(device)
    if not devices:
        fill(index=(slice(0, 0),) * len(shape) or None)  # counts the call, as the processes with devices do
    complete = fill() if whole and devices else None
    pieces: dict[Bounds, list[jax.Array]] = {}

    def block(index: tuple[slice, ...]) -> Any:
        bounds = _bounds(index)
        if not pieces.get(bounds):
            host = _memory(sharding.shard_shape(shape), dtype)
            if complete is None:
                fill(index=index, out=host)
            else:
                host[...] = complete[index]
            if sharding.is_fully_replicated:  # JAX asks for the block once, and copies it
                return host
            targets = [SingleDeviceSharding(device, memory_kind=sharding.memory_kind) for device in devices[bounds]]
            pieces[bounds] = jax.block_until_ready([jax.device_put(host, target) for target in targets])
        return pieces[bounds].pop(0)

    return jax.make_array_from_callback(shape, sharding, block, dtype=dtype)


def _build(fill: Fill, shape: Shape, dtype: np.dtype[Any], sharding: Any, whole: bool, name: str, rng: Generator) -> jax.Array:
    draw = functools.partial(fill, rng=one_call(rng))
    if sharding is None:
        host = _memory(shape, dtype)
        draw(out=host)
        return jax.device_put(host)  # not committed to a device, as the results of JAX's own functions
    return _sharded(draw, shape, dtype, _on_devices(sharding, shape, name), whole)


def make(
    fill: Fill,
    shape: Shape,
    dtype: np.dtype[Any],
    sharding: Any,
    rng: Any,
    *,
    whole: bool,
    names: tuple[str, str] = ("sharding", "rng"),
) -> jax.Array:
    """The array of a shape and a sharding; errors call the arguments `sharding` and `rng` by these names.

    With `whole` a block costs as much as the whole array, which is then computed once and cut.
    """
    _check_type(sharding, names[0])
    adapting.check(fill, shape)  # before a call is counted or anything is traced
    build = functools.partial(_build, fill, shape, dtype, sharding, whole, names[0])
    if isinstance(rng, jax.Array):
        return primitive.fill(lambda key: build(generator_from_key(key)), shape, dtype, one_key(rng, names[1]))
    local = sharding is None or jax.process_count() == 1 or (isinstance(sharding, Sharding) and sharding.is_fully_addressable)
    if rng is None and not local:
        raise ValueError(
            f"{names[1]} must be given, the same in every process, where {names[0]} has devices of others; got None"
        )
    source = seeded(rng, names[1])
    return primitive.fill(lambda: build(source), shape, dtype)


_SHARDING = inspect.Parameter("sharding", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Sharding | None")
_RNG = """\
rng : jax.Array, fastinit.Generator, int, sequence of int, numpy.random.SeedSequence or None
    A key of `jax.random` (see `generator_from_key`), or an argument of `fastinit.default_rng`. None takes entropy from the
    system; it is refused if the sharding has devices of other processes.
"""
_DTYPE = """\
dtype : dtype, optional
    Any that fastinit fills, or that the law has. None is float32, or for a law of integers JAX's int32 or int64. Dtypes of 64
    bits need `jax_enable_x64`.
"""
_ENTRY = """\
sharding : jax.sharding.Sharding, jax.sharding.PartitionSpec or None
    A sharding that cuts the shape evenly; or a PartitionSpec of the mesh that `jax.set_mesh` has set; or None for JAX's
    default device.
"""
_RETURNS = """\
jax.Array
    The bytes of `{origin}` with the same arguments, whatever the sharding.
"""
_RAISES = """\
RuntimeError
    Inside a JAX trace, when the program is compiled or batched. `jax.eval_shape` gives the shape and the dtype.
"""
_NOTES = {
    False: """\
Each block is generated alone, once for all devices of this process that hold it. The host holds one block at a time.
""",
    True: "The whole array is computed on the host, once, and cut.",
}
_EXAMPLE = """\
>>> import fastinit as fi, fastinit.jax as fj
>>> w = fj.{name}({arguments}, rng=0)
>>> bool((w == {call}).all())
True
"""


def _function(name: str) -> Callable[..., jax.Array]:
    """The initialiser with `sharding` in place of `out` and `index`."""
    function = adapting.FUNCTIONS[name]
    whole = block_cost(name) == "whole"

    def build(arguments: dict[str, Any]) -> jax.Array:
        sharding, rng = arguments.pop("sharding"), arguments.pop("rng")
        shape = arguments["shape"] = blocks.shape_of(arguments["shape"], "shape")
        dtype = np.dtype(np.uint32)
        if "dtype" in arguments:
            if arguments["dtype"] is None:  # the law's own, or where JAX lacks that, JAX's: int32 for int64
                arguments["dtype"] = jax.dtypes.canonicalize_dtype(adapting.real_of(arguments).dtype)
            dtype = arguments["dtype"] = held(adapting.real_of(arguments))
        return make(functools.partial(function, **arguments), shape, dtype, sharding, rng, whole=whole)

    arguments, call = adapting.example(name)
    return adapting.adapted(
        name,
        build,
        "fastinit.jax",
        _SHARDING,
        Parameters=_RNG + ("" if name == "bits" else _DTYPE) + _ENTRY,
        Returns=_RETURNS.format(origin=adapting.numpy_name(name)),
        Raises=docstrings.RAISES.replace(", IndexError", "") + _RAISES,
        Notes=_NOTES[whole],
        Examples=_EXAMPLE.format(name=name, arguments=arguments, call=call),
    )


#: The initialisers and `bits`, by their names.
BY_NAME = {name: _function(name) for name in adapting.FUNCTIONS}
