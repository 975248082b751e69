"""Measure the rates behind `docs/scale.md`: `python -m docs.scripts.pages.scale --write`, some minutes, on an idle machine.

Every rate is that of a whole machine under Dask: one worker process per core. A worker draws each chunk and reduces it to one
value, or writes it to a file of its own. The cost of a task is measured with chunks of one value.
"""

import argparse
import json
import os
import tempfile

import dask.array as da

import fastinit.dask as fd
from benchmarks.bench_dask import cluster_of, dask_call, shut, threads_call
from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table
from fastinit.bench import machine
from fastinit.bench.measure import medians, numpy_dtype, ratio, timed_rounds

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
    """Dask's own time per task, measured over many tasks that draw one value."""
    times = timed_rounds({"tasks": dask_call("uniform", tasks, 1)}, count)
    return medians(times)["tasks"] / tasks


def measure(nbytes, chunk_bytes, tasks, count, folder):
    """The rates of all rows, the time of a task, and the time of four processes over that of the threads of one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    result = {"workers": cores, "bytes": nbytes, "chunk": chunk_bytes, "tasks": tasks, "rounds": count, "rates": {}}
    client = cluster_of(cores)
    try:
        for name, (law, dtype) in ROWS.items():
            size = numpy_dtype(dtype).itemsize
            times = timed_rounds({name: dask_call(law, nbytes // size, max(chunk_bytes // size, 1), dtype)}, count)
            result["rates"][name] = nbytes / medians(times)[name]
        with tempfile.TemporaryDirectory(dir=folder) as files:
            times = timed_rounds({WRITTEN: write_call(files, nbytes // 4, max(chunk_bytes // 4, 1))}, count)
        result["rates"][WRITTEN] = nbytes / medians(times)[WRITTEN]
        result["task"] = task_seconds(tasks, count)
    finally:
        shut(client)
    client = cluster_of(4)
    try:
        calls = {name: make("normal", nbytes // 4, max(chunk_bytes // 4, 1)) for name, make in SIDES.items()}
        result["dask over threads"] = ratio(timed_rounds(calls, count), "dask", "threads")
    finally:
        shut(client)
    return result | {"machine": machine.describe(["dask", "distributed"])}


SIDES = {"dask": dask_call, "threads": threads_call}


def seconds(total, machines, rate, chunk, task):
    """How long so many bytes take, and whether the scheduler, which is one process, is the limit."""
    drawing, scheduling = total / (machines * rate), total / chunk * task
    return max(drawing, scheduling), scheduling > drawing


def duration(value):
    """Seconds as text, in a suitable unit."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if value >= 2 * length:
            return f"{value / length:.3g} {unit}"
    return f"{value:.2g} s"


def cells(rate, chunk, task):
    """The durations of one row, each with a star where the scheduler limits it."""
    for size in SIZES:
        for count in MACHINES:
            value, scheduled = seconds(size * TIB, count, rate, chunk, task)
            yield duration(value) + (" *" if scheduled else "")


def markdown(result):
    """The table, below the measurements that it is computed from."""
    chunk, task = result["chunk"], result["task"]
    yield machine.sentence(result["machine"])
    yield (
        f"\nMedians of {result['rounds']} rounds over {result['bytes'] / GIB:.3g} GiB in chunks of {chunk / MIB:.4g} MiB, "
        f"{result['workers']} worker processes; {task * 1e3:.2g} ms of the scheduler and a worker per task "
        f"({result['tasks']:,} tasks at once). "
        f"Drawing by four processes takes {result['dask over threads']:.2f} times what the threads of one process take.\n"
    )
    head = [f"{size} TiB, {count} machine{'s' if count > 1 else ''}" for size in SIZES for count in MACHINES]
    rows = [[name, f"{rate / 1e9:.3g}", *cells(rate, chunk, task)] for name, rate in result["rates"].items()]
    yield table(["", "GB/s", *head], rows)
    yield "\n\\* as long as the scheduler takes to hand out the tasks; larger chunks make it less."


def positive(text):
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0; got {text}")
    return value


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--gib", type=positive, default=4.0, help="of each array that is drawn (default %(default)s)")
    parser.add_argument("--chunk-mib", type=positive, default=256.0, help="of each chunk (default %(default)s)")
    parser.add_argument("--tasks", type=arguments.count, default=5000, help="for the cost of a task (default %(default)s)")
    parser.add_argument("--rounds", type=arguments.count, default=5, help="default %(default)s")
    parser.add_argument("--folder", help="on the disk that is measured; default: the temporary directory")
    parser.add_argument("--json", action="store_true", help="print what was measured instead of the table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md")
    args = parser.parse_args()
    nbytes, chunk = (max(int(value) // 8, 1) * 8 for value in (args.gib * GIB, args.chunk_mib * MIB))
    result = measure(nbytes, chunk, args.tasks, args.rounds, args.folder)
    lines = list(markdown(result))
    if args.write:
        put(DOCS / "scale.md", "figures", "\n".join(lines))
    print(json.dumps(result, indent=2) if args.json else "\n".join(lines))


if __name__ == "__main__":
    main()
