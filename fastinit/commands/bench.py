"""`fastinit bench`: arguments and output. `fastinit.bench` measures."""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastinit.arguments import dtypes
from fastinit.arguments.quantities import byte_size
from fastinit.bench import caches, compare, figures, machine, plot, results, scaling, session, table
from fastinit.bench.markdown import wrapped
from fastinit.bench.measure import BUFFERS, DTYPES, ROUNDS, VALUES, Job, distribution, numpy_dtype
from fastinit.bench.samplers import PEERS, REFERENCES, TITLES, references
from fastinit.commands import parsers, reports
from fastinit.commands.values import count, names, seconds, size
from fastinit.kernels import cpus
from fastinit.peers.interface import LAWS, MORE
from fastinit.peers.libraries import ALIASES, installed
from fastinit.progress import progress

NOTES = """\
Each sampler runs in its own process. In every round each sampler fills once, in turn, while the others sleep. Two stores of a
constant by all threads run too: one through the caches, one past them (NT, non-temporal). No fill can be much faster than the
fastest round of them, which is the roof. Times are medians of the rounds. A peer that takes more than a quarter of a second,
and 20 times as long as the store, takes part in the first 3 rounds only.

  ns          nanoseconds for each value
  +/- %       half the distance between the quartiles, over the median
  cycles      that all cores together spend on each value: CPU time by clock
  Gval/s      values a second, in thousands of millions
  % roof      of the roof's bandwidth
  x fastinit  time over that of fastinit. Above 1 is slower
  allocates   makes a new array in each call: it cannot fill an existing one

Sizes: a number of values (64Mi, 1e8, 2**26), bytes (1MiB, 5GB), or l2, l3, ram: half of the L2 caches that the threads use,
two to four times these, twice the last-level caches. Sizes that some number of threads does not have are left out. A short
fill is called many times for a sample. What a call for one value takes is said below the table where it is 1 % of a fill or
more.

--compare shows the second file's times over the first's. A sampler is called slower (or faster) if all its samples are longer
than all but the longest of the other run, and the medians are 3 % apart; both need 7 rounds.

examples:
  fastinit bench --peers numpy,torch --dist normal --dtype bfloat16
  fastinit bench --size l2,l3,ram --threads 1 --peers none
  fastinit bench --size ram --threads all --plot scaling.png --json a.json
  fastinit bench --compare a.json b.json
  fastinit bench --law 'mylib:mylaw(scale=2)' --dtype float32,float64

Laws are standard; trials succeed with chance 0.3, and integers lie in [0, 100). A law of your own is module:name: Python
imports the module, so its code runs, and looks for it in the current directory last.

Exit status: 0 done, even if a peer failed; 1 a file could not be read or written, or --compare found that fastinit became
slower or failed; 2 wrong arguments, or a file of another program; 130 interrupted.
"""


#: The dtypes that are timed: only fastinit fills floats of 8 bits.
STORED = (*DTYPES, *(name for name in dtypes.ALL_NAMES if name not in dtypes.REAL_NAMES))
#: The peers that have samplers on a CUDA device: those of `fastinit.bench.device`, which imports what GPUs need.
DEVICE_PEERS = ("torch", "torch_func", "cupy")
EVERY_PEER = tuple(dict.fromkeys((*PEERS, *DEVICE_PEERS)))


#: What options are if they are not given. With --compare none is.
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("dist", "law", "dtype", "peers", "size", "threads", "json", "plot")),
    "buffer": "touched", "device": "cpu", "rounds": ROUNDS, "limit": 120.0,
}  # fmt: skip


class Plan(NamedTuple):
    """What is measured, and the files that are written."""

    jobs: tuple[Job, ...]
    libraries: tuple[str, ...]
    absent: tuple[str, ...]
    rounds: int
    limit: float
    files: reports.Files
    left_out: tuple[str, ...]


class Comparison(NamedTuple):
    """Two files, and the tables that both have."""

    paths: tuple[str, str]
    machines: tuple[dict[str, Any], dict[str, Any]]
    pairs: list[tuple[session.Table, session.Table]]
    only: tuple[int, int]


def sizes(text: str) -> list[int | str]:
    """Sizes with commas: counts, bytes that end in B, names of caches."""
    return [_size(part.strip()) for part in text.split(",")]


def _size(text: str) -> int | str:
    """One size."""
    if text.lower() in caches.PLACES:
        return text.lower()
    if text.lower().endswith("b") and byte_size(text):
        size(text, 1)
        return text
    try:
        return count(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; or bytes such as 1MiB, or {', '.join(caches.PLACES)}") from None


def thread_counts(text: str) -> list[int]:
    """Numbers with commas; `all` are the powers of two up to the CPUs, and the CPUs."""
    most, found = cpus.usual(), []
    for part in map(str.strip, text.split(",")):
        if part == "all":
            found += [2**i for i in range(most.bit_length()) if 2**i < most] + [most]
            continue
        try:
            found.append(count(part))
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"{error}; or all") from None
    return found


def add(commands: Any) -> argparse.ArgumentParser:
    """Register the command."""
    parser = parsers.add(commands, "bench", "time fastinit beside the other samplers that are installed", NOTES)
    add = parser.add_argument
    peers = names(EVERY_PEER, ALIASES, none=True)
    repeated: dict[str, Any] = {"action": "extend", "metavar": "NAME,..."}
    add("--dist", type=names((*LAWS, *MORE)), help=f"{', '.join((*LAWS, *MORE))}; default {','.join(LAWS)}", **repeated)
    add("--law", metavar="LAW", help="only this one, with its arguments: laplace(scale=0.1), or module:name of your own")
    add("--dtype", type=names(STORED), help=f"{', '.join(STORED)}; default float32, or the law's own", **repeated)
    add("--peers", type=peers, help=f"{', '.join(PEERS)}, none; default all that are installed", **repeated)
    numbers: dict[str, Any] = {"action": "extend", "metavar": "N,..."}
    add("--size", type=sizes, help="of a fill: values, bytes, l2, l3 or ram; default 2**26 values", **numbers)
    add("--threads", type=thread_counts, help="a table for each number; all: 1, 2, 4, ...; default all CPUs", **numbers)
    add("--buffer", choices=BUFFERS, help="filled before (default), or allocated in every call")
    reports.add_device(parser, "time fills of the memory of a CUDA device, beside a memset and the fills of torch and CuPy")
    add("--rounds", type=count, metavar="N", help=f"default {ROUNDS}")
    add("--limit", type=seconds, metavar="SECONDS", help="kill a peer that is silent for longer; default 120")
    reports.add(parser, "raw samples, machine and versions", "times over the store's, or bandwidth by --threads")
    add("--compare", nargs=2, metavar=("A", "B"), help="measure nothing: set two files of --json side by side")
    parser.set_defaults(**DEFAULTS)
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


def _check_memory(jobs: Sequence[Job], libraries: Sequence[str]) -> None:
    """Raise if the buffers of all processes do not fit the memory that is free."""
    needed, values = max((job.values * numpy_dtype(job.dtype).itemsize * len(libraries), job.values) for job in jobs)
    free = machine.free_memory()
    if free is not None and needed > free:
        raise ValueError(
            f"--size: a buffer for each of {len(libraries)} processes takes {needed / 2**30:,.1f} GiB; "
            f"got {values:,} values, and {free / 2**30:,.1f} GiB are free"
        )


def _jobs(args: argparse.Namespace) -> tuple[tuple[Job, ...], tuple[str, ...]]:
    """A job for each number of threads, size, dtype and law; and why sizes with some numbers of threads have none."""
    laws = reports.once(args.dist, LAWS) if args.law is None else [args.law]
    fills = _fills(laws, args.dtype and reports.once(args.dtype, []))
    counts, wanted = reports.once(args.threads, [cpus.usual()]), reports.once(args.size, [VALUES])
    if max(counts) > cpus.usual():
        raise ValueError(f"--threads: must be at most {cpus.usual()} here; got {max(counts)}")
    jobs, left_out = [], []
    for threads, each in itertools.product(counts, wanted):
        try:
            values = {dtype: caches.values_of(each, numpy_dtype(dtype).itemsize, threads) for _, dtype in fills}
        except ValueError as error:  # no such cache
            left_out.append(str(error))
            continue
        place = str(each) if each in caches.PLACES else ""
        jobs += [Job(law, values[dtype], dtype, args.buffer, threads, args.device, place) for law, dtype in fills]
    if not jobs:
        raise ValueError(left_out[0])
    return tuple(dict.fromkeys(jobs)), tuple(dict.fromkeys(left_out))  # sizes that are written differently may be one


def plan(args: argparse.Namespace) -> Plan | Comparison:
    """Check the arguments together, before anything is measured; ValueError or OSError says what is wrong."""
    if args.compare is not None:
        return _comparison(args)
    if args.law is not None and args.dist:
        raise ValueError("--law: not with --dist")
    on_device = reports.use_device(args)
    if on_device and (args.threads or args.buffer == "fresh"):
        raise ValueError("--device cuda: not with --threads or --buffer fresh")
    if on_device and any(each in caches.PLACES for each in args.size or []):
        raise ValueError(f"--size: must be values or bytes with --device cuda; got {','.join(map(str, args.size))}")
    jobs, left_out = _jobs(args)
    candidates = DEVICE_PEERS if on_device else PEERS
    present = [name for name in candidates if installed(name) and args.law is None]
    peers = reports.once(args.peers, present)
    files = reports.files(args)
    if set(peers) == set(EVERY_PEER):  # all: those that fill here
        peers = list(candidates)
    if unknown := [name for name in peers if name not in candidates]:
        raise ValueError(f"--peers: {unknown[0]} has no fills on this device; there are {', '.join(candidates)}")
    libraries = (*references(jobs[0]), *peers)
    if not on_device:
        _check_memory(jobs, libraries)
    absent = tuple(name for name in candidates if args.peers is None and args.law is None and name not in present)
    return Plan(jobs, libraries, absent, args.rounds, args.limit, files, left_out)


def _comparison(args: argparse.Namespace) -> Comparison:
    """The files of --compare, read."""
    if others := [name for name, value in DEFAULTS.items() if getattr(args, name) != value]:
        raise ValueError(f"--compare: not with --{others[0]}")
    (first, before), (second, after) = map(results.read, args.compare)
    pairs = compare.pairs(before, after)
    return Comparison(tuple(args.compare), (first, second), pairs, (len(before) - len(pairs), len(after) - len(pairs)))


def measure(plan: Plan, show: Callable[[session.Table], object]) -> list[session.Table]:
    """Measure the tables in turn; `show` is called with each as soon as it is finished."""
    tables = []
    for job in plan.jobs:
        with progress(plan.rounds * len(plan.libraries), "turn") as advance:
            tables.append(session.measure(job, plan.libraries, plan.rounds, plan.limit, advance))
        show(tables[-1])
    return tables


def run(plan: Plan | Comparison) -> int:
    """Measure or compare, print, write; 1 if fastinit became slower. OSError if a file cannot be written."""
    if isinstance(plan, Comparison):
        return _compare(plan)
    here = machine.describe((name for name in plan.libraries if name not in REFERENCES), plan.jobs[0].device)
    reports.show("\n".join(map(wrapped, filter(None, (machine.sentence(here), machine.memory_sentence(here))))))
    for reason in plan.left_out:
        reports.show("\n" + wrapped(f"Left out: {reason}."))
    tables = measure(plan, lambda done: reports.show(f"\n{table.text(done)}"))
    if hertz := figures.median_hertz(tables):
        sentence = f"Cycles are of a clock of {hertz / 1e9:.2f} GHz, measured after each sample by a chain of additions."
        reports.show("\n" + wrapped(sentence))
    if plan.absent:
        reports.show("\n" + wrapped(f"Not installed: {', '.join(TITLES[name] for name in plan.absent)}."))
    draw = scaling.draw if scaling.scales(tables) else plot.draw
    reports.write(plan.files, functools.partial(results.document, tables, here), functools.partial(draw, tables, here))
    return 0


def _compare(plan: Comparison) -> int:
    """Print the tables that both files have; 1 if fastinit became slower, or failed, in one of them."""
    for letter, path, described in zip("ab", plan.paths, plan.machines, strict=True):
        reports.show(wrapped(f"{letter}: {path}: {machine.sentence(described)}", "   "))
    for before, after in plan.pairs:
        reports.show(f"\n{compare.text(before, after)}")
    for letter, more in zip("ab", plan.only, strict=True):
        if more:
            reports.show(f"\nOnly in {letter}: {table.counted(more, 'table')}.")
    return int(compare.has_worse_fills(plan.pairs))
