"""Write the initial weights of a model without memory as a checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from fastinit.arguments.checks import switch
from fastinit.files.atomic import PathLike
from fastinit.safetensors.format import path_of
from fastinit.safetensors.shards import SUFFIX
from fastinit.torch.checkpoints import safetensors_files
from fastinit.torch.checkpoints.contents import Entry, entries_of, is_seeded
from fastinit.torch.checkpoints.processes import number_of_processes
from fastinit.torch.models.bars import bar, require_progress
from fastinit.torch.models.planning import SEED


def save(
    model: nn.Module | Mapping[str, nn.Module],
    path: PathLike,
    rng: Any = SEED,
    *,
    rule: Callable[[nn.Module], Any] | None = None,
    max_shard_size: int | str | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> tuple[Path, ...]:
    """Write the weights that `materialize` would give a model as a checkpoint, without memory for the model.

    A path that ends in `.safetensors` is a file of that format. Any other is a folder that
    `torch.distributed.checkpoint.load` reads into a model of any sharding, in any number of processes.

    Parameters
    ----------
    model : torch.nn.Module, or mapping of str to torch.nn.Module
        A model of a `deferred` block, or one on the meta device whose rules `materialize` would take. It is not changed.
        Tensors that have values are written as they are. With a mapping, names in the checkpoint begin with its keys.
    path : path-like
        The folder or file to write. The folder above it must exist.
    rng : int, sequence of int, numpy.random.SeedSequence, fastinit.Generator, torch.Generator or None
        Decides the values of what no `deferred` block made, 0 if it is not given, as in `materialize`.
    rule : callable, optional
        Called with each model, as in `materialize`.
    max_shard_size : int or str, optional
        For safetensors: the most bytes of tensors in one file, or text such as "5GB"; None writes one file.
    overwrite : bool
        Whether to replace a checkpoint of this path.
    progress : bool, optional
        Whether to show a progress bar. None shows one for a GiB or more, if stderr is a terminal and tqdm is installed.

    Returns
    -------
    tuple of pathlib.Path
        The files. The one that the others are found by is the last.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument, and for what `materialize` raises them; if a process group has several processes and `rng` is
        None; and if the format cannot hold an entry. Nothing is written then.
    OSError
        If there is something at this path, or if the disk is full. No part of a checkpoint is left then.

    Notes
    -----
    The checkpoint has the entries of `model.state_dict()`: parameters and persistent buffers. Their values are those of
    `materialize`, by the names that they have in the model. Tensors are made in pieces of 64 MiB, and no process holds more
    than 128 MiB of them. What cannot be computed piece by piece (`torch.nn.init.orthogonal_`) is made whole, one tensor at a
    time.

    In a process group each process calls this with the same model and path. Each writes a part of the folder; safetensors files
    are written by rank 0. A folder has each tied weight under all of its names, as `torch.distributed.checkpoint.save` does, a
    safetensors file under one, as `transformers` does. All has a temporary name until it is complete.

    Examples
    --------
    >>> import tempfile, torch, fastinit.torch as ft
    >>> with ft.deferred(rng=0):
    ...     model = torch.nn.Linear(100, 10)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     files = ft.save(model, f"{directory}/step-0")  # load it by torch.distributed.checkpoint.load
    >>> [file.name for file in files]
    ['__0_0_0.distcp', '.metadata']
    """
    models = _models(model)
    target = path_of("path", path)
    require_progress(progress)
    switch("overwrite", overwrite)
    is_file = target.endswith(SUFFIX)
    if max_shard_size is not None and not is_file:
        raise ValueError(f"max_shard_size must be None unless path ends in {SUFFIX}; got {max_shard_size!r} and {target!r}")
    _require_seeds(models, rng)
    entries = [entry for key, each in models.items() for entry in entries_of(each, rng, rule, (key,) if key else ())]
    _require_different([entry.name for entry in entries])
    nbytes = sum(entry.nbytes for entry in entries)
    with bar(nbytes if is_file else nbytes // number_of_processes(), progress, "save") as advance:
        if is_file:
            return safetensors_files.write(entries, target, max_shard_size, overwrite, advance)
        return _write_folder(entries, target, overwrite, advance)


def _require_different(names: list[str]) -> None:
    """Refuse a mapping of models two of whose entries would have one name: {"a": model with "b.c", "a.b": model with "c"}."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"model must have different names for all entries; got {twice[0]} twice")


def _write_folder(entries: list[Entry], path: str, overwrite: bool, advance: Callable[[int], object]) -> tuple[Path, ...]:
    from fastinit.torch.checkpoints import distributed  # slow to import, since DTensor is

    return distributed.write(entries, path, overwrite, advance)


def _models(model: Any) -> dict[str, nn.Module]:
    """The models by the keys of the mapping, or one without a key."""
    models = dict(model) if isinstance(model, Mapping) else {"": model}
    for key, each in models.items():
        if not isinstance(each, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, or a mapping of str to such; got {type(each).__name__}")
        if not isinstance(key, str) or (isinstance(model, Mapping) and not key):
            raise TypeError(f"model must have keys of text; got {key!r}")
    return models


def _require_seeds(models: dict[str, nn.Module], rng: Any) -> None:
    """Refuse values that would differ between the processes of a group."""
    if number_of_processes() > 1 and not (rng is not None and all(map(is_seeded, models.values()))):
        raise ValueError("rng must be given, the same in every process of the group; got None")
