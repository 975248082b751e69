"""Run any constructor with its random fills made by fastinit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from fastinit.generator import Generator
from fastinit.torch import shards
from fastinit.torch.dispatch_mode import Scope
from fastinit.torch.generators import rng_of


class _CallOrder(Scope):
    """The n-th fill draws from call n of one Generator."""

    def __init__(self, rng: Generator, same_on_all_ranks: bool) -> None:
        super().__init__()
        self.rng = rng
        self.same_on_all_ranks = same_on_all_ranks

    def generator(self, tensor: torch.Tensor) -> Generator:
        if not self.same_on_all_ranks and shards.is_sharded(tensor):
            raise ValueError("rng must be given where DTensors are filled, the same on every rank; got None")
        return self.rng


@contextlib.contextmanager
def fast_init(rng: Any = 0) -> Iterator[Generator]:
    """Make the random fills in a `with` block fast and reproducible, whichever code calls for them.

    In this thread and until the block ends, `torch.nn.init.*`, `Tensor.uniform_`, `Tensor.normal_`, `torch.rand`,
    `torch.randn`, their `_like` forms and `torch.normal` of two numbers take their values from fastinit. That holds for
    float32, float64, float16 and bfloat16 on the CPU, on NVIDIA GPUs if FASTINIT_GPU is 1, and for DTensors of these.
    `torch.nn.init.trunc_normal_` is one truncated fill. Everything else stays torch's, also a fill with arguments that fastinit
    refuses.

    Build in the block; do not train or trace in it.

    Parameters
    ----------
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values: a seed, a fastinit.Generator from its next call on, or 128 bits drawn from a torch.Generator; None
        draws them from torch's default generator.

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
    The n-th fill in the block takes call n of the Generator, so a constructor that fills in another order gives other values.
    (With `materialize` names decide.) Fills of tensors on other devices take no call. A fill with a `generator=` takes none
    either: its generator decides. Blocks nest, and the innermost counts. Other threads are not affected.

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
    generator = rng_of(rng)
    with _CallOrder(generator, rng is not None):
        yield generator
