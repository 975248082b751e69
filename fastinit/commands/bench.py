"""`fastinit bench`: arguments and output. `fastinit.bench` measures."""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastinit.bench import machine, plot, session, table
from fastinit.bench.markdown import wrapped
from fastinit.bench.measure import BUFFERS, DTYPES, ROUNDS, VALUES, Job, numpy_dtype
from fastinit.bench.samplers import PEERS, REFERENCES, TITLES
from fastinit.commands import parsers, reports
from fastinit.commands.values import count, counts, names, seconds
from fastinit.kernels import cpus
from fastinit.peers.libraries import ALIASES, installed
from fastinit.peers.samplers import LAWS
from fastinit.progress import progress

NOTES = """\
Each sampler runs in its own process. In every round each sampler fills once, in turn, while the others sleep. The parallel
store writes one constant into the same kind of buffer with all threads: no fill can be much faster. Times are medians of the
rounds. A peer that takes more than 20 times as long as the store takes part in the first 3 rounds only.

  spread %    half the distance between the quartiles, over the median
  x store     time over that of the store, median of the rounds;
              x fastinit: over that of fastinit. Above 1 is slower
  cores       CPU time over wall time
  allocates   makes a new array in each call: it cannot fill an existing one

examples:
  fastinit bench --peers numpy,torch --dist normal --dtype bfloat16
  fastinit bench --size 64Mi --threads 1,2 --json fills.json --plot fills.png

Exit status: 0 done, even if a peer failed; 1 a file could not be written; 2 wrong arguments; 130 interrupted.
"""


#: The peers that have samplers on a CUDA device, as in `fastinit.bench.device`, which imports what GPUs need.
DEVICE_PEERS = ("torch", "cupy")


class Plan(NamedTuple):
    """What is measured, and the files that are written."""

    jobs: tuple[Job, ...]
    libraries: tuple[str, ...]
    absent: tuple[str, ...]
    rounds: int
    limit: float
    files: reports.Files


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "bench", "time fastinit beside the other samplers that are installed", NOTES)
    add = parser.add_argument
    peers = names(tuple(dict.fromkeys((*PEERS, *DEVICE_PEERS))), ALIASES, none=True)
    repeated: dict[str, Any] = {"action": "extend", "metavar": "NAME,..."}
    add("--dist", type=names(LAWS), help=f"{', '.join(LAWS)}; default all", **repeated)
    add("--dtype", type=names(DTYPES), help=f"{', '.join(DTYPES)}; default float32", **repeated)
    add("--peers", type=peers, help=f"{', '.join(PEERS)}, none; default all that are installed", **repeated)
    add("--size", type=count, default=VALUES, metavar="N", help="values of a fill, such as 1000000, 64Mi, 1e8; default 2**26")
    add("--threads", action="extend", type=counts, metavar="N,...", help="a table for each number; default all CPUs")
    add("--buffer", choices=BUFFERS, default="touched", help="filled before (default), or allocated in every call")
    reports.add_device(parser, "time fills of the memory of a CUDA device, beside a memset and the fills of torch and CuPy")
    add("--rounds", type=count, default=ROUNDS, metavar="N", help="default %(default)s")
    add("--limit", type=seconds, default=120.0, metavar="SECONDS", help="kill a peer that is silent for longer; default 120")
    reports.add(parser, "raw samples, machine and versions", "the ratios to the store")
    return parser


def _check_memory(size: int, dtypes: Sequence[str], libraries: Sequence[str]) -> None:
    needed = size * max(numpy_dtype(name).itemsize for name in dtypes) * len(libraries)
    free = machine.free_memory()
    if free is not None and needed > free:
        raise ValueError(
            f"--size: a buffer for each of {len(libraries)} processes takes {needed / 2**30:,.1f} GiB; "
            f"got {size:,} values, and {free / 2**30:,.1f} GiB are free"
        )


def plan(args: argparse.Namespace) -> Plan:
    """Check the arguments together, before anything is measured; ValueError or OSError says what is wrong."""
    dists, dtypes, threads = (
        reports.once(args.dist, LAWS),
        reports.once(args.dtype, ["float32"]),
        reports.once(args.threads, [cpus.usual()]),
    )
    on_device = reports.use_device(args)
    if on_device and (args.threads or args.buffer == "fresh"):
        raise ValueError("--device cuda: not with --threads or --buffer fresh")
    candidates = DEVICE_PEERS if on_device else PEERS
    present = [name for name in candidates if installed(name)]
    peers = reports.once(args.peers, present)
    if max(threads) > cpus.usual():
        raise ValueError(f"--threads: must be at most {cpus.usual()} here; got {max(threads)}")
    files = reports.files(args)
    if unknown := [name for name in peers if name not in candidates]:
        raise ValueError(f"--peers: {unknown[0]} has no fills on this device; there are {', '.join(candidates)}")
    libraries = (*REFERENCES, *peers)
    if not on_device:
        _check_memory(args.size, dtypes, libraries)
    jobs = tuple(
        Job(dist, args.size, dtype, args.buffer, number, args.device)
        for number, dtype, dist in itertools.product(threads, dtypes, dists)
    )
    absent = tuple(name for name in candidates if args.peers is None and name not in present)
    return Plan(jobs, libraries, absent, args.rounds, args.limit, files)


def measure(plan: Plan, show: Callable[[session.Table], object]) -> list[session.Table]:
    """Measure the tables in turn; `show` is called with each as soon as it is finished."""
    tables = []
    for job in plan.jobs:
        with progress(plan.rounds * len(plan.libraries), "turn") as advance:
            tables.append(session.measure(job, plan.libraries, plan.rounds, plan.limit, advance))
        show(tables[-1])
    return tables


def run(plan: Plan) -> None:
    """Measure, print, write; OSError if a file cannot be written."""
    here = machine.describe(plan.libraries[len(REFERENCES) :])
    reports.show(wrapped(machine.sentence(here)))
    tables = measure(plan, lambda done: reports.show(f"\n{table.text(done)}"))
    if plan.absent:
        reports.show("\n" + wrapped(f"Not installed: {', '.join(TITLES[name] for name in plan.absent)}."))
    document = functools.partial(table.document, tables, here)
    reports.write(plan.files, document, functools.partial(plot.draw, tables, here))
