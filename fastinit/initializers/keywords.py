"""What all initialisers share: their keywords and signature, the Generator they draw from, the block they write."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict, TypeVar, cast

import ml_dtypes
import numpy as np
import numpy.typing as npt

from fastinit.arguments import blocks, dtypes, outputs
from fastinit.arguments.hints import shown
from fastinit.generator import Generator, default_rng
from fastinit.initializers.documentation import BlockCost, document
from fastinit.initializers.fan import Fans, fans

Array = npt.NDArray[Any]
Shape = int | tuple[int, ...] | list[int]
Axis = int | tuple[int, ...]

#: Elements that a pass over an array may hold temporaries for.
TEMPORARY_PIECE = 1 << 17


class Options(TypedDict, total=False):
    """Keywords of every initialiser."""

    rng: Any
    dtype: npt.DTypeLike
    out: Array | None
    index: Any


class AxisOptions(TypedDict, total=False):
    """Keywords that say which axes of a weight count its inputs and outputs."""

    layout: str
    in_axis: Axis | None
    out_axis: Axis | None
    batch_axis: Axis
    groups: int


class WeightOptions(AxisOptions, Options, total=False):
    """Keywords of the initialisers that depend on a weight's fans."""


OPTIONS: dict[str, Any] = {"rng": None, "dtype": None, "out": None, "index": None}
AXIS_OPTIONS: dict[str, Any] = {"layout": "out_in", "in_axis": None, "out_axis": None, "batch_axis": (), "groups": 1}
WEIGHT_OPTIONS = AXIS_OPTIONS | OPTIONS

#: Every initialiser by its name, aliases included.
INITIALIZERS: dict[str, Callable[..., Any]] = {}
_BLOCK_COSTS: dict[str, BlockCost] = {}

F = TypeVar("F", bound=Callable[..., Any])


def initializer(*aliases: str, random: bool = True, block: BlockCost = "block") -> Callable[[F], F]:
    """Register an initialiser: its signature and docstring spell out `**options`, and it takes only the shape by position."""

    def decorate(function: F) -> F:
        signature = _full_signature(function)
        keywords = list(signature.parameters)[1:]

        @functools.wraps(function)
        def shape_alone(*arguments: Any, **options: Any) -> Any:
            if len(arguments) > 1:
                raise TypeError(f"{name}() takes the shape alone by position; {advice(keywords, arguments[1])}")
            return function(*arguments, **options)

        name = function.__name__
        shape_alone.__signature__ = signature  # type: ignore[attr-defined]
        shape_alone.__doc__ = document(function.__doc__ or "", signature.parameters, random=random, block=block)
        INITIALIZERS.update(dict.fromkeys((name, *aliases), shape_alone))
        _BLOCK_COSTS.update(dict.fromkeys((name, *aliases), block))
        return cast(F, shape_alone)

    return decorate


def _full_signature(function: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    *parameters, options = signature.parameters.values()
    shared = WEIGHT_OPTIONS if "WeightOptions" in options.annotation else OPTIONS
    kinds = {name: kind.__forward_arg__ for name, kind in {**AxisOptions.__annotations__, **Options.__annotations__}.items()}
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kinds[name])
        for name, default in shared.items()
    ]
    return signature.replace(parameters=parameters)


def advice(keywords: list[str], value: Any) -> str:
    """How to write a value that has no name: by the first two keywords of the function's own, and all that it has."""
    first = [name for name in keywords if name not in WEIGHT_OPTIONS][:2]
    write = f"write {' or '.join(f'{name}={shown(value)}' for name in first)}; " if first else ""
    return f"{write}its keywords are {', '.join(keywords)}" if keywords else "it has no others"


def block_cost(name: str) -> BlockCost:
    """What a block of the function of this name costs."""
    return _BLOCK_COSTS.get(name, "block")


def generator(rng: Any) -> Generator:
    """The Generator of an argument `rng`."""
    try:
        return default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rng {str(error).removeprefix('seed ')}") from None


class Request(NamedTuple):
    """The checked keywords of a call: what to fill, and from which Generator."""

    shape: tuple[int, ...]
    real: dtypes.Real
    rng: Generator
    out: Array | None
    index: Any

    def draw(self, method: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Fill the block by a method of a Generator."""
        return method(*arguments, self.shape, dtype=self.real.dtype, out=self.out, index=self.index, **more)

    def target(self, make: Callable[..., Array] = np.empty) -> Array:
        """The array to write the block into."""
        block = blocks.Block(self.shape) if self.index is None else blocks.select(self.index, self.shape)
        if self.out is None:
            return outputs.allocate("shape", block.shape, self.real.dtype, make)
        return outputs.check_on_host(self.out, block.shape, self.real.dtype)

    def result(self, target: Array) -> Any:
        """What to return for a filled target: `out`, or the array, or a scalar if the index names one element."""
        if self.out is not None:
            return outputs.result(self.out, target)
        return target[()] if not target.shape and blocks.is_element(self.index) else target

    def named_generators(self) -> Callable[[str], Generator]:
        """Generators by name, seeded by one call of `rng`."""
        return default_rng([int(word) for word in self.rng.bits(4)]).child

    def with_all_axes(self, target: Array) -> tuple[Array, list[range]]:
        """The target with as many axes as the whole array, and the indices that it has along each."""
        parts = blocks.expand(... if self.index is None else self.index, self.shape)
        single = tuple(axis for axis, part in enumerate(parts) if not isinstance(part, slice))
        indices = [_indices(part, n) for part, n in zip(parts, self.shape, strict=True)]
        return np.expand_dims(target, single), indices


def _indices(part: Any, n: int) -> range:
    """The indices that a slice or an integer selects along an axis of length n."""
    if isinstance(part, slice):
        return range(n)[part]
    i = operator.index(part) % n  # as an int: n may not fit the type of a NumPy integer
    return range(i, i + 1)


def _check_names(options: Any, allowed: Mapping[str, Any] = OPTIONS) -> None:
    for name in options:
        if name not in allowed:
            raise TypeError(f"{name!r} is not a keyword here; besides its own parameters it takes {', '.join(allowed)}")


def read(shape: Any, options: Options, real: Callable[[Any, Any], dtypes.Real] = outputs.real) -> Request:
    """Read and check the keywords of every initialiser; `real` chooses the dtype from `dtype` and `out`."""
    _check_names(options)
    return Request(
        blocks.shape_of(shape, "shape"),
        real(options.get("dtype"), options.get("out")),
        generator(options.get("rng")),
        options.get("out"),
        options.get("index"),
    )


def read_weight(shape: Any, options: WeightOptions) -> tuple[Request, Fans]:
    """Read and check the keywords of an initialiser that depends on fans, and count the fans."""
    _check_names(options, WEIGHT_OPTIONS)
    rest: dict[str, Any] = dict(options)
    axes = {name: rest.pop(name) for name in AXIS_OPTIONS if name in rest}
    request = read(shape, cast(Options, rest))
    return request, fans(request.shape, **axes)


def without_zeros(target: Array) -> None:
    """Replace each zero by the smallest normal number of the dtype, with the zero's sign."""
    least = ml_dtypes.finfo(target.dtype).smallest_normal
    cells = f"u{target.itemsize}"
    one = np.dtype(cells).type(1)
    for piece in outputs.parts(target, TEMPORARY_PIECE):
        zeros = piece.view(cells) << one == 0  # of either sign; NumPy compares 16-bit floats slowly
        if zeros.any():
            piece[zeros] = np.copysign(least, piece[zeros]).astype(target.dtype)
