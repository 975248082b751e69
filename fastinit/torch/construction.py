"""Run any constructor without memory for its tensors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from fastinit.generator import Generator
from fastinit.torch.filling.generators import rng_of
from fastinit.torch.recording import modules
from fastinit.torch.recording.recorder import Recorder


@contextlib.contextmanager
def deferred(rng: Any = 0) -> Iterator[Generator]:
    """Run any constructor in a `with` block without memory for its tensors; `materialize` gives them memory and values.

    In this thread and until the block ends, new tensors are on the meta device. What is done to them is noted: fills,
    constants, copies, arithmetic, writes into parts. What Python must know at once is computed from the few tensors that it
    depends on: `item()`, `tolist()`, `numpy()`, operations whose shape depends on values. `fastinit.torch.materialize` then
    does the same for each tensor that the model holds. In between, the model may be sharded (`fully_shard`, tensor parallel),
    converted (`model.to(torch.bfloat16)`), and have weights tied.

    Parameters
    ----------
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values: a seed, the seed and path of a fastinit.Generator, which does not advance, or 128 bits drawn from a
        torch.Generator; None draws them from torch's default generator. For DTensors the same on every rank, and not None.

    Yields
    ------
    fastinit.Generator
        The Generator in use.

    Raises
    ------
    TypeError, ValueError
        If `rng` is none of these, or if torch's default device is the meta device.
    RuntimeError
        In the block, if Python needs values that nothing has set.
    NotImplementedError
        In the block, if a tensor is made that is not dense.

    Notes
    -----
    Each tensor has the distribution that the constructor gives it, also one that it copies or computes from others. A random
    fill of a whole parameter draws from call 0 of `rng.child(name)`, the next ones that count from the next calls; a fill that
    is overwritten later does not count. What a parameter is computed from draws from the child of the parameter's name; if
    several need it, from that of the first name in alphabetical order. So values depend on the seed, the name, the shape and
    the distribution, and are those of `materialize` without a block where the distributions are the same. What has to be drawn
    in the block draws from `rng.child("")`, in the order of the draws.

    Random operations that fastinit does not make (`bernoulli_`, `randperm`) are torch's, with a seed from the same calls.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> with ft.deferred(rng=0):
    ...     model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(64, 4, batch_first=True), 2)
    >>> model.layers[0].linear1.weight.device
    device(type='meta')
    >>> first, second = ft.materialize(model).layers
    >>> torch.equal(first.linear1.weight, second.linear1.weight)  # copies, as in torch
    True
    """
    generator = rng_of(rng)
    if torch.get_default_device().type == "meta":
        raise ValueError("deferred must not be used where torch's default device is the meta device")
    recorder = Recorder(generator)
    with modules.collected() as found, recorder:
        yield generator
    modules.note(found, is_seeded=rng is not None)
