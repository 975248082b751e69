"""Run any constructor with its CPU fills made by fastinit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from fastinit.generator import Generator
from fastinit.torch import generators as sources
from fastinit.torch import shards
from fastinit.torch.dispatch_mode import FillMode
from fastinit.torch.filling import fill
from fastinit.torch.fills import Law


class _Numbered(FillMode):
    """Fill n draws from call n of one Generator."""

    def __init__(self, rng: Generator, shared: bool) -> None:
        super().__init__()
        self.rng = rng
        self.shared = shared

    def generator(self, tensor: torch.Tensor) -> Generator:
        if not self.shared and shards.is_sharded(tensor):
            raise ValueError("rng must be given where DTensors are filled, the same on every rank; got None")
        return self.rng

    def fill(self, tensor: torch.Tensor, law: Law) -> None:
        fill(tensor, law, self.generator(tensor))


@contextlib.contextmanager
def fast_init(rng: Any = 0) -> Iterator[Generator]:
    """Make the random fills of CPU tensors in a block fast and reproducible, whoever calls for them.

    In this thread and until the block ends, `torch.nn.init.*`, `Tensor.uniform_`, `Tensor.normal_`, `torch.rand`,
    `torch.randn`, their `_like` forms and `torch.normal` of two numbers take their values from fastinit, for float32, float64,
    float16 and bfloat16 on the CPU, DTensors included; `torch.nn.init.trunc_normal_` is one truncated fill. Everything else,
    and a fill with arguments that fastinit does not take, is torch's own.

    Parameters
    ----------
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values. A fastinit.Generator is used on from its next call; a torch.Generator, or None for torch's default
        one, gives 128 bits and moves on.

    Yields
    ------
    fastinit.Generator
        The Generator in use.

    Raises
    ------
    TypeError, ValueError
        If `rng` is none of these; or in the block, if a DTensor is filled whose placements hold partial sums, or with rng=None.

    Notes
    -----
    The n-th fill in the block takes call n of the Generator (a constructor that fills in another order gives other values:
    `materialize` goes by names instead). Fills of tensors on other devices do not count, nor do those with a `generator=` of
    their own, whose state decides. Blocks nest, the innermost counts; other threads are as they were.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> with ft.fast_init(rng=0):
    ...     model = torch.nn.Linear(1000, 1000)
    >>> with ft.fast_init(rng=0):
    ...     twin = torch.nn.Linear(1000, 1000)
    >>> bool((model.weight == twin.weight).all())
    True
    """
    source = sources.rng_of(rng)
    with _Numbered(source, rng is not None):
        yield source
