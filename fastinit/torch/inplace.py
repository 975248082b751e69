"""A fill as an in-place operation of torch: its checks, the generator that decides it, and the notice to autograd."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch

from fastinit.generator import Generator
from fastinit.torch.filling import shards
from fastinit.torch.filling.fills import Fill
from fastinit.torch.filling.generators import generator_of
from fastinit.torch.filling.shards import local_part
from fastinit.torch.filling.tensors import real_of, require_writable
from fastinit.torch.filling.writing import fill_tensor, fill_whole
from fastinit.torch.scopes.compiler import uncompiled
from fastinit.torch.scopes.scope import Scope
from fastinit.torch.scopes.stack import current, noting

#: Sections of the docstrings of all functions of `init` that draw.
SECTIONS = {
    "Parameters": """\
generator : fastinit.Generator, int, sequence of int, torch.Generator or None
    Decides the values: the next call of a fastinit.Generator, call 0 of a seed, or 128 bits drawn from a torch.Generator.
    None means the innermost `fast_init` or `materialize` block of this thread, else torch's default generator, which
    `torch.manual_seed` seeds. A DTensor outside blocks needs one, the same on every rank.
values : {"fastinit", "torch"} or None
    Whose values: fastinit's, or bit for bit those of torch's function with this generator, which is then a torch.Generator or
    None. None means those of the innermost block, else fastinit's.
""",
    "Returns": """\
torch.Tensor
    `tensor`.
""",
    "Raises": """\
TypeError, ValueError
    For a wrong argument; then nothing is written and no generator advances.
RuntimeError
    For an inference tensor outside inference mode, as in torch.
""",
    "Notes": """\
The tensor is float32, float64, float16 or bfloat16, on the CPU or an accelerator, with any strides, or a DTensor of such
parts. A tensor on the meta device stays as it is. Autograd does not record the fill, but a backward pass that saved the old
values raises.
""",
}


def require_tensor(tensor: Any) -> torch.Tensor:
    """The argument itself, if it is a tensor."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"tensor must be a torch.Tensor; got {type(tensor).__name__}")
    return tensor


def require_matrix(tensor: Any) -> tuple[int, ...]:
    """The shape of a tensor that can be a matrix of [outputs, inputs]."""
    shape = tuple(require_tensor(tensor).shape)
    if len(shape) < 2:
        raise ValueError(f"tensor must have at least 2 dimensions; got shape {shape}")
    return shape


def _generator(tensor: torch.Tensor, generator: Any) -> Generator:
    """The Generator whose next call fills the tensor, outside scopes."""
    if generator is None and shards.is_sharded(tensor):
        raise ValueError("generator must be given for a DTensor, the same on every rank; got None")
    return generator_of(generator)


@contextlib.contextmanager
def writing(tensor: torch.Tensor) -> Iterator[None]:
    """Write past autograd, and tell it, so that a backward pass that saved the old values raises."""
    require_writable(tensor)
    with torch.no_grad():
        yield
    torch.autograd.graph.increment_version(tensor)


def _scope(generator: Any) -> Scope | None:
    """The scope that decides, unless a generator does."""
    scope: Scope | None = current() if generator is None else None
    return scope


@uncompiled
def fill_in_place(tensor: Any, fill: Fill, generator: Any) -> torch.Tensor:
    """Fill a tensor, unless it is on the meta device."""
    target = require_tensor(tensor)
    if (notes := noting(target)) is not None:
        fill.plan(real_of(target))
        with writing(target):
            notes.try_fill(target, fill, generator)
        return target
    scope = _scope(generator)
    write = functools.partial(fill_tensor, rng=_generator(target, generator)) if scope is None else scope.fill
    if not local_part(target).is_meta:
        with writing(target):
            write(target, fill)
    return target


@uncompiled
def make_in_place(tensor: torch.Tensor, make: Callable[[torch.Tensor, Generator], None], generator: Any) -> torch.Tensor:
    """Fill a tensor by a function that needs the whole of it and one call of a Generator."""
    if (notes := noting(tensor)) is not None:
        write = functools.partial(notes.make, tensor, make, generator)
    elif (scope := _scope(generator)) is not None:
        write = functools.partial(scope.make, tensor, make)
    else:
        rng = _generator(tensor, generator)
        write = functools.partial(fill_whole, tensor, lambda whole: make(whole, rng))
    if not local_part(tensor).is_meta and tensor.numel():
        with writing(tensor):
            write()
    return tensor
