"""Writing a model: everything is checked, the disk space is taken, each tensor is drawn into its place, the files get names."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from fastinit.files.atomic import MOST_BYTES, PathLike, allocate, destination, staged, sync
from fastinit.files.slabs import SLAB, Array, Progress, Where, eager, fill_slabs, mapped
from fastinit.generator import Generator, default_rng
from fastinit.safetensors import drawing, shards, sources
from fastinit.safetensors.drawing import Job
from fastinit.safetensors.format import Tensor, header, ordered, path_of
from fastinit.safetensors.rules import DEFAULT, DEFAULT_RULES, Rules


class Shard(NamedTuple):
    """A file to write: its name, its head, and its tensors as they lie in it."""

    path: Path
    head: bytes
    jobs: list[Job]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.head) + sum(job.tensor.nbytes for job in self.jobs)


class Plan(NamedTuple):
    """All that is to be written, checked."""

    path: Path
    shards: list[Shard]
    table: bytes | None
    rng: Generator
    overwrite: bool
    unused: tuple[str, ...]

    @property
    def jobs(self) -> list[Job]:
        """The tensors of all files."""
        return [job for shard in self.shards for job in shard.jobs]

    @property
    def size(self) -> int:
        """Bytes of all files but the index."""
        return sum(shard.size for shard in self.shards)


class Written(NamedTuple):
    """What `fill` has written: the files, their size in bytes, and the patterns of rules that no tensor took."""

    files: tuple[Path, ...]
    tensors: int
    parameters: int
    nbytes: int
    unused: tuple[str, ...]


def _free(path: Path, files: list[Path], overwrite: bool) -> None:
    """Refuse what `staged` would refuse later, and other files of a model of this name, which would be loaded in its place."""
    for file in [*files, *shards.files_of(path)]:
        destination(file, overwrite=overwrite)


def _shards(target: Path, tensors: Iterable[Tensor], rules: Rules, most: int | None) -> list[Shard]:
    """The files, with all of their tensors checked."""
    groups = shards.split(tensors, most)
    planned, probe = [], default_rng(0)
    for file, group in zip(shards.names(target, len(groups)), groups, strict=True):
        jobs = [drawing.job(tensor, rules.choose(tensor.name), probe) for tensor in ordered(group)]
        planned.append(Shard(file, header(job.tensor for job in jobs), jobs))
    return planned


def plan(
    path: PathLike,
    spec: Any = None,
    *,
    like: PathLike | None = None,
    seed: Any = None,
    rules: Mapping[str, Any] | None = None,
    default: Any = None,
    dtype: Any = None,
    max_shard_size: int | str | None = None,
    overwrite: bool = False,
) -> Plan:
    """Check the arguments of `fill`, whose meaning and errors they have, before there is a file."""
    if sys.byteorder != "little":
        raise ValueError("safetensors files are written on little-endian machines only")
    target = Path(path_of("path", path))
    shards.stem(target)
    rng = default_rng(seed)
    if rules is not None and not isinstance(rules, Mapping):
        raise TypeError(f"rules must be a mapping of patterns to rules; got {rules!r}")
    most = None if max_shard_size is None else shards.byte_size(max_shard_size)
    source = sources.read(spec, like, dtype)
    rest = DEFAULT_RULES if source.rules is None else source.rules
    last = next((rule for rule in (default, source.default) if rule is not None), DEFAULT)
    chosen = Rules(rules or {}, rest, default=last)
    planned = _shards(target, source.tensors, chosen, most)
    table = shards.index([(shard.path, [job.tensor for job in shard.jobs]) for shard in planned]) if len(planned) > 1 else None
    given = [*(rules or {}), *(source.rules or {})]
    unused = tuple(pattern for pattern in given if pattern not in chosen.taken)
    made = Plan(target, planned, table, rng, overwrite, unused)
    if made.size > MOST_BYTES - (1 << 16):
        raise ValueError(f"all files together must stay below 2^63 bytes; got {made.size:,}")
    _free(target, [shard.path for shard in planned], overwrite)
    return made


def _fill(file: BinaryIO, shard: Shard, rng: Generator, progress: Progress | None, slab_bytes: int) -> None:
    mapping = mapped(file, shard.head, shard.size)
    offset = len(shard.head)
    done = eager(file, offset, progress)
    for job in shard.jobs:
        tensor = job.tensor
        array: Array = np.ndarray(tensor.shape, tensor.kind.dtype, mapping, offset)
        offset += tensor.nbytes

        def draw(out: Array, where: Where, job: Job = job) -> None:
            job.draw(rng.child(job.tensor.name), out, where)  # a new child for each block, because all belong to call 0

        with drawing.named(tensor):
            fill_slabs(array, draw, done, max(tensor.nbytes, 1) if job.whole else slab_bytes)
    mapping.flush()


def warm(plan: Plan) -> None:
    """Compile, if that is needed, and start the threads, before there is a file."""
    drawing.warm(plan.jobs, plan.rng)


def write(plan: Plan, progress: Progress | None = None, slab_bytes: int = SLAB) -> Written:
    """Write what is planned; `progress` is called with the number of bytes of each piece that is done."""
    paths = [shard.path for shard in plan.shards]
    if plan.table is not None:
        paths.append(shards.index_name(plan.path))
    needed = plan.size
    with staged(paths, overwrite=plan.overwrite) as parts:
        for part, shard in zip(parts, plan.shards, strict=False):
            with part.open("r+b") as file:
                allocate(file, shard.size, shard.path, needed)
        for part, shard in zip(parts, plan.shards, strict=False):
            with part.open("r+b") as file:
                _fill(file, shard, plan.rng, progress, slab_bytes)
                sync(file)
        if plan.table is not None:
            with parts[-1].open("r+b") as file:
                file.write(plan.table)
                sync(file)
        stale = [old for old in shards.files_of(plan.path) if old not in paths] if plan.overwrite else []
        if plan.overwrite:
            shards.index_name(plan.path).unlink(missing_ok=True)  # so that no index ever names files of two models
    for old in stale:
        old.unlink(missing_ok=True)
    tensors = [job.tensor for job in plan.jobs]
    return Written(tuple(paths), len(tensors), sum(tensor.size for tensor in tensors), needed, plan.unused)


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
        The file, ending in `.safetensors`.
    spec : mapping or path-like, optional
        What to write, or the JSON file that says so: under "tensors" names and their {"shape": [...], "dtype": "..."}, under
        "rules" patterns and rules, under "default" the rule of names that no pattern matches, under "dtype" that of tensors
        without one. All but the tensors may be left out, and these with `like`.
    like : path-like, optional
        Another safetensors file, or the index of a sharded model, whose tensors' names, shapes and dtypes are taken. No more
        than headers is read.
    seed : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        What the tensors' Generators are children of. None takes entropy from the system. No call is taken.
    rules : mapping, optional
        Patterns and rules that come before those of `spec`.
    default : str or mapping, optional
        The rule of names that no pattern matches, in place of that of `spec`.
    dtype : dtype, optional
        In place of every floating dtype of `spec` or `like`.
    max_shard_size : int or str, optional
        Bytes of tensors in one file, or text such as "5GB"; without it there is one file. What needs several gets them as
        `model-00001-of-00002.safetensors`, and an index `model.safetensors.index.json`.
    overwrite : bool
        Whether a model of this name, its shards and index included, is replaced.
    progress : callable, optional
        Called with the number of bytes of each piece that is done.

    Returns
    -------
    Written
        The files, index last; how many tensors, parameters and bytes; and the patterns that no tensor took.

    Raises
    ------
    TypeError, ValueError
        For an argument that is not as above, a rule that does not suit its tensor, or a file that is not what it should be;
        nothing is written then. Messages have the tensor's name.
    OSError
        If a file is there already, or one cannot be read or written; a full disk is found before any value is drawn.
    MemoryError
        If a tensor that must be computed in one piece does not fit.

    Notes
    -----
    A tensor's bytes are those of `fastinit.initializers.RULE(shape, ..., rng=default_rng(seed).child(name), dtype=dtype)`: they
    depend on the seed, its name and its own entry alone, not on other tensors, shards or threads. Names match patterns as in a
    shell, upper and lower case told apart, and the first match counts. Files have temporary names until all are complete; the
    index takes its name last.

    Examples
    --------
    >>> import tempfile, numpy as np, fastinit as fi
    >>> from fastinit.safetensors import fill
    >>> spec = {
    ...     "tensors": {"head.weight": {"shape": [10, 4], "dtype": "float32"}, "head.bias": {"shape": [10]}},
    ...     "rules": {"*.bias": "zeros"},
    ...     "default": "truncated_normal(0.02)",
    ... }
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     written = fill(f"{directory}/model.safetensors", spec, seed=0)
    ...     weight = np.fromfile(written.files[0], np.float32, offset=written.nbytes - 160)
    >>> own = fi.initializers.truncated_normal((10, 4), scale=0.02, rng=fi.default_rng(0).child("head.weight"))
    >>> written.tensors, written.parameters, bool((weight.reshape(10, 4) == own).all())
    (2, 50, True)
    """
    made = plan(
        path,
        spec,
        like=like,
        seed=seed,
        rules=rules,
        default=default,
        dtype=dtype,
        max_shard_size=max_shard_size,
        overwrite=overwrite,
    )
    warm(made)
    return write(made, progress)
