"""What an operation of torch does to its tensors, read from its schema."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from fastinit.torch.filling import fills
from fastinit.torch.filling.fills import Fill

aten = torch.ops.aten

#: Make a tensor of random values: the fill, from the arguments.
FACTORIES: dict[Any, Callable[..., Fill]] = {
    **dict.fromkeys((aten.rand.default, aten.rand_like.default), lambda like: fills.uniform(0.0, 1.0)),
    **dict.fromkeys((aten.randn.default, aten.randn_like.default), lambda like: fills.normal(0.0, 1.0)),
    aten.normal.float_float: lambda mean, std, size: fills.normal(mean, std),
}

#: Make memory without values.
EMPTY = frozenset(
    {
        aten.empty.memory_format,
        aten.empty_strided.default,
        aten.empty_like.default,
        aten.new_empty.default,
        aten.new_empty_strided.default,
    }
)

#: Fill a tensor with one number: the number, from the arguments.
FILLS: dict[Any, Callable[..., Any]] = {
    aten.zero_.default: lambda tensor: 0,
    aten.fill_.Scalar: lambda tensor, value: value,
}

#: Make a tensor with one number everywhere.
CONSTANTS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((aten.zeros.default, aten.zeros_like.default, aten.new_zeros.default), lambda *_, **__: 0),
    **dict.fromkeys((aten.ones.default, aten.ones_like.default, aten.new_ones.default), lambda *_, **__: 1),
    aten.full.default: lambda size, value, **_: value,
    aten.full_like.default: lambda like, value, **_: value,
    aten.new_full.default: lambda like, size, value, **_: value,
}

#: Write every element of a tensor without reading it. Random operations on a tensor do so too.
OVERWRITES = frozenset({aten.zero_.default, aten.fill_.Scalar, aten.fill_.Tensor, aten.copy_.default})

#: Each element of the result depends on the same element of the arguments, though torch has no tag for it.
POINTWISE = frozenset({aten.copy_.default, aten.fill_.Tensor, aten.clone.default, aten._to_copy.default})

#: Change where a tensor's elements are, and write none.
MOVES = frozenset({aten.set_.source_Tensor, aten.set_.source_Storage_storage_offset, aten.lift_fresh.default})


class Operation(NamedTuple):
    """The properties of an operation."""

    #: Position and name of the arguments that it writes.
    written: tuple[tuple[int, str], ...]
    #: Whether the result is on the memory of an argument, and nothing is written.
    is_view: bool
    #: Whether Python gets a number, or a shape that depends on values.
    needs_values: bool
    is_random: bool
    is_pointwise: bool
    overwrites: bool
    #: Whether it writes the argument `out`, every element of it, and no other.
    is_out: bool
    has_device: bool


@functools.cache
def describe(func: Any) -> Operation:
    """Read an operation's schema and tags."""
    arguments, returns = func._schema.arguments, func._schema.returns
    written = tuple((i, each.name) for i, each in enumerate(arguments) if each.alias_info and each.alias_info.is_write)
    is_random = torch.Tag.nondeterministic_seeded in func.tags
    return Operation(
        written=() if func in MOVES else written,
        is_view=func in MOVES or (not written and any(each.alias_info for each in returns)),
        needs_values=torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags,
        is_random=is_random,
        is_pointwise=func in POINTWISE or (not is_random and _is_tagged_pointwise(func)),
        overwrites=func in OVERWRITES or (is_random and [position for position, _ in written] == [0]),
        is_out=[name for _, name in written] == ["out"],
        has_device=any(each.name == "device" for each in arguments),
    )


def _is_tagged_pointwise(func: Any) -> bool:
    """Whether torch says so, of an operation or of the one that makes a new tensor: `abs` has the tag, `abs_` has not."""
    name, _, overload = func.__name__.partition(".")
    packet = getattr(getattr(torch.ops, func.namespace), name.removesuffix("_"), None)
    new = getattr(packet, overload, None) if name.endswith("_") else None
    return any(torch.Tag.pointwise in each.tags for each in (func, new) if each is not None)


def tensors_in(arguments: Any) -> Iterator[torch.Tensor]:
    """The tensors among arguments, or in lists of these."""
    for each in arguments:
        if isinstance(each, torch.Tensor):
            yield each
        elif type(each) in (list, tuple):
            yield from tensors_in(each)


def replaced(value: Any, kind: type, replace: Callable[[Any], Any]) -> Any:
    """An argument with everything of a kind in it replaced."""
    if isinstance(value, kind):
        return replace(value)
    if type(value) in (list, tuple):
        return type(value)(replaced(each, kind, replace) for each in value)
    return value


def call(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], kind: type, replace: Callable[[Any], Any]) -> Any:
    """Call with everything of a kind in the arguments replaced."""
    return func(
        *[replaced(each, kind, replace) for each in args],
        **{name: replaced(each, kind, replace) for name, each in kwargs.items()},
    )
