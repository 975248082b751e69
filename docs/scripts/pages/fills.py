"""Measure fastinit's own fills: `python -m docs.scripts.pages.fills`, a few minutes, Markdown on stdout.

fastinit's fills and the stores of as many bytes take turns in one process. A busy machine disturbs ratios within rounds less
than times; run the script on an idle machine all the same. `fastinit bench` measures other libraries beside fastinit.
"""

import functools
import json
from typing import NamedTuple

import numpy as np

import fastinit as fi
from benchmarks import process
from docs.scripts import arguments
from docs.scripts.markdown import table
from fastinit.bench import machine
from fastinit.bench.measure import (
    FEW_ROUNDS,
    ROUNDS,
    VALUES,
    fill_call,
    medians,
    numpy_dtype,
    ratio,
    store_call,
    timed_rounds,
    touched,
)
from fastinit.peers.interface import LAWS
from fastinit.peers.libraries import Missing

MIB = 2**20
CALLS = 1000  # small calls in one sample
NARROW = ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2")
INF = float("inf")
#: Intervals in deviations: within two, one-sided from the middle to far out, and narrow ones.
INTERVALS = (
    (-2, 2), (-1, 1), (0, 1), (-1e-6, 1e-6), (0, INF), (-INF, 1), (-0.5, 3), (1, INF), (3, INF), (8, INF), (2, 2.1), (5, 5.5),
)  # fmt: skip
COLUMNS, SHARD = 4096, slice(1024, 1152)


class Case(NamedTuple):
    """A call, its number of bytes, and the name of the store that it is compared with."""

    call: object
    nbytes: int
    store: str


class Fills:
    """The large fills of one process, and the stores of as many bytes."""

    def __init__(self, values):
        self.cases = {}
        for buffer in ("touched", "fresh"):
            for law in LAWS:
                self.fill(law, "float32", values, buffer)
        for law in LAWS:
            for dtype in NARROW:
                self.fill(law, dtype, values)
            self.fill(law, "float64", max(values // 2, 1))
            self.shard(law, values)
        for bounds in INTERVALS:
            self.fill("truncated_normal", "float32", values, bounds=bounds)

    def store(self, nbytes, buffer="touched"):
        name = f"parallel store of a constant, {nbytes / MIB:.4g} MiB" + (", fresh" if buffer == "fresh" else "")
        self.cases.setdefault(name, Case(store_call(nbytes // 2, "float16", buffer), nbytes, name))
        return name

    def fill(self, law, dtype, values, buffer="touched", bounds=None):
        nbytes = values * numpy_dtype(dtype).itemsize
        name = f"fastinit {law} {dtype}" + (", fresh" if buffer == "fresh" else "")
        name += f" in [{bounds[0]:g}, {bounds[1]:g}]" if bounds else ""
        store = self.store(nbytes, buffer)
        self.cases[name] = Case(fill_call(law, values, dtype, buffer, bounds), nbytes, store)

    def shard(self, law, values):
        """Fill 128 of 4,096 columns, with as many values as a whole fill."""
        width = SHARD.stop - SHARD.start
        rows = max(values // width, 1)
        out = touched(rows * width, "float32").reshape(rows, width)
        draw = getattr(fi.default_rng(0), law)
        name = f"fastinit {law} float32, columns"
        call = functools.partial(draw, size=(rows, COLUMNS), index=np.s_[:, SHARD], out=out)
        self.cases[name] = Case(call, out.nbytes, self.store(out.nbytes))

    def measure(self, count):
        """A row for every fill, and ratios between fills."""
        calls = {name: case.call for name, case in self.cases.items()}
        times = timed_rounds(calls, count, fresh=[name for name in calls if name.endswith(", fresh")])
        rows = [
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
        worst = max((row for row in rows if " in [" in row["name"]), key=lambda row: row["times the store"])
        interval = worst["name"].partition(" in ")[2]
        single[f"slowest of {len(INTERVALS)} intervals, {interval}, over the store"] = worst["times the store"]
        single["fresh store over touched store"] = ratio(
            times, self.cases["fastinit normal float32, fresh"].store, self.cases["fastinit normal float32"].store
        )
        return rows, single


def small_calls(count):
    """The microseconds of a call for 1,000 float32 values."""
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
    """The seconds of whole processes."""
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
    """The peak memory over the output, in MiB."""
    try:
        return {f"{law} float32, {values * 4 / MIB:.4g} MiB": process.peak_over_output(law, values) / MIB for law in LAWS}
    except Missing as error:
        return {str(error): float("nan")}


def markdown(result):
    """The report."""
    yield machine.sentence(result["machine"])
    yield f"\nMedians of {result['rounds']} rounds, {result['values']:,} values ({max(result['values'] // 2, 1):,} of float64)."
    yield "A ratio above 1 is slower than what it is compared with.\n"
    columns = ("ms", "GB/s", "times the store")
    yield table(["fill", *columns], [[row["name"], *(f"{row[name]:.2f}" for name in columns)] for row in result["fills"]])
    for title, unit, form in (
        ("ratios", "times", ".2f"),
        ("call for 1,000 values", "µs", ".1f"),
        ("whole process", "s", ".2f"),
        ("peak resident memory over the output", "MiB", ".1f"),
    ):
        yield "\n" + table([title, unit], [[name, f"{value:{form}}"] for name, value in result[title].items()])


def collect(values, count):
    """All figures, for `markdown`."""
    rows, single = Fills(values).measure(count)
    return {
        "machine": machine.describe(),
        "values": values,
        "rounds": count,
        "fills": rows,
        "ratios": single,
        "call for 1,000 values": small_calls(count),
        "whole process": processes(),
        "peak resident memory over the output": peaks(4 * values),
    }


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--values", type=arguments.count, default=VALUES, help="of a large fill (default %(default)s)")
    parser.add_argument("--rounds", type=arguments.count, default=ROUNDS, help="interleaved rounds (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    args = parser.parse_args()
    result = collect(args.values, args.rounds)
    print(json.dumps(result, indent=2) if args.json else "\n".join(markdown(result)))


if __name__ == "__main__":
    main()
