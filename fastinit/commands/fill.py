"""`fastinit fill`: one array as a `.npy` file, or a model as `.safetensors`."""

from __future__ import annotations

import argparse
import functools
import inspect
import secrets
import sys
import time
from collections.abc import Collection
from typing import Any, NamedTuple

from fastinit import default_rng, laws
from fastinit.arguments import dtypes
from fastinit.arguments.hints import hint
from fastinit.commands import parsers, values
from fastinit.commands.terminal import word
from fastinit.files import atomic, npy, slabs
from fastinit.initializers import BY_NAME
from fastinit.initializers.rules import TensorRule, parse
from fastinit.laws.text import find
from fastinit.progress import progress
from fastinit.safetensors import drawing, writing
from fastinit.safetensors.format import NAMES, Tensor, kind

#: The parameters of laws that are options.
PARAMETERS = ("low", "high", "loc", "scale", "a", "b", "units")

#: Options that belong to a model, and those that belong to an array.
MODEL = ("spec", "like", "rule", "default", "max_shard_size")
ARRAY = ("shape", "dist", "name", *PARAMETERS)

NOTES = """\
examples:
  fastinit fill up.npy --shape 65536,16384 --dist normal --scale 0.02 --seed 0
  fastinit fill up.npy --shape 64Ki,16Ki --dist xavier_uniform --dtype bfloat16
  fastinit fill up.npy --shape 64Ki,16Ki --dist 'laplace(scale=0.1)'
  fastinit fill up.npy --shape 64Ki,16Ki --dist mylib:mylaw --dtype float64
  fastinit fill model.safetensors --spec spec.json --seed 0
  fastinit fill model.safetensors --like other.safetensors --max-shard-size 5GB

One array: --shape and --dist write a .npy file. DIST is a law of fastinit.laws, alone or with its arguments in parentheses, and
the values are those of fastinit.default_rng(SEED).child(NAME).draw(LAW, SHAPE), without .child(NAME) if there is no --name. It
may also be a law of your own, module:name: Python imports the module, so its code runs, and looks for it in the current
directory last. Or DIST is a function of fastinit.initializers: 'xavier_uniform(gain=2)'. The .npy format cannot name bfloat16
and the 8-bit floats: their values are stored as raw items, as numpy.save does. Load them with
numpy.load("up.npy").view(ml_dtypes.bfloat16).

A model: --spec or --like write a .safetensors file, or several and an index. A tensor's values are those of
fastinit.initializers.RULE(SHAPE, ..., rng=fastinit.default_rng(SEED).child(NAME)) with the tensor's own name. A rule is what
DIST can be: zeros, 'xavier_uniform(gain=2)', 'laplace(scale=0.1)'. The first pattern that matches a name counts: those of
--rule, then those of the spec; if the spec has none: biases zeros, norms ones. All other tensors are
'truncated_normal(scale=0.02)', unless --default or the spec say otherwise; scale is the deviation before truncation. The
documentation's page on safetensors describes the spec.

Files are written under temporary names (.NAME.RANDOM.part, in the same directory) and renamed when all are complete.

Exit status: 0 done; 1 a file could not be read or written; 2 wrong arguments; 130 interrupted.
"""


class Array(NamedTuple):
    """A `.npy` file to write."""

    args: argparse.Namespace
    seed: int
    job: drawing.Job


class Model(NamedTuple):
    """A model to write."""

    args: argparse.Namespace
    seed: int
    plan: writing.ModelFiles


def _dist(text: str) -> str:
    name = text.partition("(")[0].strip()
    if name not in BY_NAME and name not in laws.BY_NAME and ":" not in name:
        near = hint(name, (*BY_NAME, *laws.BY_NAME))
        allowed = f"{', '.join(laws.BY_NAME)}, module:name of your own law, or an initialiser"
        raise argparse.ArgumentTypeError(f"must be {allowed}; got {text!r}{near}")
    return text


def _number(text: str) -> float:
    """A number; whole ones stay whole."""
    try:
        return int(text)
    except ValueError:
        return float(text)


_number.__name__ = "float"  # for argparse's message


def _rule(text: str) -> tuple[str, str]:
    pattern, sign, rule = text.partition("=")
    if not (pattern and sign and rule):
        raise argparse.ArgumentTypeError(f"must be PATTERN=RULE, such as '*.bias=zeros'; got {text!r}")
    return pattern, rule


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "fill", "write a .npy or .safetensors file, which may be larger than memory", NOTES)
    add = parser.add_argument
    names = dict.fromkeys((*dtypes.REAL_NAMES, *NAMES.values()))
    integers = f"laws of integers: {', '.join(name for name in names if name not in dtypes.REAL_NAMES)}"
    default = "float32, or the law's own, or as --spec and --like"
    add("path", help="the .npy or .safetensors file to write")
    add("--dtype", type=values.name(tuple(names)), metavar="DTYPE", help=f"{dtypes.NAMES}; {integers} (default: {default})")
    add("--seed", type=int, help="default: from the operating system, and printed")
    add("--force", action="store_true", help="overwrite what is there; of a model all files")
    add = parser.add_argument_group("one array, as .npy").add_argument
    add("--shape", type=values.shape, metavar="N,...", help="lengths of the axes: 65536,16384 or 64Ki,16Ki or 4x4")
    dist = f"{', '.join(laws.BY_NAME)}, module:name of your own law, or an initialiser: xavier_uniform, ..."
    add("--dist", type=_dist, metavar="DIST", help=dist)
    add("--name", action="append", help="draw from the child of the seed that has this name")
    add("--low", type=_number, help="uniform: lower bound (default 0); integers: the least")
    add("--high", type=_number, help="uniform: upper bound (default 1); integers: the end")
    add("--loc", type=_number, help="normal, laplace, ...: mean or centre (default 0)")
    add("--scale", type=_number, help="normal: standard deviation; laplace, ...: width (default 1)")
    add("--a", type=_number, help="truncated_normal: lower bound (default -2; may be -inf)")
    add("--b", type=_number, help="truncated_normal: upper bound (default 2; may be inf)")
    units = "truncated_normal: a and b count deviations from loc (std, the default), or are values (absolute)"
    add("--units", type=values.name(("std", "absolute")), metavar="UNITS", help=units)
    add = parser.add_argument_group("a model, as .safetensors").add_argument
    add("--spec", metavar="FILE", help="JSON with tensors (name, shape, dtype) and rules (pattern, initialiser)")
    add("--like", metavar="FILE", help="take names, shapes and dtypes from this .safetensors file or .index.json")
    add("--rule", metavar="PATTERN=RULE", type=_rule, action="append", help="comes before those of the spec; repeatable")
    add("--default", metavar="RULE", help="for names that match no pattern (default truncated_normal(scale=0.02))")
    size = "split into files of at most 5GB (5 * 1000^3 bytes), 500MB, 4GiB, ...; and an index"
    add("--max-shard-size", metavar="SIZE", type=functools.partial(values.size, least=1), help=size)
    return parser


def _options(args: argparse.Namespace, names: tuple[str, ...]) -> list[str]:
    """The options among these that the command line has."""
    return [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) is not None]


def _parameters(name: str) -> Collection[str]:
    """The parameters of a law; of an initialiser, none can be options."""
    law = find(name) if ":" in name else laws.BY_NAME.get(name)
    return inspect.signature(law).parameters if callable(law) else ()


def _rule_of(args: argparse.Namespace) -> TensorRule:
    """The rule of --dist, with the options that are its parameters."""
    name, has_arguments, _ = args.dist.partition("(")
    allowed = () if has_arguments else tuple(each for each in PARAMETERS if each in _parameters(name))
    if unknown := _options(args, tuple(each for each in PARAMETERS if each not in allowed)):
        wanted = ", ".join(f"--{each}" for each in allowed) or "its parameters, if any, in parentheses"
        raise ValueError(f"{', '.join(unknown)}: not for --dist {name}, which takes {wanted}")
    given = {each: getattr(args, each) for each in allowed if getattr(args, each) is not None}
    return parse({"init": name, **given} if given else args.dist, "--dist")


def _array(args: argparse.Namespace, seed: int) -> Array:
    if missing := [f"--{name}" for name in ("shape", "dist") if getattr(args, name) is None]:
        hint = "" if len(missing) < 2 else " (or --spec or --like for a .safetensors file)"
        raise ValueError(f"the following arguments are required: {', '.join(missing)}{hint}")
    if unknown := _options(args, MODEL):
        raise ValueError(f"{', '.join(unknown)}: not with --shape and --dist, which write one array")
    if not args.path.endswith(".npy"):  # a pipe cannot be mapped into memory, so "-" is refused too
        raise ValueError(f"--shape and --dist write a .npy file, --spec and --like a .safetensors file; got path {args.path!r}")
    if args.name and len(args.name) > 1:
        raise ValueError("--name: may be given once")
    for name in args.name or ():
        default_rng(seed).child(name)  # raises for text that is no name
    rule = _rule_of(args)
    tensor = Tensor(args.path, args.shape, kind(args.dtype or rule.real(None).name))
    npy.header(tensor.shape, tensor.kind.dtype)
    job = drawing.job(tensor, rule, default_rng(seed))
    atomic.destination(args.path, overwrite=args.force)
    drawing.warm([job], default_rng(seed))
    return Array(args, seed, job)


def _model(args: argparse.Namespace, seed: int) -> Model:
    if unknown := _options(args, ARRAY):
        raise ValueError(f"{', '.join(unknown)}: not with --spec or --like, which write a model")
    pairs = args.rule or []
    if len({pattern for pattern, _ in pairs}) < len(pairs):
        raise ValueError("--rule: may be given once for each pattern")
    plan = writing.plan(
        args.path,
        args.spec,
        like=args.like,
        seed=seed,
        rules=dict(pairs),
        default=args.default,
        dtype=args.dtype,
        max_shard_size=args.max_shard_size,
        overwrite=args.force,
    )
    return Model(args, seed, plan)


def plan(args: argparse.Namespace) -> Array | Model:
    """Check the arguments together, and compile what is needed, before there is a file."""
    seed = secrets.randbits(128) if args.seed is None else args.seed
    return _array(args, seed) if args.spec is None and args.like is None else _model(args, seed)


def _speed(nbytes: int, start: float) -> str:
    seconds = time.perf_counter() - start
    return f"bytes={nbytes} seconds={seconds:.3f} GB/s={nbytes / seconds / 1e9:.3f}"


def _fill_array(task: Array) -> None:
    args, job, (_, shape, kind) = task.args, task.job, task.job.tensor
    name = args.name[0] if args.name else None

    def draw(out: slabs.Array, where: slabs.Where) -> None:  # from a new Generator, because all slabs belong to call 0
        rng = default_rng(task.seed)
        job.draw(rng if name is None else rng.child(name), out, where)

    slab, start = max(job.tensor.nbytes, 1) if job.whole else slabs.SLAB, time.perf_counter()
    with progress(job.tensor.nbytes, "B", unit_scale=True) as advance:
        size = npy.fill_npy(args.path, shape, kind.dtype, draw, progress=advance, overwrite=args.force, slab_bytes=slab)
    print(
        f"{word(args.path)}: shape={','.join(map(str, shape))} dtype={kind.name} {_speed(size, start)} seed={task.seed}"
        f"{'' if name is None else f' name={word(name)}'}"
    )
    if kind.dtype.isbuiltin != 1:
        print(f"load with numpy.load({args.path!r}).view(ml_dtypes.{kind.name})", file=sys.stderr)


def _fill_model(task: Model) -> None:
    start = time.perf_counter()
    with progress(sum(job.tensor.nbytes for job in task.plan.jobs), "B", unit_scale=True) as advance:
        done = writing.write(task.plan, advance)
    shards = f" shards={len(task.plan.shards)}" if task.plan.index_text is not None else ""
    print(
        f"{word(str(done.files[-1]))}: tensors={done.tensors} parameters={done.parameters}{shards} "
        f"{_speed(done.nbytes, start)} seed={task.seed}"
    )
    if done.unused:
        print(f"no tensor takes the rules of {', '.join(map(word, done.unused))}", file=sys.stderr)


def run(task: Array | Model) -> None:
    """Write the file, and say so in one line."""
    if isinstance(task, Array):
        _fill_array(task)
    else:
        _fill_model(task)
