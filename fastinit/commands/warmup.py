"""`fastinit warmup`: compile kernels into the cache."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from typing import Any, NamedTuple

from fastinit.bench.process import interrupts_blocked
from fastinit.commands import parsers
from fastinit.commands.kernels import Kernel, is_held
from fastinit.commands.terminal import show
from fastinit.commands.values import names
from fastinit.distributions import LAWS
from fastinit.distributions.bits import BITS
from fastinit.kernels import cache, cpus, rows
from fastinit.laws.text import BY_NAME, parse
from fastinit.progress import progress

#: The name of the loop, which all kernels share, in the cache.
LOOP = "loop"

#: The rows of each distribution: those that some arguments or dtypes need. Any other law has one row of its own name.
SEVERAL = {
    "uniform": ("uniform", "uniform_within"),
    "truncated_normal": (
        "truncated_symmetric", "truncated_central", "truncated_tails", "normal", "normal_within", "uniform_within",
    ),
}  # fmt: skip
WEIGHTS = ("bits", "uniform", "normal", "truncated_normal")
DISTS = (*WEIGHTS, *(name for name in BY_NAME if name not in WEIGHTS))

NOTES = """\
Otherwise the first process that needs a kernel compiles it, which takes a fraction of a second each. Several processes share
the work, because LLVM's library serves one thread at a time. The cache is the folder that `fastinit info` prints;
NUMBA_CACHE_DIR names another one. Run it on each kind of CPU: the code of one is not used on another.

A law of your own is module:name: Python imports the module, so its code runs, and looks for it in the current directory last.

examples:
  fastinit warmup
  fastinit warmup --dist all --add
  fastinit warmup --law mylib:mylaw --dtype float32,bfloat16

Exit status: 0 all kernels are in the cache; 1 they cannot be written; 2 wrong arguments; 130 interrupted.
"""


class Plan(NamedTuple):
    """The kernels, by their names in the cache; None is the loop."""

    kernels: dict[str, Kernel | None]


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "warmup", "compile kernels into the cache", NOTES)
    add = parser.add_argument
    repeated: dict[str, Any] = {"action": "extend", "metavar": "NAME,..."}
    add("--dist", type=names(DISTS), help=f"{', '.join(DISTS)}, all; default {','.join(WEIGHTS)}", **repeated)
    add("--law", action="append", metavar="LAW", help="the kernels of this law, such as module:name of your own; repeatable")
    add("--dtype", type=names(tuple(rows.STORAGE)), help=f"only the kernels of these: {', '.join(rows.STORAGE)}", **repeated)
    add("--add", action="store_true", dest="adds", help="those of the argument add=True too")
    return parser


def _kernels(dists: Sequence[str], texts: Sequence[str], adds: bool) -> Iterator[Kernel]:
    """The kernels of the rows of distributions, and of laws by their texts."""
    wanted = {row for dist in dists for row in SEVERAL.get(dist, (dist,))}
    laws = [(law.name, law.dtypes, True) for law in LAWS.values() if law.name in wanted and not (adds and law is BITS)]
    laws += [(text, parse(text).dtype_names, False) for text in texts]
    for (law, held, is_row), dtype in itertools.product(laws, rows.STORAGE):
        if is_held(dtype, held, adds):
            yield Kernel(law, dtype, adds, is_row)


def plan(args: argparse.Namespace) -> Plan:
    """Select the kernels."""
    dists = args.dist or ([] if args.law else WEIGHTS)
    kernels: dict[str, Kernel | None] = {LOOP: None}
    for adds in (False, True) if args.adds else (False,):
        for kernel in _kernels(dists, args.law or [], adds):
            formula = kernel.formula() if not args.dtype or kernel.dtype in args.dtype else None
            if formula is not None:
                kernels[rows.cached_as(formula, kernel.dtype)] = kernel
    return Plan(kernels)


def _compile(name: str, kernel: Kernel | None) -> str:
    if kernel is None:
        rows.loop()
    else:
        formula = kernel.formula()
        assert formula is not None
        rows.entry(formula, kernel.dtype)
    return name


def _compiled(missing: dict[str, Kernel | None], processes: int) -> Iterator[str]:
    """Compile in several processes; the names as they are done."""
    if processes < 2:
        yield from (_compile(name, kernel) for name, kernel in missing.items())
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
    try:
        with interrupts_blocked():
            tasks = [pool.submit(_compile, name, kernel) for name, kernel in missing.items()]
        for task in as_completed(tasks):
            yield task.result()
    except BrokenExecutor as error:
        raise OSError(f"a process that compiled was killed: {error}") from error
    except BaseException:  # Ctrl-C: nobody needs the rest
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def run(plan: Plan) -> None:
    """Compile what is not in the cache, and say so in one line. Without a cache to write to it is an error."""
    start = time.perf_counter()
    missing = {name: kernel for name, kernel in plan.kernels.items() if cache.read(name) is None}
    folder = cache.directory()
    if missing and folder is None:
        if not cache.digest():
            raise OSError("fastinit's sources are no files, so no kernel would be kept")
        tried = ", ".join(map(str, cache.folders()))
        raise OSError(f"no folder of the cache can be written, so no kernel would be kept: {tried}; set NUMBA_CACHE_DIR")
    processes = min(cpus.usual(), -(-len(missing) // 4))  # to start one takes as long as to compile two kernels
    if missing and not sys.stderr.isatty():
        print(f"compiling {len(missing)} kernels, {processes} at a time, into {folder}", file=sys.stderr, flush=True)
    with progress(len(missing), "kernel") as advance:
        for name in _compiled(missing, processes):
            advance(1, name)
    if any(cache.read(name) is None for name in missing):
        raise OSError(f"kernels were compiled, but could not be written to {folder}")
    show(
        f"kernels={len(plan.kernels)} compiled={len(missing)} cached={len(plan.kernels) - len(missing)} "
        f"seconds={time.perf_counter() - start:.1f} cache={folder or 'none'}"
    )
