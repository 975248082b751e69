"""Writing a model: check everything, reserve the disk space, draw each tensor into its place, then name the files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from fastinit.arguments import checks
from fastinit.files.atomic import MOST_BYTES, PathLike, allocate, destination, require_space, resolved, staged, sync
from fastinit.files.slabs import SLAB, Array, Progress, Where, fill_slabs, mapped, write_behind
from fastinit.generator import Generator, default_rng
from fastinit.safetensors import drawing, shards, sources
from fastinit.safetensors.drawing import Job
from fastinit.safetensors.format import Tensor, header, ordered, path_of
from fastinit.safetensors.rules import DEFAULT, DEFAULT_RULES, Rules


class Shard(NamedTuple):
    """A file to write: its path, its header, and its tensors in their order."""

    path: Path
    head: bytes
    jobs: list[Job]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.head) + sum(job.tensor.nbytes for job in self.jobs)


class ModelFiles(NamedTuple):
    """Everything to write, checked: the shards, the text of the index if there are several, the patterns that match nothing."""

    path: Path
    shards: list[Shard]
    index_text: bytes | None
    rng: Generator
    overwrite: bool
    unused: tuple[str, ...] = ()

    @property
    def jobs(self) -> list[Job]:
        """The tensors of all files."""
        return [job for shard in self.shards for job in shard.jobs]

    @property
    def size(self) -> int:
        """Bytes of all files but the index."""
        return sum(shard.size for shard in self.shards)


class Written(NamedTuple):
    """The result of `fill`: files, counts of tensors and parameters, size in bytes, and patterns that matched no tensor."""

    files: tuple[Path, ...]
    tensors: int
    parameters: int
    nbytes: int
    unused: tuple[str, ...]


def _check_destinations(path: Path, files: list[Path], overwrite: bool) -> None:
    """Refuse files that `staged` would refuse later, and other files of this model, which loaders would take instead."""
    for file in [*files, *shards.files_of(path)]:
        destination(file, overwrite=overwrite)


def model_path(path: PathLike) -> Path:
    """The path of a model's file, checked."""
    if sys.byteorder != "little":
        raise ValueError("safetensors files are written on little-endian machines only")
    target = Path(path_of("path", path))
    shards.stem(target)
    return target


def model_files(
    path: Path, tensors: Iterable[Tensor], job: Callable[[Tensor], Job], rng: Generator, most: int | None, overwrite: bool
) -> ModelFiles:
    """Distribute tensors over files of at most so many bytes, ask for the job of each, and check that all can be written."""
    groups = shards.split(tensors, most)
    files = []
    for file, group in zip(shards.names(path, len(groups)), groups, strict=True):
        jobs = [job(tensor) for tensor in ordered(group)]
        files.append(Shard(file, header(each.tensor for each in jobs), jobs))
    text = shards.index([(shard.path, [job.tensor for job in shard.jobs]) for shard in files]) if len(files) > 1 else None
    model = ModelFiles(path, files, text, rng, overwrite)
    if model.size > MOST_BYTES - (1 << 16):
        raise ValueError(f"all files together must stay below 2^63 bytes; got {model.size:,}")
    _check_destinations(path, [shard.path for shard in files], overwrite)
    return model


def plan(
    path: PathLike,
    spec: Any = None,
    like: PathLike | None = None,
    seed: Any = None,
    rules: Mapping[str, Any] | None = None,
    default: Any = None,
    dtype: Any = None,
    max_shard_size: int | str | None = None,
    overwrite: bool = False,
) -> ModelFiles:
    """Check the arguments of `fill` and compile what they need, before there is a file."""
    target = model_path(path)
    checks.switch("overwrite", overwrite)
    rng, probe = default_rng(seed), default_rng(0)
    if rules is not None and not isinstance(rules, Mapping):
        raise TypeError(f"rules must be a mapping of patterns to rules; got {rules!r}")
    most = None if max_shard_size is None else shards.byte_size(max_shard_size)
    source = sources.read(spec, like, dtype)
    last = next((rule for rule in (default, source.default) if rule is not None), DEFAULT)
    table = Rules(rules or {}, DEFAULT_RULES if source.rules is None else source.rules, default=last)

    def job(tensor: Tensor) -> Job:
        return drawing.job(tensor, table.choose(tensor.name), probe)

    model = model_files(target, source.tensors, job, rng, most, overwrite)
    drawing.warm(model.jobs, rng)
    return model._replace(unused=tuple(name for name in [*(rules or {}), *(source.rules or {})] if name not in table.used))


def _fill(file: BinaryIO, shard: Shard, rng: Generator, progress: Progress | None, slab_bytes: int) -> None:
    mapping = mapped(file, shard.head, shard.size)
    offset = len(shard.head)
    done = write_behind(file, offset, progress)
    for job in shard.jobs:
        tensor = job.tensor
        array: Array = np.ndarray(tensor.shape, tensor.kind.dtype, mapping, offset)
        offset += tensor.nbytes

        def draw(out: Array, where: Where, job: Job = job) -> None:
            job.draw(rng.child(job.tensor.name), out, where)  # a new child for each block: all blocks belong to call 0

        with drawing.named(tensor):
            fill_slabs(array, draw, done, max(tensor.nbytes, 1) if job.whole else slab_bytes)
    mapping.flush()


def _stale(path: Path, paths: list[Path]) -> list[Path]:
    """Files of an older model that none of the new files replaces, also not through a link."""
    new = {*paths, *map(resolved, paths)}
    return [old for old in shards.files_of(path) if old not in new and resolved(old.parent) / old.name not in new]


def write(model: ModelFiles, progress: Progress | None = None, slab_bytes: int = SLAB) -> Written:
    """Write the files; `progress` is called with the number of bytes of each finished piece."""
    paths = [shard.path for shard in model.shards]
    if model.index_text is not None:
        paths.append(shards.index_name(model.path))
    require_space(model.path, model.size)
    with staged(paths, overwrite=model.overwrite) as parts:
        for part, shard in zip(parts, model.shards, strict=False):
            with part.open("r+b") as file:
                allocate(file, shard.size, shard.path)
        for part, shard in zip(parts, model.shards, strict=False):
            with part.open("r+b") as file:
                _fill(file, shard, model.rng, progress, slab_bytes)
                sync(file)
        if model.index_text is not None:
            with parts[-1].open("r+b") as file:
                file.write(model.index_text)
                sync(file)
        stale = _stale(model.path, paths) if model.overwrite else []
        if model.overwrite:  # no index may ever name files of two models
            index = shards.index_name(model.path)
            (index if model.index_text is None else resolved(index)).unlink(missing_ok=True)  # a link to a new one stays
    for old in stale:
        old.unlink(missing_ok=True)
    tensors = [job.tensor for job in model.jobs]
    return Written(tuple(paths), len(tensors), sum(tensor.size for tensor in tensors), model.size, model.unused)


def fill(
    path: PathLike,
    spec: Mapping[str, Any] | PathLike | None = None,
    *,
    like: PathLike | None = None,
    seed: Any = None,
    rules: Mapping[str, Any] | None = None,
    default: Any = None,
    dtype: Any = None,
    max_shard_size: int | str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Write a safetensors file of initial weights, which may be larger than memory.

    Parameters
    ----------
    path : path-like
        The file to write, ending in `.safetensors`.
    spec : mapping or path-like, optional
        The specification, or the path of its JSON file. It has these entries: "tensors", a mapping of names to
        {"shape": [...], "dtype": "..."}; "rules", a mapping of patterns to rules; "default", the rule of names that no pattern
        matches; "dtype", the dtype of tensors without one. All but "tensors" are optional; with `like`, leave "tensors" out.
    like : path-like, optional
        Another safetensors file, or the index of a sharded model: take its tensors' names, shapes and dtypes. Only headers
        are read.
    seed : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        The tensors' Generators are children of `default_rng(seed)`. None takes entropy from the system. No call is counted.
    rules : mapping, optional
        Patterns and rules; they come before those of `spec`.
    default : str or mapping, optional
        The rule of names that no pattern matches, in place of that of `spec`.
    dtype : dtype, optional
        The dtype of all floating tensors, in place of those of `spec` or `like`.
    max_shard_size : int or str, optional
        The most bytes of tensors in one file, or text such as "5GB"; None writes one file. A larger model is written as
        `model-00001-of-00002.safetensors` and so on, with an index `model.safetensors.index.json`.
    overwrite : bool
        Whether to replace a model of this name, with its shards and its index.
    progress : callable, optional
        Called with the number of bytes of each finished piece.

    Returns
    -------
    Written
        The files, the index last; the numbers of tensors, parameters and bytes; the patterns that matched no tensor.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument, a rule that does not suit its tensor, or an input file of another form; then nothing is written.
        Messages name the tensor.
    OSError
        If a file exists already, or cannot be read or written. A full disk is noticed before any value is drawn.
    MemoryError
        If a tensor that must be computed in one piece does not fit.

    Notes
    -----
    A tensor's bytes are those of `fastinit.initializers.RULE(shape, ..., rng=default_rng(seed).child(name), dtype=dtype)`. They
    depend on the seed, the tensor's name and its own entry, not on other tensors, shards or threads. Patterns match names as in
    a shell, with upper and lower case distinct, and the first match counts. All files have temporary names until all are
    complete; then they are renamed, the index last.

    Examples
    --------
    >>> import tempfile, numpy as np, fastinit as fi
    >>> from fastinit.safetensors import fill
    >>> spec = {
    ...     "tensors": {"head.weight": {"shape": [10, 4], "dtype": "float32"}, "head.bias": {"shape": [10]}},
    ...     "rules": {"*.bias": "zeros"},
    ...     "default": "truncated_normal(scale=0.02)",
    ... }
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     written = fill(f"{directory}/model.safetensors", spec, seed=0)
    ...     weight = np.fromfile(written.files[0], np.float32, offset=written.nbytes - 160)
    >>> rng = fi.default_rng(0).child("head.weight")
    >>> expected = fi.initializers.truncated_normal((10, 4), scale=0.02, rng=rng)
    >>> written.tensors, written.parameters, bool((weight.reshape(10, 4) == expected).all())
    (2, 50, True)
    """
    checks.callback("progress", progress)
    model = plan(path, spec, like, seed, rules, default, dtype, max_shard_size, overwrite)
    return write(model, progress)
