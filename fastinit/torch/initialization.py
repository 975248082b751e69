"""Run any constructor with its random fills made by fastinit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Literal, overload

import torch

from fastinit.arguments import checks
from fastinit.generator import Generator
from fastinit.torch.filling.generators import require_torchs, rng_of
from fastinit.torch.scopes.call_order import CallOrder
from fastinit.torch.values.scope import TorchValues, standing_in


class _Default(int):
    """The default of `rng`, told apart from a 0 that is given."""


_DEFAULT = _Default(0)


@overload
def fast_init(rng: Any = 0, values: Literal["fastinit"] = "fastinit") -> contextlib.AbstractContextManager[Generator]: ...
@overload
def fast_init(
    rng: torch.Generator | None = None, *, values: Literal["torch"]
) -> contextlib.AbstractContextManager[torch.Generator]: ...
def fast_init(rng: Any = _DEFAULT, values: str = "fastinit") -> Any:
    """Make the random fills in a `with` block fast and reproducible, whichever code calls for them.

    In this thread and until the block ends, `torch.nn.init.*`, `Tensor.uniform_`, `Tensor.normal_`, `torch.rand`,
    `torch.randn`, their `_like` forms and `torch.normal` take their values from fastinit. That holds for float32, float64,
    float16 and bfloat16 on the CPU, on NVIDIA GPUs if FASTINIT_GPU is 1, and for DTensors of these. A `trunc_normal_`, torch's
    or a copy of it that is built of `erfinv_`, is one truncated fill. All other random operations on the CPU are torch's, but
    the block decides them too.

    Parameters
    ----------
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values: a seed, a fastinit.Generator from its next call on, or 128 bits drawn from a torch.Generator; None
        draws them from torch's default generator. With values="torch" only a torch.Generator on the CPU or None, which means
        torch's default generator and is the default then.
    values : {"fastinit", "torch"}
        Whose values: fastinit's own, or bit for bit those that torch would make without the block.

    Yields
    ------
    fastinit.Generator or torch.Generator
        The Generator in use.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these; or in the block, if a DTensor is filled whose placements hold partial sums, or with
        rng=None.

    Notes
    -----
    The n-th fill in the block takes call n of the Generator, so a constructor that fills in another order gives other values.
    (With `materialize` names decide.) Fills of tensors on other devices take no call. A fill with a `generator=` takes none
    either: its generator decides. Blocks nest, and the innermost counts. Other threads are not affected.

    With values="torch" all values are torch's, and so is the state in which the generator is left. Large fills of tensors in
    memory are made by fastinit, everything else by torch. A torch.Generator given as `rng` moves on when the block ends. Until
    then torch's default generator has its state, also for other threads: they must not draw from it or seed it meanwhile.
    `docs/torch-values.md` has the rest.

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
    if checks.one_of("values", values, ("fastinit", "torch")) == "torch":
        return _torchs(require_torchs("rng", None if rng is _DEFAULT else rng))
    return _fastinits(rng)


@contextlib.contextmanager
def _fastinits(rng: Any) -> Iterator[Generator]:
    generator = rng_of(rng)
    with CallOrder(generator, rng is not None):
        yield generator


@contextlib.contextmanager
def _torchs(generator: torch.Generator | None) -> Iterator[torch.Generator]:
    with standing_in(generator) as used, TorchValues():
        yield used
