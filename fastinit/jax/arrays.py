"""From an initialiser and a sharding to a `jax.Array`, whose blocks are generated where they are needed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

from fastinit import initializers
from fastinit.arguments import blocks, dtypes
from fastinit.calls import one_call
from fastinit.generator import Generator
from fastinit.initializers.keywords import generator
from fastinit.jax.keys import generator_from_key, one_key, seeded
from fastinit.jax.tracing import untraced

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
#: f(*, rng, out, index), with all other arguments of an initialiser given.
Fill = Callable[..., Any]

#: XLA takes memory over without a copy, for CPU devices, if it is aligned to so many bytes.
ALIGNMENT = 64


def _memory(shape: Shape, dtype: np.dtype[Any]) -> Array:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    first = -raw.__array_interface__["data"][0] % ALIGNMENT
    return raw[first : first + size].view(dtype).reshape(shape)


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """A dtype that fastinit fills and that JAX has as it is set up."""
    real = dtypes.resolve(dtype)
    if jax.dtypes.canonicalize_dtype(real.dtype) != real.dtype:
        raise TypeError(f"dtype must not be {real.name} unless jax_enable_x64 is set; got {dtype!r}")
    return real.dtype


def _check_type(sharding: Any, name: str) -> None:
    if sharding is not None and not isinstance(sharding, Sharding | PartitionSpec):
        raise TypeError(
            f"{name} must be a jax.sharding.Sharding, a PartitionSpec or None; got {type(sharding).__name__} {sharding!r}"
        )


def _on_devices(sharding: Sharding | PartitionSpec, shape: Shape, name: str) -> Sharding:
    """A sharding over devices that cuts the shape evenly."""
    found = sharding
    if isinstance(sharding, PartitionSpec):
        mesh = jax.sharding.get_mesh()
        if mesh.empty:
            raise ValueError(f"{name} must be a NamedSharding where jax.set_mesh has set no mesh; got {sharding}")
        found = NamedSharding(mesh, sharding)
    elif isinstance(sharding, NamedSharding) and isinstance(sharding.mesh, jax.sharding.AbstractMesh):
        raise ValueError(f"{name} must have a mesh of devices; got {sharding}")
    try:
        found.shard_shape(shape)
    except (ValueError, IndexError):
        raise ValueError(f"{name} must have no more axes than shape {shape} and cut each evenly; got {sharding}") from None
    return found


def _sharded(fill: Fill, shape: Shape, dtype: np.dtype[Any], sharding: Sharding, costly: bool) -> jax.Array:
    """Fill block by block; the host holds one at a time, and the devices that share one get it from one fill."""
    devices: dict[Any, list[Any]] = {}
    ready: dict[Any, list[jax.Array]] = {}
    for device, index in sharding.addressable_devices_indices_map(shape).items():
        devices.setdefault(_place(index), []).append(device)
    if not devices:
        fill(index=_nothing(shape))  # takes the call that the other processes take
    whole = fill() if costly and devices else None

    def block(index: tuple[slice, ...]) -> Any:
        place = _place(index)
        if not ready.get(place):
            host = _memory(sharding.shard_shape(shape), dtype)
            if whole is None:
                fill(index=index, out=host)
            else:
                host[...] = whole[index]
            if sharding.is_fully_replicated:  # JAX asks once, and copies
                return host
            homes = [SingleDeviceSharding(device, memory_kind=sharding.memory_kind) for device in devices[place]]
            ready[place] = jax.block_until_ready([jax.device_put(host, home) for home in homes])
        return ready[place].pop(0)

    return jax.make_array_from_callback(shape, sharding, block, dtype=dtype)


def _place(index: tuple[slice, ...]) -> tuple[Any, ...]:
    return tuple((part.start, part.stop) for part in index)


def _nothing(shape: Shape) -> tuple[slice, ...] | None:
    """An index of no elements, where there is one."""
    return (slice(0, 0),) * len(shape) or None


def _build(fill: Fill, shape: Shape, dtype: np.dtype[Any], sharding: Any, costly: bool, name: str, rng: Generator) -> jax.Array:
    drawn = functools.partial(fill, rng=one_call(rng))
    if sharding is None:
        host = _memory(shape, dtype)
        drawn(out=host)
        return jax.device_put(host)  # not committed to the device, as what JAX's own functions give
    return _sharded(drawn, shape, dtype, _on_devices(sharding, shape, name), costly)


def make(
    fill: Fill,
    shape: Shape,
    dtype: np.dtype[Any],
    sharding: Any,
    rng: Any,
    *,
    costly: bool,
    names: tuple[str, str] = ("sharding", "rng"),
) -> jax.Array:
    """The array of a shape and a sharding; `names` are those of the arguments `sharding` and `rng` in errors.

    `costly` says that a block costs as much as the whole, which then is computed once and cut.
    """
    _check_type(sharding, names[0])
    fill(rng=0, index=_nothing(shape))  # refuses wrong arguments before anything is taken or traced
    build = functools.partial(_build, fill, shape, dtype, sharding, costly, names[0])
    if isinstance(rng, jax.Array):
        return untraced(lambda key: build(generator_from_key(key)), shape, dtype, one_key(rng, names[1]))
    local = sharding is None or jax.process_count() == 1 or (isinstance(sharding, Sharding) and sharding.is_fully_addressable)
    if rng is None and not local:
        raise ValueError(
            f"{names[1]} must be given, the same in every process, where {names[0]} has devices of others; got None"
        )
    source = seeded(rng, names[1])
    return untraced(lambda: build(source), shape, dtype)


def bits(shape: Any, *, rng: Any = None, out: Any = None, index: Any = None) -> Any:
    """Draw raw 32-bit words of Philox4x32-10, each equally likely."""
    return generator(rng).bits(shape, out=out, index=index)


_DOCUMENTATION = """{first}

Parameters
----------
shape, ...
    As for `{origin}`, with the same defaults.
sharding : jax.sharding.Sharding, jax.sharding.PartitionSpec or None
    Where the blocks go: a sharding that cuts the shape evenly, a PartitionSpec of the mesh that `jax.set_mesh` has set, or None
    for JAX's default device.
rng : jax.Array, fastinit.Generator, int, sequence of int, numpy.random.SeedSequence or None
    A key of `jax.random` (see `generator_from_key`), or what `fastinit.default_rng` takes. None takes entropy from the system,
    and is refused where the sharding has devices of other processes.
{dtype}
Returns
-------
jax.Array
    Bit for bit what `{origin}` gives, whatever the sharding.

Raises
------
TypeError, ValueError
    For an argument that is not as above; no call of a Generator is taken then.
RuntimeError
    Inside a JAX trace, when the program is compiled or batched. `jax.eval_shape` gives the shape and the dtype.

Notes
-----
Each block is generated alone, once for all devices of this process that hold it; the host holds one block at a time.{costly}

Examples
--------
>>> import jax, fastinit.jax as fj
>>> mesh = jax.make_mesh((len(jax.devices()),), ("x",))
>>> sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x"))
>>> w = fj.normal((64, 64), scale=0.02, rng=0, sharding=sharding)
>>> w.shape, w.sharding == sharding
((64, 64), True)
"""
_DTYPE = "dtype : dtype\n    Any that fastinit fills; float64 where jax_enable_x64 is set.\n"
_COSTLY = "\nOf this function the whole is computed on the host, once, and cut."
#: Initialisers of which a block costs as much as the whole.
WHOLE = ("orthogonal", "delta_orthogonal")


def placed(name: str, function: Callable[..., Any]) -> Callable[..., jax.Array]:
    """The initialiser with `sharding` in place of `out` and `index`."""
    given = inspect.signature(function)
    kept = {key: kind for key, kind in given.parameters.items() if key not in ("out", "index")}
    kept["sharding"] = inspect.Parameter("sharding", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Sharding | None")
    shown = given.replace(parameters=list(kept.values()), return_annotation="jax.Array")

    def array(*arguments: Any, **keywords: Any) -> jax.Array:
        try:
            chosen = shown.bind(*arguments, **keywords).arguments
        except TypeError as error:
            raise TypeError(f"{name}: {error}; its arguments are {', '.join(shown.parameters)}") from None
        sharding, rng = chosen.pop("sharding", None), chosen.pop("rng", None)
        shape = chosen["shape"] = blocks.shape_of(chosen["shape"], "shape")
        dtype = np.dtype(np.uint32)
        if "dtype" in shown.parameters:
            dtype = chosen["dtype"] = checked_dtype(chosen.get("dtype", np.float32))
        fill = functools.partial(function, **chosen)
        return make(fill, shape, dtype, sharding, rng, costly=name in WHOLE)

    array.__name__ = array.__qualname__ = name
    array.__module__ = "fastinit.jax"
    array.__signature__ = shown  # type: ignore[attr-defined]
    array.__doc__ = _DOCUMENTATION.format(
        first=(function.__doc__ or "").partition("\n")[0],
        origin="fastinit.Generator.bits" if function is bits else f"fastinit.initializers.{name}",
        dtype=_DTYPE if "dtype" in shown.parameters else "",
        costly=_COSTLY if name in WHOLE else "",
    )
    return array


#: Every function of this kind by its name.
BY_NAME = {name: placed(name, function) for name, function in {"bits": bits, **initializers.BY_NAME}.items()}
