"""Time writing a model as safetensors: `python docs/scripts/model_files.py`, Markdown on stdout.

2 GiB of bfloat16 in 32 tensors, written by `fastinit.safetensors` with values; with a constant that all threads store in place
of the values, or zeros that NumPy stores, all else being the same; and as plain large writes of zeros. All take part in the
same rounds, one after the other. A file counts as written when the disk has it. FASTINIT_BENCH_DIRECTORY is the directory, by
default that of temporary files; it must have room for three times the file. FASTINIT_BENCH_VALUES=1000 shows that it works.
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import bench_safetensors
from fastinit.bench import machine
from fastinit.bench.measure import medians, ratio, timed_rounds

WAYS = {
    "values": "truncated_normal(0.02), norms 1",
    "constant": "a constant, the same way, all threads",
    "zeros": "zeros, the same way, one thread",
    "plain": "zeros, plain writes of 64 MiB",
}


def markdown(times, size, rounds):
    yield f"{machine.sentence(machine.describe([]))}\n"
    yield f"{size / 2**30:.2f} GiB, medians of {rounds} rounds.\n"
    yield "| what is written | s | GB/s | speed of the values, times this |\n|---|--:|--:|--:|"
    found = medians(times)
    for way, what in WAYS.items():
        speed = ratio(times, way, "values")
        yield f"| {what} | {found[way]:.3f} | {size / found[way] / 1e9:.3g} | {speed:.2f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="default %(default)s")
    args = parser.parse_args()
    directory = bench_safetensors.directory()
    path = directory / "model.safetensors"
    try:
        calls = {way: lambda call=bench_safetensors.WAYS[way]: call(path) for way in WAYS}
        times = timed_rounds(calls, args.rounds)
        print("\n".join(markdown(times, bench_safetensors.plan(path).size, args.rounds)))
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
