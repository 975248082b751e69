"""Measure the project's figures here: `python docs/scripts/figures.py`, a few minutes, Markdown on stdout.

Peers that are installed are measured in the same process and the same rounds; ratios within rounds bear a busy machine better
than times do. Run it on an idle machine all the same.
"""

import argparse
import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numba
import numpy as np

import fastinit as fi
from benchmarks import process
from benchmarks.measure import FEW_ROUNDS, LAWS, VALUES, Missing, fill_call, medians, numpy_dtype, ratio, rounds, store_call
from benchmarks.peers import PEERS, ready

MIB = 2**20
CALLS = 1000  # of a small call in one sample


class Case(NamedTuple):
    """A call, how many bytes it makes, and the names of the calls that it is compared with."""

    call: object
    nbytes: int
    store: str
    fastinit: str | None = None
    slow: bool = False


class Fills:
    """The large fills of one process: fastinit's, the stores of as many bytes, and the peers'."""

    def __init__(self, values):
        self.values = values
        self.cases, self.skipped = {}, []
        for buffer in ("touched", "fresh"):
            for law in LAWS:
                self.own(law, "float32", values, buffer)
        self.own("normal", "bfloat16", values)
        self.own("normal", "float64", max(values // 2, 1))
        for name in PEERS:
            self.add_peer(name)

    def store(self, nbytes, buffer="touched"):
        name = f"parallel store of a constant, {nbytes / MIB:.4g} MiB" + (", fresh" if buffer == "fresh" else "")
        self.cases.setdefault(name, Case(store_call(nbytes // 2, "float16", buffer), nbytes, name))
        return name

    def own(self, law, dtype, values, buffer="touched"):
        nbytes = values * numpy_dtype(dtype).itemsize
        name = f"fastinit {law} {dtype}" + (", fresh" if buffer == "fresh" else "")
        if values < self.values // 2:
            name += f", {values:,} values"
        store = self.store(nbytes, buffer)
        self.cases.setdefault(name, Case(fill_call(law, values, dtype, buffer), nbytes, store))
        return name

    def add_peer(self, name):
        peer = PEERS[name]
        try:
            call = ready(name, self.values)
        except Missing as error:
            self.skipped.append(f"{name}: {error}")
            return
        values = max(self.values // peer.share, 1)
        own = self.own(peer.law, peer.dtype, values)
        label = name if values >= self.values // 2 else f"{name}, {values:,} values"
        self.cases[label] = Case(call, self.cases[own].nbytes, self.cases[own].store, own, peer.slow)

    def measure(self, count):
        slow = {name for name, case in self.cases.items() if case.slow}
        times = rounds({name: case.call for name, case in self.cases.items()}, count, slow, pause=0.01)
        table = [
            {
                "name": name,
                "ms": seconds * 1e3,
                "GB/s": self.cases[name].nbytes / seconds / 1e9,
                "times the store": ratio(times, name, self.cases[name].store),
                "times fastinit": ratio(times, name, self.cases[name].fastinit) if self.cases[name].fastinit else None,
            }
            for name, seconds in medians(times).items()
        ]
        single = {
            "bfloat16 normal over float32 normal": ratio(times, "fastinit normal bfloat16", "fastinit normal float32"),
            "fresh store over touched store": ratio(
                times, self.cases["fastinit normal float32, fresh"].store, self.cases["fastinit normal float32"].store
            ),
        }
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
    return {name: seconds / CALLS * 1e6 for name, seconds in medians(rounds(calls, count)).items()}


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
    return medians(rounds(calls, FEW_ROUNDS))


def peaks(values):
    """MiB beyond the output."""
    try:
        return {f"{law} float32, {values * 4 / MIB:.4g} MiB": process.peak_over_output(law, values) / MIB for law in LAWS}
    except Missing as error:
        return {str(error): float("nan")}


def machine():
    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    distributions = metadata.packages_distributions()
    modules = sorted({"numba", "numpy", *(peer.module for peer in PEERS.values())})
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "logical cpus": os.cpu_count(),
        "threads": numba.get_num_threads(),
        "python": platform.python_version(),
        "fastinit": fi.__version__,
        **{module: metadata.version(distributions[module][0]) for module in modules if module in distributions},
    }


def _lines(path):
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def markdown(result):
    yield ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    yield f"\nMedians of {result['rounds']} rounds ({FEW_ROUNDS} for slow peers), {result['values']:,} float32 values."
    yield "A ratio above 1 is slower than what it is compared with.\n"
    yield "| fill | ms | GB/s | times the store | times fastinit |\n|---|--:|--:|--:|--:|"
    for row in result["fills"]:
        versus = "" if row["times fastinit"] is None else f"{row['times fastinit']:.2f}"
        yield f"| {row['name']} | {row['ms']:.2f} | {row['GB/s']:.2f} | {row['times the store']:.2f} | {versus} |"
    for title, unit, form in (
        ("ratios", "times", ".2f"),
        ("call for 1,000 values", "µs", ".1f"),
        ("whole process", "s", ".2f"),
        ("peak resident memory over the output", "MiB", ".1f"),
    ):
        yield f"\n| {title} | {unit} |\n|---|--:|"
        yield from (f"| {name} | {value:{form}} |" for name, value in result[title].items())
    if result["skipped"]:
        yield "\nSkipped: " + "; ".join(result["skipped"]) + "."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=VALUES, help="float32 values of a large fill (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    args = parser.parse_args()
    if args.values < 1 or args.rounds < 1:
        parser.error(f"--values and --rounds must be at least 1; got {args.values} and {args.rounds}")
    fills = Fills(args.values)
    table, single = fills.measure(args.rounds)
    result = {
        "machine": machine(),
        "values": args.values,
        "rounds": args.rounds,
        "fills": table,
        "ratios": single,
        "call for 1,000 values": small_calls(args.rounds),
        "whole process": processes(),
        "peak resident memory over the output": peaks(4 * args.values),
        "skipped": fills.skipped,
    }
    print(json.dumps(result, indent=2) if args.json else "\n".join(markdown(result)))


if __name__ == "__main__":
    main()
