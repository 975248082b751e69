"""Give a model from the meta device its storage and its values, each parameter by its name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import nn

from fastinit.generator import Generator
from fastinit.progress import progress as progress_bar
from fastinit.torch import generators as sources
from fastinit.torch import shards
from fastinit.torch.filling import held, is_reachable
from fastinit.torch.model_rules import clean, module_names, rules_of, tied_targets
from fastinit.torch.recording import Entry, Escapes, Naming
from fastinit.torch.tensors import is_dense, written

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
    found = []
    for prefix, module in model.named_modules(remove_duplicate=False):
        for group in ("_parameters", "_buffers"):
            for key, tensor in getattr(module, group).items():
                if tensor is not None:
                    found.append(Slot(module, group, key, clean(f"{prefix}.{key}" if prefix else key)))
    return found


def materialize(
    model: nn.Module,
    rng: Any = 0,
    *,
    device: torch.device | str = "cpu",
    rule: Callable[[nn.Module], Any] | None = None,
    progress: bool | None = None,
) -> nn.Module:
    """Give a model that was built on the meta device storage and initial values, each parameter by its qualified name.

    Its own rules run: every module's `reset_parameters` (or `_reset_parameters`), and `_init_weights`, Hugging Face's and
    others'. Parameters and buffers that are not on the meta device stay as they are.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place. Its parameters may be DTensors (FSDP2's `fully_shard`, tensor parallel): each rank fills its part.
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values. Of a fastinit.Generator only the seed and path count, and it does not advance; a torch.Generator,
        or None for torch's default one, gives 128 bits and moves on. With DTensors the same on every rank, and not None.
    device : torch.device or str
        Where to put tensors; DTensors go to the device of their mesh.
    rule : callable, optional
        Called with the model behind all other rules, for what these leave out: initialisation that is written in constructors
        cannot be known here.
    progress : bool, optional
        Whether to show a bar; None shows one for a GiB or more, if stderr is a terminal and tqdm is installed.

    Returns
    -------
    torch.nn.Module
        `model`.

    Raises
    ------
    TypeError, ValueError
        For an argument that is not as above; or if no rule sets some parameter or buffer: the names are in the message, and the
        model is on the meta device again.

    Notes
    -----
    A random fill of a whole parameter takes call 0 of `rng.child(name)`, the last one if the rules make several, so values
    depend on the seed, the name, the shape and the law, not on the rest of the model. Fills of parts of it take the next calls.
    What a rule draws beside the parameters (`torch.nn.init.orthogonal_` does) takes calls of the child of the module's name. A
    tied parameter has the first of its names in alphabetical order, and its rule is that of the module that holds this name;
    in Hugging Face models the names that are tied to another one do not count. Every whole fill is made once, at the end.

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
    source = sources.rng_of(rng)
    fresh = {slot for slot in slots if slot.tensor.is_meta}
    _move(model, fresh, target)
    try:
        _initialise(model, slots, fresh, source, rule, progress)
    except BaseException:
        _move(model, fresh, torch.device("meta"))
        raise
    return model


def _device(device: Any) -> torch.device:
    if not isinstance(device, str | torch.device):
        raise TypeError(f"device must be a torch.device or a str; got {device!r}")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must name a device of torch; got {device!r}: {error}") from None
    if not is_reachable(found):
        raise ValueError(f"device must be the CPU or an accelerator that torch can use here; got {device!r}")
    return found


def _move(model: nn.Module, slots: set[Slot], device: torch.device) -> None:
    """Put empty tensors on the device into these slots; what was one tensor stays one."""
    groups: dict[int, list[Slot]] = {}
    for slot in slots:
        groups.setdefault(id(slot.tensor), []).append(slot)
    before = {key: group[0].tensor for key, group in groups.items()}  # held, so that no id comes twice
    attributes = {key: dict(getattr(tensor, "__dict__", {})) for key, tensor in before.items()}
    made: dict[int, torch.Tensor] = {}

    def place(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in before:
            return tensor
        if id(tensor) not in made:
            made[id(tensor)] = torch.empty_like(tensor, device=_mesh_device(tensor, device))
        return made[id(tensor)]

    model._apply(place)
    for key, group in groups.items():
        first = group[0].tensor
        for slot in group[1:]:
            getattr(slot.module, slot.group)[slot.key] = first
        if first is not before[key]:
            attributes[key].pop("_is_hf_initialized", None)
            first.__dict__.update(attributes[key])


def _mesh_device(tensor: Any, device: torch.device) -> torch.device:
    if shards.is_sharded(tensor) and device.type != "meta":
        return torch.device(tensor.device_mesh.device_type)
    return device


def _entries(slots: list[Slot], fresh: set[Slot], targets: set[str]) -> dict[int, Entry]:
    """What is in the slots, by the address of its storage."""
    found: dict[int, Entry] = {}
    for slot in sorted(slots, key=lambda each: (each.name in targets, each.name)):
        part = held(slot.tensor)
        if not is_dense(part) or part.is_meta or part.numel() == 0:
            continue
        address = part.untyped_storage().data_ptr()
        if address not in found:
            found[address] = Entry(slot.name, slot.tensor, slot in fresh)
            found[address].owner = slot.module
        found[address].holders.add(slot.module)
    return found


def _initialise(
    model: nn.Module,
    slots: list[Slot],
    fresh: set[Slot],
    rng: Generator,
    rule: Callable[[nn.Module], Any] | None,
    progress: bool | None,
) -> None:
    entries = _entries(slots, fresh, tied_targets(model))
    naming = Naming(rng, entries, module_names(model))
    with torch.no_grad(), naming, Escapes(naming):
        for each in rules_of(model):
            naming.start(each.module)
            each.run()
        if rule is not None:
            naming.start(model)
            rule(model)
    _require_all_set(fresh, entries.values())
    noted = [entry for entry in entries.values() if entry.law is not None]
    sizes = [held(entry.tensor).nbytes for entry in noted]
    with torch.no_grad(), _bar(sum(sizes), progress) as advance:
        for entry, size in zip(noted, sizes, strict=True):
            naming.settle(entry)
            advance(size)
    for entry in entries.values():
        if entry.fresh:
            written(entry.tensor)


def _require_all_set(fresh: set[Slot], entries: Iterable[Entry]) -> None:
    unset = {id(entry.tensor) for entry in entries if entry.fresh and not entry.is_set}
    tensors = {slot.name: getattr(slot.module, slot.group).get(slot.key) for slot in fresh}
    names = sorted(name for name, tensor in tensors.items() if tensor is not None and (id(tensor) in unset or tensor.is_meta))
    if names:
        raise ValueError(
            f"model must have a rule for every parameter and buffer; none sets {', '.join(names)}. Give a rule=, "
            "or build the model with these on the CPU"
        )


def _bar(nbytes: int, progress: bool | None) -> contextlib.AbstractContextManager[Callable[[int], object]]:
    if progress or (progress is None and nbytes >= LARGE):
        return progress_bar(nbytes, "B", unit_scale=True, unit_divisor=1024, desc="materialize")
    return contextlib.nullcontext(lambda done: None)
