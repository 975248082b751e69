"""`fastinit bench`: arguments and output. `fastinit.bench` measures."""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastinit.arguments import dtypes
from fastinit.bench import machine, plot, session, table
from fastinit.bench.markdown import wrapped
from fastinit.bench.measure import BUFFERS, DTYPES, ROUNDS, VALUES, Job, distribution, numpy_dtype
from fastinit.bench.samplers import PEERS, REFERENCES, TITLES
from fastinit.commands import parsers, reports
from fastinit.commands.values import count, counts, names, seconds
from fastinit.kernels import cpus
from fastinit.peers.interface import LAWS, MORE
from fastinit.peers.libraries import ALIASES, installed
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
  fastinit bench --dist laplace,rademacher,integers
  fastinit bench --law 'mylib:mylaw(scale=2)' --dtype float32,float64

Laws are standard; trials succeed with chance 0.3, and integers lie in [0, 100). A law of your own is module:name: Python
imports the module, so its code runs, and looks for it in the current directory last.

Exit status: 0 done, even if a peer failed; 1 a file could not be written; 2 wrong arguments; 130 interrupted.
"""


#: The dtypes that are timed: only fastinit fills floats of 8 bits.
STORED = (*DTYPES, *(name for name in dtypes.ALL_NAMES if name not in dtypes.REAL_NAMES))
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
    add("--dist", type=names((*LAWS, *MORE)), help=f"{', '.join((*LAWS, *MORE))}; default {','.join(LAWS)}", **repeated)
    add("--law", metavar="LAW", help="only this one, with its arguments: laplace(scale=0.1), or module:name of your own")
    add("--dtype", type=names(STORED), help=f"{', '.join(STORED)}; default float32, or the law's own", **repeated)
    add("--peers", type=peers, help=f"{', '.join(PEERS)}, none; default all that are installed", **repeated)
    add("--size", type=count, default=VALUES, metavar="N", help="values of a fill, such as 1000000, 64Mi, 1e8; default 2**26")
    add("--threads", action="extend", type=counts, metavar="N,...", help="a table for each number; default all CPUs")
    add("--buffer", choices=BUFFERS, default="touched", help="filled before (default), or allocated in every call")
    reports.add_device(parser, "time fills of the memory of a CUDA device, beside a memset and the fills of torch and CuPy")
    add("--rounds", type=count, default=ROUNDS, metavar="N", help="default %(default)s")
    add("--limit", type=seconds, default=120.0, metavar="SECONDS", help="kill a peer that is silent for longer; default 120")
    reports.add(parser, "raw samples, machine and versions", "the ratios to the store")
    return parser


def _fills(laws: Sequence[str], wanted: Sequence[str] | None) -> list[tuple[str, str]]:
    """Each law with each of the dtypes that hold it, in the order of the dtypes."""
    fills = []
    for law in laws:
        names = distribution(law).dtype_names
        default = "float32" if "float32" in names else names[0]
        these = [name for name in (wanted or [default]) if name in names]
        fills += [(law, name) for name in these]
        if not these:
            raise ValueError(f"--dtype: must be one of {', '.join(names)} for {law}; got {','.join(wanted or [])}")
    return sorted(fills, key=lambda fill: wanted.index(fill[1]) if wanted else 0)


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
    if args.law is not None and args.dist:
        raise ValueError("--law: not with --dist")
    laws = reports.once(args.dist, LAWS) if args.law is None else [args.law]
    fills, threads = _fills(laws, args.dtype and reports.once(args.dtype, [])), reports.once(args.threads, [cpus.usual()])
    on_device = reports.use_device(args)
    if on_device and (args.threads or args.buffer == "fresh"):
        raise ValueError("--device cuda: not with --threads or --buffer fresh")
    candidates = DEVICE_PEERS if on_device else PEERS
    present = [name for name in candidates if installed(name) and args.law is None]
    peers = reports.once(args.peers, present)
    if max(threads) > cpus.usual():
        raise ValueError(f"--threads: must be at most {cpus.usual()} here; got {max(threads)}")
    files = reports.files(args)
    if unknown := [name for name in peers if name not in candidates]:
        raise ValueError(f"--peers: {unknown[0]} has no fills on this device; there are {', '.join(candidates)}")
    libraries = (*REFERENCES, *peers)
    if not on_device:
        _check_memory(args.size, [dtype for _, dtype in fills], libraries)
    jobs = tuple(
        Job(law, args.size, dtype, args.buffer, number, args.device)
        for number, (law, dtype) in itertools.product(threads, fills)
    )
    absent = tuple(name for name in candidates if args.peers is None and args.law is None and name not in present)
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
