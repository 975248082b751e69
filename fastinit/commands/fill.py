"""`fastinit fill`: its arguments, what they come to, and the run, for a `.npy` file or a model as `.safetensors`."""

from __future__ import annotations

import argparse
import math
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from fastinit import default_rng
from fastinit.arguments import dtypes
from fastinit.commands.terminal import word
from fastinit.files import atomic, npy
from fastinit.progress import progress
from fastinit.safetensors import writing

#: The parameters of each distribution, which are options of the same name.
DISTRIBUTIONS = {
    "uniform": ("low", "high"),
    "normal": ("loc", "scale"),
    "truncated_normal": ("a", "b", "loc", "scale", "units"),
}
PARAMETERS = tuple(dict.fromkeys(name for names in DISTRIBUTIONS.values() for name in names))

#: Options that belong to a model, and those that belong to an array.
MODEL = ("spec", "like", "rule", "default", "max_shard_size")
ARRAY = ("shape", "dist", "name", *PARAMETERS)

NOTES = """\
One array: --shape and --dist write a .npy file. Its values are those of fastinit.default_rng(SEED).child(NAME).DIST(...,
size=SHAPE), or without .child(NAME) if no name is given. The .npy format cannot name bfloat16 and the 8-bit floats: the values
are marked as raw items ('<V2', as numpy.save does). Load them with numpy.load("weights.npy").view(ml_dtypes.bfloat16).

A model: --spec or --like write a .safetensors file, or several and an index. A tensor's values are those of
fastinit.initializers.RULE(SHAPE, ..., rng=fastinit.default_rng(SEED).child(NAME)) with the tensor's own name. A rule is a name
of fastinit.initializers, alone or with arguments: zeros, 'truncated_normal(0.02)', 'xavier_uniform(gain=2)'. The first pattern
that matches a name counts: those of --rule, then those of the spec, or if it has none: biases zeros, norms ones. What none
matches is truncated_normal(0.02), unless --default or the spec say otherwise. docs/safetensors.md has more.

Files are written under temporary names (.NAME.RANDOM.part, in the same directory) and renamed when all are complete.

Exit status: 0 done; 1 a file could not be read or written; 2 wrong arguments; 130 interrupted.
"""


class Array(NamedTuple):
    """A `.npy` file to write."""

    args: argparse.Namespace
    seed: int
    draw: Callable[..., None]


class Model(NamedTuple):
    """A model to write."""

    args: argparse.Namespace
    seed: int
    plan: writing.Plan


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = (-1,)
    if min(shape) < 0:
        raise argparse.ArgumentTypeError(f"must be whole numbers with commas, such as 65536,16384; got {text!r}")
    return shape


def _rule(text: str) -> tuple[str, str]:
    pattern, sign, rule = text.partition("=")
    if not (pattern and sign and rule):
        raise argparse.ArgumentTypeError(f"must be PATTERN=RULE, such as '*.bias=zeros'; got {text!r}")
    return pattern, rule


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command to the others; what it returns has yet to be told what to run."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "fill",
        help="write a .npy or .safetensors file of random values, larger than memory if need be",
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # so that the command line sees every option under its full name
    )
    parser.add_argument("path", help="the .npy or .safetensors file to write")
    parser.add_argument("--dtype", choices=dtypes.NAMES.split(", "), help="default: float32, or those of --spec and --like")
    parser.add_argument("--seed", type=int, help="default: chosen by the operating system, and printed")
    parser.add_argument("--force", action="store_true", help="overwrite what is there; of a model all files")
    array = parser.add_argument_group("one array, as .npy").add_argument
    array("--shape", type=_shape, help="whole numbers with commas, such as 65536,16384")
    array("--dist", choices=tuple(DISTRIBUTIONS), help="distribution")
    array("--name", action="append", help="draw from the child of the seed that belongs to this name")
    array("--low", type=float, help="uniform: lower bound (default 0)")
    array("--high", type=float, help="uniform: upper bound (default 1)")
    array("--loc", type=float, help="normal, truncated_normal: mean (default 0)")
    array("--scale", type=float, help="normal, truncated_normal: standard deviation (default 1)")
    array("--a", type=float, help="truncated_normal: lower bound (default -2; may be -inf)")
    array("--b", type=float, help="truncated_normal: upper bound (default 2; may be inf)")
    units = "truncated_normal: a and b count standard deviations from loc, or are values (default std)"
    array("--units", choices=("std", "absolute"), help=units)
    model = parser.add_argument_group("a model, as .safetensors").add_argument
    model("--spec", metavar="FILE", help="JSON with tensors (name, shape, dtype) and rules (pattern, initialiser)")
    model("--like", metavar="FILE", help="take names, shapes and dtypes from this .safetensors file or .index.json")
    model("--rule", metavar="PATTERN=RULE", type=_rule, action="append", help="before those of the spec; repeatable")
    model("--default", metavar="RULE", help="for what no pattern matches (default truncated_normal(0.02))")
    model(
        "--max-shard-size",
        metavar="SIZE",
        help="several files of at most 5GB (of 1000^3 bytes), 500MB, 4GiB, ...; and an index",
    )
    return parser


def _given(args: argparse.Namespace, names: tuple[str, ...]) -> list[str]:
    return [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) is not None]


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that were given; the others keep the library's defaults."""
    mine = DISTRIBUTIONS[args.dist]
    if alien := sorted(set(_given(args, PARAMETERS)).difference(f"--{name}" for name in mine)):
        wanted = ", ".join(f"--{name}" for name in mine)
        raise ValueError(f"{', '.join(alien)}: not for --dist {args.dist}, which takes {wanted}")
    if args.name and len(args.name) > 1:
        raise ValueError("--name: may be given once")
    return {name: getattr(args, name) for name in mine if getattr(args, name) is not None}


def _drawing(args: argparse.Namespace, seed: int, dtype: Any) -> Callable[..., None]:
    """What draws a slice of the flat array: each slab from a new Generator, because all belong to call 0."""
    parameters, total = _parameters(args), math.prod(args.shape)

    def draw(out: Any = None, where: slice | None = None, size: int = total) -> None:
        rng = default_rng(seed)
        method = getattr(rng.child(args.name[0]) if args.name else rng, args.dist)
        method(size=size, index=where, out=out, dtype=dtype, **parameters)

    return draw


def _array(args: argparse.Namespace, seed: int) -> Array:
    if missing := [f"--{name}" for name in ("shape", "dist") if getattr(args, name) is None]:
        hint = "" if len(missing) < 2 else " (or --spec or --like for a .safetensors file)"
        raise ValueError(f"the following arguments are required: {', '.join(missing)}{hint}")
    if alien := _given(args, MODEL):
        raise ValueError(f"{', '.join(alien)}: not with --shape and --dist, which write one array")
    if args.path.endswith(".safetensors"):
        raise ValueError(f"--shape and --dist write a .npy file, --spec or --like a .safetensors file; got path {args.path!r}")
    args.dtype = args.dtype or "float32"
    dtype, total = dtypes.resolve(args.dtype).dtype, math.prod(args.shape)
    draw = _drawing(args, seed, dtype)
    npy.header(args.shape, dtype)
    draw(size=0)
    atomic.destination(args.path, overwrite=args.force)
    draw(size=min(total, 1))  # compiles, if it has to, before there is a file
    return Array(args, seed, draw)


def _model(args: argparse.Namespace, seed: int) -> Model:
    if alien := _given(args, ARRAY):
        raise ValueError(f"{', '.join(alien)}: not with --spec or --like, which write a model")
    rules = args.rule or []
    if len({pattern for pattern, _ in rules}) < len(rules):
        raise ValueError("--rule: may be given once for each pattern")
    made = writing.plan(
        args.path,
        args.spec,
        like=args.like,
        seed=seed,
        rules=dict(rules),
        default=args.default,
        dtype=args.dtype,
        max_shard_size=args.max_shard_size,
        overwrite=args.force,
    )
    writing.warm(made)
    return Model(args, seed, made)


def plan(args: argparse.Namespace) -> Array | Model:
    """Check the arguments together, and compile what is needed, before there is a file.

    Parameters
    ----------
    args : argparse.Namespace
        As the parser of `add` makes it.

    Returns
    -------
    Array or Model
        For `run`.

    Raises
    ------
    TypeError, ValueError
        For arguments that are wrong, or do not go together.
    OSError
        For a file that cannot be read, or is there already.
    """
    seed = secrets.randbits(128) if args.seed is None else args.seed
    return _array(args, seed) if args.spec is None and args.like is None else _model(args, seed)


def _fill_array(task: Array) -> None:
    args, dtype = task.args, dtypes.resolve(task.args.dtype).dtype
    start = time.perf_counter()
    with progress(math.prod(args.shape) * dtype.itemsize, "B", unit_scale=True) as advance:
        size = npy.fill_npy(args.path, args.shape, dtype, task.draw, progress=advance, overwrite=args.force)
    seconds = time.perf_counter() - start
    name = f" name={word(args.name[0])}" if args.name else ""
    print(
        f"{word(args.path)}: shape={','.join(map(str, args.shape))} dtype={args.dtype} bytes={size} "
        f"seconds={seconds:.3f} GB/s={size / seconds / 1e9:.3f} seed={task.seed}{name}"
    )
    if dtype.isbuiltin != 1:
        print(f"load with numpy.load({args.path!r}).view(ml_dtypes.{args.dtype})", file=sys.stderr)


def _fill_model(task: Model) -> None:
    start = time.perf_counter()
    with progress(sum(job.tensor.nbytes for job in task.plan.jobs), "B", unit_scale=True) as advance:
        done = writing.write(task.plan, advance)
    seconds = time.perf_counter() - start
    shards = f" shards={len(task.plan.shards)}" if task.plan.table is not None else ""
    print(
        f"{word(str(done.files[-1]))}: tensors={done.tensors} parameters={done.parameters}{shards} bytes={done.nbytes} "
        f"seconds={seconds:.3f} GB/s={done.nbytes / seconds / 1e9:.3f} seed={task.seed}"
    )
    if done.unused:
        print(f"no tensor takes the rules of {', '.join(map(word, done.unused))}", file=sys.stderr)


def run(task: Array | Model) -> None:
    """Write the file, and say so in one line.

    Parameters
    ----------
    task : Array or Model
        As `plan` makes it.

    Raises
    ------
    OSError
        If a file cannot be written.
    MemoryError
        If a tensor that must be computed in one piece does not fit.
    """
    if isinstance(task, Array):
        _fill_array(task)
    else:
        _fill_model(task)
