"""What all initialisers share: their keywords, the Generator they draw from, the block they write."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict, TypeVar, cast

import ml_dtypes
import numpy as np
import numpy.typing as npt

from fastinit.arguments import blocks, checks, dtypes, outputs
from fastinit.generator import Generator, default_rng
from fastinit.initializers.fan import Fans, fans

Array = npt.NDArray[Any]
Shape = int | tuple[int, ...] | list[int]
Axis = int | tuple[int, ...]

#: Values that a pass over an array may hold temporaries for.
PIECE = 1 << 17


class Options(TypedDict, total=False):
    """Keywords of every initialiser."""

    rng: Any
    dtype: npt.DTypeLike
    out: Array | None
    index: Any


class Place(TypedDict, total=False):
    """Keywords that say which axes of a weight count its inputs and outputs."""

    layout: str
    in_axis: Axis | None
    out_axis: Axis | None
    batch_axis: Axis
    groups: int


class WeightOptions(Place, Options, total=False):
    """Keywords of the initialisers that depend on a weight's fans."""


OPTIONS: dict[str, Any] = {"rng": None, "dtype": np.float32, "out": None, "index": None}
PLACES: dict[str, Any] = {"layout": "out_in", "in_axis": None, "out_axis": None, "batch_axis": (), "groups": 1}
WEIGHT_OPTIONS = PLACES | OPTIONS

F = TypeVar("F", bound=Callable[..., Any])


def initializer(function: F) -> F:
    """Spell out `**options` in the signature that `help` and `inspect` show."""
    given = inspect.signature(function)
    *own, options = given.parameters.values()
    shared = WEIGHT_OPTIONS if "WeightOptions" in options.annotation else OPTIONS
    kinds = {name: kind.__forward_arg__ for name, kind in {**Place.__annotations__, **Options.__annotations__}.items()}
    spelled = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kinds[name])
        for name, default in shared.items()
    ]
    function.__signature__ = given.replace(parameters=[*own, *spelled])  # type: ignore[attr-defined]
    return function


def generator(rng: Any) -> Generator:
    """The Generator of what `default_rng` takes."""
    try:
        return default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rng {str(error).removeprefix('seed ')}") from None


def at_least_zero(name: str, value: Any) -> float:
    """A finite number that is not negative."""
    number = checks.number(name, value)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"{name} must be finite and at least 0; got {value!r}")
    return number


def above_zero(name: str, value: Any) -> float:
    """A finite positive number."""
    number = checks.number(name, value)
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be finite and above 0; got {value!r}")
    return number


def truth(name: str, value: Any) -> bool:
    """A switch."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {value!r}")
    return bool(value)


def representable(name: str, value: float, real: dtypes.Real) -> float:
    """`value`, if the type that the dtype is computed in holds it."""
    if abs(value) > real.largest:
        raise ValueError(f"{name} must be at most {real.largest:.6g} in magnitude for {real.name}; got {value!r}")
    return value


class Task(NamedTuple):
    """Checked keywords: what to fill, and from which Generator."""

    shape: tuple[int, ...]
    real: dtypes.Real
    rng: Generator
    out: Array | None
    index: Any

    def draw(self, method: Callable[..., Any], *arguments: float, **more: Any) -> Any:
        """What a method of a Generator gives for the block."""
        return method(*arguments, self.shape, dtype=self.real.dtype, out=self.out, index=self.index, **more)

    def target(self, make: Callable[..., Array] = np.empty) -> Array:
        """The array to write the block into."""
        block = blocks.Block(self.shape) if self.index is None else blocks.select(self.index, self.shape)
        return make(block.shape, self.real.dtype) if self.out is None else outputs.check(self.out, block.shape, self.real.dtype)

    def result(self, target: Array) -> Any:
        """The array, or the scalar where the index names one element and there is no `out`."""
        return target[()] if not target.shape and self.out is None and blocks.is_element(self.index) else target

    def private(self) -> Callable[[str], Generator]:
        """Take one call of the Generator as the seed of named ones, each of them at its first call."""
        return default_rng([int(word) for word in self.rng.bits(4)]).child

    def axes(self, target: Array) -> tuple[Array, list[range]]:
        """The target with all axes of the whole shape, and the places along each that it holds."""
        parts = blocks.expand(... if self.index is None else self.index, self.shape)
        single = tuple(axis for axis, part in enumerate(parts) if not isinstance(part, slice))
        places = [
            range(n)[part] if isinstance(part, slice) else range(part % n, part % n + 1)
            for part, n in zip(parts, self.shape, strict=True)
        ]
        return np.expand_dims(target, single), places


def check_names(options: Any, allowed: Mapping[str, Any] = OPTIONS) -> None:
    """Refuse keywords that no initialiser has."""
    for name in options:
        if name not in allowed:
            raise TypeError(f"{name!r} is not a keyword here; besides its own parameters it takes {', '.join(allowed)}")


def task(shape: Any, options: Options) -> Task:
    """Check the keywords of every initialiser."""
    check_names(options)
    return Task(
        blocks.shape_of(shape, "shape"),
        dtypes.resolve(options.get("dtype", np.float32)),
        generator(options.get("rng")),
        options.get("out"),
        options.get("index"),
    )


def weight_task(shape: Any, options: WeightOptions) -> tuple[Task, Fans]:
    """Check the keywords of an initialiser that depends on fans, and count them."""
    check_names(options, WEIGHT_OPTIONS)
    given: dict[str, Any] = dict(options)
    place = {name: given.pop(name) for name in PLACES if name in given}
    found = task(shape, cast(Options, given))
    return found, fans(found.shape, **place)


def without_zeros(target: Array) -> None:
    """Make each zero the smallest normal number of the dtype, with the zero's sign."""
    least = ml_dtypes.finfo(target.dtype).smallest_normal
    cells = f"u{target.itemsize}"
    one = np.dtype(cells).type(1)
    for piece in outputs.parts(target, PIECE):
        zeros = piece.view(cells) << one == 0  # whatever the sign; NumPy's comparison of 16-bit floats is slow
        if zeros.any():
            piece[zeros] = np.copysign(least, piece[zeros]).astype(target.dtype)
