"""Measure here what `docs/scale.md` computes with: `python docs/scripts/scale.py --write`, some minutes, on an idle machine.

Every rate is that of a whole machine under Dask: one worker process for each core, each chunk drawn and reduced to one value
where it is, or written to a file of its own. The cost of a task is that of chunks that hold one value.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import dask.array as da

import fastinit.dask as fd
from benchmarks.bench_dask import cluster_of, dask_call, shut, threads_call
from fastinit.bench import machine
from fastinit.bench.measure import medians, numpy_dtype, ratio, timed_rounds

PAGE = Path(__file__).parents[1] / "scale.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
MIB, GIB, TIB = 2**20, 2**30, 2**40

ROWS = {
    "normal, float32": ("normal", "float32"),
    "truncated normal, float32": ("truncated_normal", "float32"),
    "truncated normal, bfloat16": ("truncated_normal", "bfloat16"),
}
WRITTEN = "normal, float32, to files"
SIZES = (1, 100)  # TiB
MACHINES = (1, 10, 100)


def write_call(folder, values, chunk):
    """Draw a float32 array into files of one chunk each, until they are on the disk."""
    lazy = fd.normal(values, rng=0, chunks=chunk)

    def write():
        da.to_npy_stack(folder, lazy)
        os.sync()

    return write


def task_seconds(tasks, count):
    """What Dask takes for a task beside its work, over many that hold one value."""
    times = timed_rounds({"tasks": dask_call("uniform", tasks, 1)}, count)
    return medians(times)["tasks"] / tasks


def measure(nbytes, chunk_bytes, tasks, count, folder):
    """Bytes per second of every row, seconds of a task, and how four processes compare with the threads of one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = {"workers": cores, "bytes": nbytes, "chunk": chunk_bytes, "tasks": tasks, "rounds": count, "rates": {}}
    client = cluster_of(cores)
    try:
        for name, (law, dtype) in ROWS.items():
            size = numpy_dtype(dtype).itemsize
            times = timed_rounds({name: dask_call(law, nbytes // size, max(chunk_bytes // size, 1), dtype)}, count)
            found["rates"][name] = nbytes / medians(times)[name]
        with tempfile.TemporaryDirectory(dir=folder) as files:
            times = timed_rounds({WRITTEN: write_call(files, nbytes // 4, max(chunk_bytes // 4, 1))}, count)
        found["rates"][WRITTEN] = nbytes / medians(times)[WRITTEN]
        found["task"] = task_seconds(tasks, count)
    finally:
        shut(client)
    client = cluster_of(4)
    try:
        calls = {name: make("normal", nbytes // 4, max(chunk_bytes // 4, 1)) for name, make in SIDES.items()}
        found["dask over threads"] = ratio(timed_rounds(calls, count), "dask", "threads")
    finally:
        shut(client)
    return found | {"machine": machine.describe(["dask", "distributed"])}


SIDES = {"dask": dask_call, "threads": threads_call}


def seconds(total, machines, rate, chunk, task):
    """How long so many bytes take, and whether the scheduler, which is one process, is what takes so long."""
    drawing, scheduling = total / (machines * rate), total / chunk * task
    return max(drawing, scheduling), scheduling > drawing


def duration(value):
    """Seconds in the unit that suits."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if value >= 2 * length:
            return f"{value / length:.3g} {unit}"
    return f"{value:.2g} s"


def markdown(found):
    """The table and what it was computed from."""
    chunk, task = found["chunk"], found["task"]
    yield machine.sentence(found["machine"])
    yield (
        f"\nMedians of {found['rounds']} rounds over {found['bytes'] / GIB:.3g} GiB in chunks of {chunk / MIB:.4g} MiB, "
        f"{found['workers']} worker processes; {task * 1e3:.2g} ms of the scheduler and a worker for a task "
        f"({found['tasks']:,} tasks at once). "
        f"Drawing by four processes takes {found['dask over threads']:.2f} times what the threads of one process take.\n"
    )
    head = [f"{size} TiB, {count} machine{'s' if count > 1 else ''}" for size in SIZES for count in MACHINES]
    yield f"| | GB/s | {' | '.join(head)} |"
    yield f"|---|{'--:|' * (1 + len(head))}"
    for name, rate in found["rates"].items():
        cells = []
        for size in SIZES:
            for count in MACHINES:
                value, scheduled = seconds(size * TIB, count, rate, chunk, task)
                cells.append(duration(value) + (" *" if scheduled else ""))
        yield f"| {name} | {rate / 1e9:.3g} | {' | '.join(cells)} |"
    yield "\n\\* as long as the scheduler takes to hand out the tasks; larger chunks make it less."


def write(lines):
    """Put the lines between the markers of the page."""
    text = PAGE.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"{PAGE} must have the lines {BEGIN} and {END} once each")
    before, rest = text.split(BEGIN)
    PAGE.write_text("\n".join([before + BEGIN, *lines, END + rest.split(END)[1]]))


def positive(text):
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0; got {text}")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=positive, default=4.0, help="of each array that is drawn (default %(default)s)")
    parser.add_argument("--chunk-mib", type=positive, default=256.0, help="of each chunk (default %(default)s)")
    parser.add_argument("--tasks", type=int, default=5000, help="for the cost of a task (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    parser.add_argument("--folder", help="on the disk that is measured; default: the temporary directory")
    parser.add_argument("--json", action="store_true", help="print what was measured instead of the table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md")
    args = parser.parse_args()
    if args.rounds < 1 or args.tasks < 1:
        parser.error(f"--rounds and --tasks must be at least 1; got {args.rounds}, {args.tasks}")
    nbytes, chunk = (max(int(value) // 8, 1) * 8 for value in (args.gib * GIB, args.chunk_mib * MIB))
    found = measure(nbytes, chunk, args.tasks, args.rounds, args.folder)
    lines = list(markdown(found))
    if args.write:
        write(lines)
    print(json.dumps(found, indent=2) if args.json else "\n".join(lines))


if __name__ == "__main__":
    main()
