"""Measure the project's own figures here: `python docs/scripts/figures.py`, a few minutes, Markdown on stdout.

fastinit's fills beside the stores of as many bytes, in one process and the same rounds; ratios within rounds bear a busy
machine better than times do. Run it on an idle machine all the same. `fastinit bench` measures other libraries beside fastinit.
"""

import argparse
import functools
import json
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import fastinit as fi
from benchmarks import process
from benchmarks.measure import (
    FEW_ROUNDS,
    LAWS,
    VALUES,
    Missing,
    fill_call,
    medians,
    numpy_dtype,
    ratio,
    store_call,
    timed_rounds,
    touched,
)
from fastinit.bench import machine

MIB = 2**20
CALLS = 1000  # of a small call in one sample
NARROW = ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2")
INF = float("inf")
#: Intervals of every kind in deviations: inside two, one-sided from the middle to far out, and narrow ones.
INTERVALS = (
    (-2, 2), (-1, 1), (0, 1), (-1e-6, 1e-6), (0, INF), (-INF, 1), (-0.5, 3), (1, INF), (3, INF), (8, INF), (2, 2.1), (5, 5.5),
)  # fmt: skip
COLUMNS, SHARD = 4096, slice(1024, 1152)


class Case(NamedTuple):
    """A call, how many bytes it makes, and the name of the store that it is compared with."""

    call: object
    nbytes: int
    store: str


class Fills:
    """The large fills of one process: fastinit's, and the stores of as many bytes."""

    def __init__(self, values):
        self.cases = {}
        for buffer in ("touched", "fresh"):
            for law in LAWS:
                self.own(law, "float32", values, buffer)
        for law in LAWS:
            for dtype in NARROW:
                self.own(law, dtype, values)
            self.own(law, "float64", max(values // 2, 1))
            self.shard(law, values)
        for bounds in INTERVALS:
            self.own("truncated_normal", "float32", values, bounds=bounds)

    def store(self, nbytes, buffer="touched"):
        name = f"parallel store of a constant, {nbytes / MIB:.4g} MiB" + (", fresh" if buffer == "fresh" else "")
        self.cases.setdefault(name, Case(store_call(nbytes // 2, "float16", buffer), nbytes, name))
        return name

    def own(self, law, dtype, values, buffer="touched", bounds=None):
        nbytes = values * numpy_dtype(dtype).itemsize
        name = f"fastinit {law} {dtype}" + (", fresh" if buffer == "fresh" else "")
        name += f" in [{bounds[0]:g}, {bounds[1]:g}]" if bounds else ""
        store = self.store(nbytes, buffer)
        self.cases[name] = Case(fill_call(law, values, dtype, buffer, bounds), nbytes, store)

    def shard(self, law, values):
        """128 of 4,096 columns, as many values as a whole fill has."""
        width = SHARD.stop - SHARD.start
        rows = max(values // width, 1)
        out = touched(rows * width, "float32").reshape(rows, width)
        draw = getattr(fi.default_rng(0), law)
        name = f"fastinit {law} float32, columns"
        call = functools.partial(draw, size=(rows, COLUMNS), index=np.s_[:, SHARD], out=out)
        self.cases[name] = Case(call, out.nbytes, self.store(out.nbytes))

    def measure(self, count):
        times = timed_rounds({name: case.call for name, case in self.cases.items()}, count)
        table = [
            {
                "name": name,
                "ms": seconds * 1e3,
                "GB/s": self.cases[name].nbytes / seconds / 1e9,
                "times the store": ratio(times, name, self.cases[name].store),
            }
            for name, seconds in medians(times).items()
        ]
        whole = "fastinit {} float32"
        single = {
            f"{law} {what} over {law} float32": ratio(times, f"fastinit {law} {what}", whole.format(law))
            for law in LAWS
            for what in (*NARROW, "float32, columns")
        }
        worst = max((row for row in table if " in [" in row["name"]), key=lambda row: row["times the store"])
        single[f"dearest of {len(INTERVALS)} intervals, {worst['name'].partition(' in ')[2]}, over the store"] = worst[
            "times the store"
        ]
        single["fresh store over touched store"] = ratio(
            times, self.cases["fastinit normal float32, fresh"].store, self.cases["fastinit normal float32"].store
        )
        return table, single


def small_calls(count):
    """Microseconds of a call for 1,000 float32 values."""
    out = np.empty(1000, np.float32)
    ours, numpys = fi.default_rng(0), np.random.default_rng(0)
    draws = {
        "fastinit uniform": ours.uniform,
        "fastinit normal": ours.normal,
        "fastinit truncated_normal": ours.truncated_normal,
        "NumPy random": numpys.random,
        "NumPy standard_normal": numpys.standard_normal,
    }
    calls = {name: lambda draw=draw: [draw(out=out, dtype=np.float32) for _ in range(CALLS)] for name, draw in draws.items()}
    return {name: seconds / CALLS * 1e6 for name, seconds in medians(timed_rounds(calls, count)).items()}


def processes():
    """Seconds of whole processes."""
    calls = {
        f"python -c '{code}'": lambda code=code: process.run(code)
        for code in ("pass", "import numpy", "import numpy, numba", "import fastinit")
    }
    for values in (1, 2**17):
        calls[f"first normal fill, {values:,} values, kernel in the cache"] = lambda n=values: process.warm_first_fill(
            "normal", n
        )
        calls[f"first normal fill, {values:,} values, no cache"] = lambda n=values: process.cold_first_fill("normal", n)
    return medians(timed_rounds(calls, FEW_ROUNDS))


def peaks(values):
    """MiB beyond the output."""
    try:
        return {f"{law} float32, {values * 4 / MIB:.4g} MiB": process.peak_over_output(law, values) / MIB for law in LAWS}
    except Missing as error:
        return {str(error): float("nan")}


def markdown(result):
    yield machine.sentence(result["machine"])
    yield f"\nMedians of {result['rounds']} rounds, {result['values']:,} values ({max(result['values'] // 2, 1):,} of float64)."
    yield "A ratio above 1 is slower than what it is compared with.\n"
    yield "| fill | ms | GB/s | times the store |\n|---|--:|--:|--:|"
    for row in result["fills"]:
        yield f"| {row['name']} | {row['ms']:.2f} | {row['GB/s']:.2f} | {row['times the store']:.2f} |"
    for title, unit, form in (
        ("ratios", "times", ".2f"),
        ("call for 1,000 values", "µs", ".1f"),
        ("whole process", "s", ".2f"),
        ("peak resident memory over the output", "MiB", ".1f"),
    ):
        yield f"\n| {title} | {unit} |\n|---|--:|"
        yield from (f"| {name} | {value:{form}} |" for name, value in result[title].items())


def collect(values, count):
    """All figures, as `markdown` lays them out."""
    table, single = Fills(values).measure(count)
    return {
        "machine": machine.describe(),
        "values": values,
        "rounds": count,
        "fills": table,
        "ratios": single,
        "call for 1,000 values": small_calls(count),
        "whole process": processes(),
        "peak resident memory over the output": peaks(4 * values),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=VALUES, help="float32 values of a large fill (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    args = parser.parse_args()
    if args.values < 1 or args.rounds < 1:
        parser.error(f"--values and --rounds must be at least 1; got {args.values} and {args.rounds}")
    result = collect(args.values, args.rounds)
    print(json.dumps(result, indent=2) if args.json else "\n".join(markdown(result)))


if __name__ == "__main__":
    main()
