"""Time writing a model as safetensors: `python -m docs.scripts.models.model_files`, Markdown on stdout.

`fastinit.safetensors` writes 2 GiB of bfloat16 in 32 tensors: with values; with a constant that all threads store instead;
with zeros that NumPy stores instead. The last way writes zeros in large plain writes. All take part in the same rounds. A
file counts as written when the disk has it. FASTINIT_BENCH_DIRECTORY names the directory, by default the one of temporary
files; it needs room for three times the file. FASTINIT_BENCH_VALUES=1000 makes the files tiny, to see that the script works.
"""

import shutil

from benchmarks import bench_safetensors
from docs.scripts import arguments
from docs.scripts.markdown import table
from fastinit.bench import machine
from fastinit.bench.measure import medians, ratio, timed_rounds

WAYS = {
    "values": "truncated_normal(scale=0.02), norms 1",
    "constant": "a constant, the same way, all threads",
    "zeros": "zeros, the same way, one thread",
    "plain": "zeros, plain writes of 64 MiB",
}


def markdown(times, size, rounds):
    yield f"{machine.sentence(machine.describe([]))}\n"
    yield f"{size / 2**30:.2f} GiB, medians of {rounds} rounds.\n"
    seconds = medians(times)
    rows = [
        [what, f"{seconds[way]:.3f}", f"{size / seconds[way] / 1e9:.3g}", f"{ratio(times, way, 'values'):.2f}"]
        for way, what in WAYS.items()
    ]
    yield table(["what is written", "s", "GB/s", "speed of the values, times this"], rows)


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--rounds", type=arguments.count, default=9, help="default %(default)s")
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
