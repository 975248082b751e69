"""Give a model from the meta device memory and values, each parameter by its name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import nn

from fastinit.generator import Generator
from fastinit.progress import progress as progress_bar
from fastinit.torch import shards
from fastinit.torch.filling import is_reachable
from fastinit.torch.generators import rng_of
from fastinit.torch.model_rules import module_names, module_rules, tied_targets, without_wrappers
from fastinit.torch.recording import Entry, MemoryAccess, Recording
from fastinit.torch.shards import local_part
from fastinit.torch.tensors import is_dense

Rule = Callable[[nn.Module], Any]

#: Bytes from which on a bar is shown.
LARGE = 1 << 30


class Slot(NamedTuple):
    """Where a module holds a tensor."""

    module: nn.Module
    group: str
    key: str
    name: str

    @property
    def tensor(self) -> Any:
        return getattr(self.module, self.group)[self.key]


def _slots(model: nn.Module) -> list[Slot]:
    return [
        Slot(module, group, key, without_wrappers(f"{prefix}.{key}" if prefix else key))
        for prefix, module in model.named_modules(remove_duplicate=False)
        for group in ("_parameters", "_buffers")
        for key, tensor in getattr(module, group).items()
        if tensor is not None
    ]


def materialize(
    model: nn.Module,
    rng: Any = 0,
    *,
    device: torch.device | str = "cpu",
    rule: Rule | None = None,
    progress: bool | None = None,
) -> nn.Module:
    """Give a model that was built on the meta device memory and initial values, each parameter by its qualified name.

    The model's own rules run: each module's `reset_parameters` (or `_reset_parameters`), and `_init_weights`, that of Hugging
    Face and of others. Parameters and buffers that are not on the meta device keep their values.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place. Its parameters may be DTensors (FSDP2's `fully_shard`, tensor parallel): each rank fills its part.
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values: a seed, the seed and path of a fastinit.Generator, which does not advance, or 128 bits drawn from a
        torch.Generator; None draws them from torch's default generator. With DTensors the same on every rank, and not None.
    device : torch.device or str
        Where to put tensors. DTensors go to the device of their mesh.
    rule : callable, optional
        Called with the model after all other rules, to set what they leave out. What only a constructor does is lost on the
        meta device, and belongs here.
    progress : bool, optional
        Whether to show a progress bar. None shows one for a GiB or more, if stderr is a terminal and tqdm is installed.

    Returns
    -------
    torch.nn.Module
        `model`.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument, or if no rule sets some parameter or buffer. The message names those, and the model is on the meta
        device again.

    Notes
    -----
    A random fill of a whole parameter draws from call 0 of `rng.child(name)`. If the rules fill it several times, the last fill
    counts, and only that one is made, at the end. So values depend on the seed, the name, the shape and the distribution, not
    on the rest of the model. Names count from `model`: a part that is materialised alone has other names than in the whole.

    Fills of parts of a parameter draw from the next calls. What a rule draws for other tensors, as `torch.nn.init.orthogonal_`
    does, comes from the child of the module's name. A tied parameter has the first of its names in alphabetical order, and the
    rule of the module with this name. In Hugging Face models names that are tied to another one do not count.

    Examples
    --------
    >>> import torch, fastinit.torch as ft
    >>> with torch.device("meta"):
    ...     model = torch.nn.Sequential(torch.nn.Linear(100, 10), torch.nn.BatchNorm1d(10))
    >>> ft.materialize(model, rng=0)[0].weight.device
    device(type='cpu')
    >>> with torch.device("meta"):
    ...     longer = torch.nn.Sequential(torch.nn.Linear(100, 10), torch.nn.ReLU(), torch.nn.Linear(10, 5))
    >>> bool((ft.materialize(longer, rng=0)[0].weight == model[0].weight).all())
    True
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module; got {type(model).__name__}")
    target = _device(device)
    if rule is not None and not callable(rule):
        raise TypeError(f"rule must be callable; got {rule!r}")
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress must be True, False or None; got {progress!r}")
    slots = _slots(model)
    if rng is None and any(shards.is_sharded(slot.tensor) for slot in slots):
        raise ValueError("rng must be given for a model of DTensors, the same on every rank; got None")
    generator = rng_of(rng)
    meta = {slot for slot in slots if slot.tensor.is_meta}
    _move(model, meta, target)
    try:
        _initialise(model, _entries(slots, meta, tied_targets(model)), meta, generator, rule, progress)
    except BaseException:
        _move(model, meta, torch.device("meta"))
        raise
    return model


def _device(device: Any) -> torch.device:
    if not isinstance(device, str | torch.device):
        raise TypeError(f"device must be a torch.device or a str; got {device!r}")
    try:
        target = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must name a device of torch; got {device!r}: {error}") from None
    if not is_reachable(target):
        raise ValueError(f"device must be the CPU or an accelerator that torch can use here; got {device!r}")
    return target


def _move(model: nn.Module, slots: set[Slot], device: torch.device) -> None:
    """Replace the tensors in these slots by uninitialised ones on the device. Tied slots stay tied."""
    groups: dict[int, list[Slot]] = {}
    for slot in slots:
        groups.setdefault(id(slot.tensor), []).append(slot)
    old = {key: group[0].tensor for key, group in groups.items()}  # kept alive, so that no id is reused
    attributes = {key: dict(getattr(tensor, "__dict__", {})) for key, tensor in old.items()}
    new: dict[int, torch.Tensor] = {}

    def replacement(tensor: torch.Tensor) -> torch.Tensor:
        key = id(tensor)
        if key not in old:
            return tensor
        if key not in new:
            on_mesh = shards.is_sharded(tensor) and device.type != "meta"
            new[key] = torch.empty_like(tensor, device=tensor.device_mesh.device_type if on_mesh else device)
        return new[key]

    model._apply(replacement)
    for key, (first, *others) in groups.items():
        tensor = first.tensor
        for slot in others:
            getattr(slot.module, slot.group)[slot.key] = tensor
        if tensor is not old[key]:
            attributes[key].pop("_is_hf_initialized", None)
            tensor.__dict__.update(attributes[key])


def _entries(slots: list[Slot], meta: set[Slot], targets: set[str]) -> dict[int, Entry]:
    """The tensors in the slots, by the address of their memory."""
    entries: dict[int, Entry] = {}
    for slot in sorted(slots, key=lambda slot: (slot.name in targets, slot.name)):
        part = local_part(slot.tensor)
        if is_dense(part) and not part.is_meta and part.numel():
            first = Entry(slot.name, slot.tensor, slot in meta, slot.module)
            entries.setdefault(part.untyped_storage().data_ptr(), first).modules.add(slot.module)
    return entries


def _initialise(
    model: nn.Module, entries: dict[int, Entry], meta: set[Slot], rng: Generator, rule: Rule | None, progress: bool | None
) -> None:
    recording = Recording(rng, entries, module_names(model))
    with torch.no_grad(), recording, MemoryAccess(recording):
        for module_rule in module_rules(model):
            recording.start(module_rule.module)
            module_rule.run()
        if rule is not None:
            recording.start(model)
            rule(model)
    _require_all_set(meta, entries.values())
    noted = [(entry, local_part(entry.tensor).nbytes) for entry in entries.values() if entry.fill is not None]
    with torch.no_grad(), _bar(sum(size for _, size in noted), progress) as advance:
        for entry, size in noted:
            recording.settle(entry)
            advance(size)
    for entry in entries.values():
        if entry.was_meta:
            torch.autograd.graph.increment_version(entry.tensor)


def _require_all_set(meta: set[Slot], entries: Iterable[Entry]) -> None:
    unset = {id(entry.tensor) for entry in entries if entry.was_meta and not entry.is_set}
    tensors = {slot.name: getattr(slot.module, slot.group).get(slot.key) for slot in meta}
    names = sorted(name for name, tensor in tensors.items() if tensor is not None and (id(tensor) in unset or tensor.is_meta))
    if names:
        raise ValueError(
            f"model must have a rule for every parameter and buffer; none sets {', '.join(names)}. Give a rule=, "
            "or build the model with these on the CPU"
        )


def _bar(nbytes: int, progress: bool | None) -> contextlib.AbstractContextManager[Callable[[int], object]]:
    if progress or (progress is None and nbytes >= LARGE):
        return progress_bar(nbytes, "B", unit_scale=True, unit_divisor=1024, desc="materialize")
    return contextlib.nullcontext(lambda nbytes: None)
