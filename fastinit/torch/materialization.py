"""Give a model from the meta device memory and values, each parameter by its name."""

from __future__ import annotations

from typing import Any, Literal, overload

import torch
from torch import nn

from fastinit.arguments.checks import switch
from fastinit.torch.filling.shards import is_sharded, local_part
from fastinit.torch.filling.writing import require_device
from fastinit.torch.models.bars import bar, require_progress
from fastinit.torch.models.placing import make
from fastinit.torch.models.planning import SEED, Planned, decide, groups_of
from fastinit.torch.models.report import report_of
from fastinit.torch.models.running import Rule
from fastinit.torch.models.slots import Slot, replacement, slots_of
from fastinit.torch.recording.draws import assign
from fastinit.torch.recording.modules import forget, is_noted, places
from fastinit.torch.recording.operations import replaced
from fastinit.torch.recording.steps import Ref


@overload
def materialize(
    model: nn.Module, rng: Any = ..., *, device: torch.device | str | None = ..., rule: Rule | None = ...,
    progress: bool | None = ..., report: Literal[False] = ...,
) -> nn.Module: ...  # fmt: skip
@overload
def materialize(
    model: nn.Module, rng: Any = ..., *, device: torch.device | str | None = ..., rule: Rule | None = ...,
    progress: bool | None = ..., report: Literal[True],
) -> tuple[nn.Module, dict[str, str]]: ...  # fmt: skip
def materialize(
    model: nn.Module,
    rng: Any = SEED,
    *,
    device: torch.device | str | None = None,
    rule: Rule | None = None,
    progress: bool | None = None,
    report: bool = False,
) -> nn.Module | tuple[nn.Module, dict[str, str]]:
    """Give a model without memory its memory and initial values, each parameter by its qualified name.

    A model of a `deferred` block gets what its constructor did. A model that was built on the meta device gets what its
    own rules do: each module's `reset_parameters` (or `_reset_parameters`), and `_init_weights`, Hugging Face's and others'.
    Parameters and buffers that are not on the meta device keep their values.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place. Its parameters may be DTensors (FSDP2's `fully_shard`, tensor parallel): each rank makes its part.
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values of what no `deferred` block made, 0 if it is not given: a seed, the seed and path of a
        fastinit.Generator, which does not advance, or 128 bits drawn from a torch.Generator; None draws them from torch's
        default generator. With DTensors the same on every rank, and not None. A `deferred` block has its own.
    device : torch.device or str, optional
        Where to put tensors. None means the CPU, and for DTensors the device of their mesh.
    rule : callable, optional
        Called with the model after all else, to set or change tensors. What it overwrites is not compared with the constructor.
    progress : bool, optional
        Whether to show a progress bar. None shows one for a GiB or more, if stderr is a terminal and tqdm is installed.
    report : bool
        Whether to return a report too.

    Returns
    -------
    torch.nn.Module, or torch.nn.Module and dict
        `model`; with `report` also, by name, what set each tensor: its steps, "kept", or "is" and the first name of its memory.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument; if nothing sets some parameter or buffer; if a constructor may have given other values than the
        rules do; if a parameter has no shape yet (`torch.nn.LazyLinear`); or if tensors of a `deferred` block were changed
        afterwards. The message names the tensors, and the model stays on the meta device.

    Notes
    -----
    A random fill of a whole parameter draws from call 0 of `rng.child(name)`. If it is filled several times, the last fill
    counts, and only that one is made, at the end. So values depend on the seed, the name, the shape and the distribution, not
    on the rest of the model. Names count from `model`: a part that is materialised alone has other names than in the whole.

    Fills of parts of a parameter draw from the next calls, and so does what it is computed from, as `torch.nn.init.orthogonal_`
    does. A tied parameter has the first of its names in alphabetical order, and the rule of the module with this name. In
    Hugging Face models names that are tied to another one do not count.

    Without a `deferred` block, what a constructor itself did to a parameter is lost. It is compared with the rules: by the
    number of in-place operations that torch has counted, and by the names in the code of the model's classes where torch counts
    none, as for `weight.data.zero_()`.

    All but fills and constants is computed on the CPU, a block of 16 MiB at a time where each element depends on its own place
    only; else the whole tensor is, one tensor at a time.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> with torch.device("meta"):
    ...     model = torch.nn.Sequential(torch.nn.Linear(100, 10), torch.nn.BatchNorm1d(10))
    >>> ft.materialize(model, rng=0)[0].weight.device
    device(type='cpu')
    >>> with ft.deferred(rng=0):
    ...     longer = torch.nn.Sequential(torch.nn.Linear(100, 10), torch.nn.ReLU(), torch.nn.Linear(10, 5))
    ...     _ = torch.nn.init.zeros_(longer[2].weight)
    >>> longer, report = ft.materialize(longer, report=True)
    >>> bool((longer[0].weight == model[0].weight).all())
    True
    >>> report["2.weight"]
    'constant(0) by the constructor'
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module; got {type(model).__name__}")
    target = None if device is None else require_device(device)
    require_progress(progress)
    switch("report", report)
    slots = slots_of(model)
    planned = decide(model, slots, rng, rule)
    groups = groups_of(model, planned.refs)
    text = report_of(slots, groups) if report else {}
    _make(model, groups, planned, target, progress)
    return (model, text) if report else model


def _make(
    model: nn.Module, groups: dict[Ref, list[Slot]], planned: Planned, device: torch.device | None, progress: bool | None
) -> None:
    """Make the tensors and put them into the model."""
    olds: dict[Any, torch.Tensor] = {}
    for ref, group in groups.items():
        for slot in group:
            olds.setdefault(_memory(slot, ref), _old(slot, ref))
    draws = assign([(group[0].name, ref) for ref, group in groups.items()])
    made = {}
    with torch.no_grad(), bar(sum(local_part(old).nbytes for old in olds.values()), progress, "materialize") as advance:
        for (ref, where), old in olds.items():
            made[ref, where] = make(ref, old, device, draws.__getitem__)
            advance(local_part(old).nbytes)
    new: dict[Any, torch.Tensor] = {}
    for ref, group in groups.items():
        for slot in group:
            like, own = planned.tensors[slot], slot.tensor
            if id(like) not in new:
                new[id(like)] = replacement(like, made[_memory(slot, ref)])
            new[id(own)] = new[id(like)]
            slot.put(new[id(like)])
    _finish(model, new, device)


def _memory(slot: Slot, ref: Ref) -> tuple[Ref, int | None]:
    """What tensors of the same values share: their memory, but for DTensors, of which each has parts of its own."""
    return ref, id(slot.tensor) if is_sharded(slot.tensor) else None


def _old(slot: Slot, ref: Ref) -> torch.Tensor:
    """The tensor that is replaced, or one like it if a rule has put another one there."""
    tensor = slot.tensor
    if (
        isinstance(tensor, torch.Tensor)
        and tuple(tensor.shape) == ref.size
        and (is_sharded(tensor) or tensor.dtype == ref.dtype)
    ):
        return tensor
    return torch.empty_strided(ref.size, ref.stride, dtype=ref.dtype, device="meta")


def _finish(model: nn.Module, new: dict[int, torch.Tensor], device: torch.device | None) -> None:
    """Let modules find their new tensors: in lists of their own, and those that keep more about them, as FSDP's."""
    for module in model.modules():
        if is_noted(module):
            for key, value in vars(module).items():
                if type(value) in (list, tuple):
                    vars(module)[key] = replaced(value, torch.Tensor, lambda old: new.get(id(old), old))
            forget(module)
            if device is not None:  # tensors without elements, or made of NumPy's arrays
                for (group, key), tensor in [*places(module)]:
                    if tensor.device.type == "cpu" and device.type != "cpu" and not is_sharded(tensor):
                        Slot(module, group, key, "").put(replacement(tensor, tensor.detach().to(device)))
        if type(module)._apply is not nn.Module._apply:
            module._apply(lambda tensor: tensor)
