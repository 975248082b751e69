"""`fastinit warmup`: compile all kernels into the cache."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from typing import Any, NamedTuple

from fastinit.bench.process import interrupts_blocked
from fastinit.commands import parsers
from fastinit.commands.values import names
from fastinit.distributions import LAWS
from fastinit.kernels import cache, cpus, rows
from fastinit.progress import progress

#: The name of the loop, which all kernels share, in the cache.
LOOP = "loop"

NOTES = """\
Otherwise the first process that needs a kernel compiles it, which takes a fraction of a second each. Several processes share
the work, because LLVM's library serves one thread at a time. The cache is the folder that `fastinit info` prints;
NUMBA_CACHE_DIR names another one. Run it on each kind of CPU: the code of one is not used on another.

Exit status: 0 all kernels are in the cache; 1 they cannot be written; 2 wrong arguments; 130 interrupted.
"""


class Plan(NamedTuple):
    """The kernels, by their names in the cache."""

    kernels: dict[str, tuple[str, str] | None]


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "warmup", "compile all kernels into the cache", NOTES)
    parser.add_argument(
        "--dtype",
        action="extend",
        type=names(tuple(rows.STORAGE)),
        metavar="DTYPE",
        help=f"only the kernels of these: {', '.join(rows.STORAGE)}; with commas, or repeated",
    )
    return parser


def plan(args: argparse.Namespace) -> Plan:
    """Select the kernels."""
    wanted = [row for row in rows.ROWS if not args.dtype or row[1] in args.dtype]
    return Plan({LOOP: None, **{f"{law}-{dtype}": (law, dtype) for law, dtype in wanted}})


def _compile(name: str, row: tuple[str, str] | None) -> str:
    if row is None:
        rows.loop()
    else:
        rows.entry(LAWS[row[0]], row[1])
    return name


def _compiled(missing: dict[str, tuple[str, str] | None], processes: int) -> Iterator[str]:
    """Compile in several processes; the names as they are done."""
    if processes < 2:
        yield from (_compile(name, row) for name, row in missing.items())
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
    try:
        with interrupts_blocked():
            tasks = [pool.submit(_compile, name, row) for name, row in missing.items()]
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
    missing = {name: row for name, row in plan.kernels.items() if cache.read(name) is None}
    folder = cache.directory()
    if missing and folder is None:
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
    print(
        f"kernels={len(plan.kernels)} compiled={len(missing)} cached={len(plan.kernels) - len(missing)} "
        f"seconds={time.perf_counter() - start:.1f} cache={folder or 'none'}"
    )
