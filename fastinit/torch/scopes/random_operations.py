"""Kernels for random operations and for the steps of a copied `trunc_normal_`. They run only in threads that are in a scope."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import torch

from fastinit.torch.filling import fills, shards
from fastinit.torch.filling.fills import Fill
from fastinit.torch.scopes import chains, copies, dispatch_keys, vector_math
from fastinit.torch.scopes.compiler import uncompiled
from fastinit.torch.scopes.dispatch_keys import ABOVE, AFTER, BELOW
from fastinit.torch.scopes.stack import current

aten = torch.ops.aten
Kernel = Callable[..., Any]

_CPU = torch._C.DispatchKey.CPU
_ONLY_ABOVE = torch._C.DispatchKeySet(torch._C._dispatch_key_parse(ABOVE))


def uniform(a: Any = 0.0, b: Any = 1.0) -> Fill:
    return fills.uniform(a, b)


def normal(mean: Any = 0.0, std: Any = 1.0) -> Fill:
    return fills.normal(mean, std)


#: In-place fills: the fill for the arguments after the tensor.
IN_PLACE: dict[Any, Callable[..., Fill]] = {aten.uniform_.default: uniform, aten.normal_.default: normal}
#: Operations that make a tensor like another one.
LIKE: dict[Any, Callable[..., Fill]] = {
    **dict.fromkeys((aten.rand_like.default, aten.rand_like.generator), uniform),
    **dict.fromkeys((aten.randn_like.default, aten.randn_like.generator), normal),
}
#: torch.normal with a tensor for the mean or the standard deviation.
NORMAL = (aten.normal.Tensor_float, aten.normal.float_Tensor, aten.normal.Tensor_Tensor)
NORMAL_OUT = (aten.normal.Tensor_float_out, aten.normal.float_Tensor_out, aten.normal.Tensor_Tensor_out)


_registering = threading.Lock()


def register() -> list[torch.library.Library]:
    """Register all kernels, once in a process, also if several threads enter their first scopes at the same time."""
    with _registering:
        vector_math.settle()
        return _register()


@functools.cache
def _register() -> list[torch.library.Library]:
    """They stay registered as long as the result lives."""
    libraries = []
    for key, kernels in ((ABOVE, _above()), (BELOW, _below())):
        library, rest = torch.library.Library("aten", "IMPL", key), torch.library.Library("_", "IMPL", key)
        rest.fallback(torch.library.fallthrough_kernel)
        for op, kernel in kernels.items():
            library.impl(op, uncompiled(functools.partial(kernel, op)), with_keyset=True)
        libraries += [library, rest]
    return libraries


def _above() -> dict[Any, Kernel]:
    return {
        **dict.fromkeys(IN_PLACE, _fill_shards),
        **dict.fromkeys(LIKE, _make_shards),
        **dict.fromkeys(chains.STEPS, _step),
    }


def _below() -> dict[Any, Kernel]:
    return {
        **dict.fromkeys(_random_operations(), _decide),
        **dict.fromkeys((*NORMAL, *NORMAL_OUT), _normal),
        **dict.fromkeys(IN_PLACE, _fill),
    }


def _random_operations() -> list[Any]:
    """All operations of torch with a kernel for the CPU that take a generator."""
    found = []
    for name in torch._C._dispatch_get_all_op_names():
        if name.startswith("aten::") and torch._C._dispatch_has_kernel_for_dispatch_key(name, "CPU"):
            base, _, overload = name.removeprefix("aten::").partition(".")
            op = getattr(getattr(aten, base), overload or "default")
            if any(argument.name == "generator" for argument in op._schema.arguments):
                found.append(op)
    return found


def _fill(op: Any, keys: Any, tensor: torch.Tensor, *args: Any, generator: Any = None) -> torch.Tensor:
    scope = current()
    if not tensor.is_meta:  # DTensors try an operation without memory first
        dispatch_keys.see_shards()
    if scope is not None and scope.try_fill(tensor, IN_PLACE[op](*args), generator):
        return tensor
    return _decide(op, keys, tensor, *args, generator=generator)  # type: ignore[no-any-return]


def _decide(op: Any, keys: Any, *args: Any, **kwargs: Any) -> Any:
    """Let torch compute an operation, decided by the scope's generator unless the caller gives one."""
    scope = current()
    if scope is not None and scope.decides_all and keys.has(_CPU):
        place = _place_of_generator(op)
        given = args[place] if place < len(args) else kwargs.get("generator")
        if given is None:
            args, kwargs = args[:place], {**kwargs, "generator": scope.torch_generator()}
    copies.settle()
    return op.redispatch(keys & AFTER[BELOW], *args, **kwargs)


@functools.cache
def _place_of_generator(op: Any) -> int:
    return [argument.name for argument in op._schema.arguments].index("generator")


def _normal(op: Any, keys: Any, mean: Any, std: Any = 1.0, **options: Any) -> Any:
    """The mean plus the deviation times a standard normal tensor."""
    scope, out = current(), options.get("out")
    whole = torch.broadcast_tensors(*(x for x in (mean, std) if isinstance(x, torch.Tensor)))[0]
    if scope is None or not scope.decides_all or whole.is_complex() or _has_negative(std):
        return _decide(op, keys, mean, std, **options)
    values = torch.empty_like(whole, memory_format=torch.contiguous_format).normal_(generator=options.get("generator"))
    values.mul_(std).add_(mean)
    return values if out is None else out.resize_(values.shape).copy_(values)


def _has_negative(std: Any) -> bool:
    return bool((std < 0).any() if isinstance(std, torch.Tensor) else std < 0)


def _step(op: Any, keys: Any, tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    if copies.takes_step(op, tensor, args, kwargs):
        return tensor
    with torch._C._ExcludeDispatchKeyGuard(_ONLY_ABOVE):  # a redispatch would refuse numbers in the place of tensors
        return op(tensor, *args, **kwargs)


def _is_ours(tensor: torch.Tensor) -> bool:
    return shards.is_sharded(tensor) and current() is not None and not torch._C._len_torch_dispatch_stack()


def _fill_shards(op: Any, keys: Any, tensor: torch.Tensor, *args: Any, generator: Any = None) -> torch.Tensor:
    if _is_ours(tensor):
        if tensor.requires_grad and torch.is_grad_enabled():
            tensor.zero_()  # an error for a leaf; else autograd takes note that the old values are gone
        with torch.no_grad():
            if current().try_fill(tensor, IN_PLACE[op](*args), generator):
                torch.autograd.graph.increment_version(tensor)
                return tensor
    return op.redispatch(keys & AFTER[ABOVE], tensor, *args, generator=generator)  # type: ignore[no-any-return]


def _make_shards(op: Any, keys: Any, like: torch.Tensor, *, generator: Any = None, **options: Any) -> torch.Tensor:
    if _is_ours(like):
        tensor = torch.empty_like(like, **options)
        with torch.no_grad():
            if current().try_fill(tensor, LIKE[op](), generator):
                return tensor
    given = options if generator is None else {**options, "generator": generator}
    return op.redispatch(keys & AFTER[ABOVE], like, **given)  # type: ignore[no-any-return]
