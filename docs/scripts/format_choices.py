"""Measure the choices behind the stream format on this machine: `python docs/scripts/format_choices.py`, Markdown on stdout.

The map from elements to words, on a serial float32 uniform fill: *pair-major* stores each 64-bit plane of a tile as it
is (so it is built), *word-major* narrows the planes to their 32-bit words and stores w0, w1, w2, w3 of a tile one after the
other. A vector of counters is 1, 2, 4 or 8 chains of eight 64-bit lanes.
"""

import argparse
import ctypes
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from llvmlite import ir

import fastinit as fi
from benchmarks.measure import medians, timed_rounds, touched
from fastinit.arguments import dtypes
from fastinit.arithmetic.lanes import bitcast, convert, u32, u64
from fastinit.arithmetic.philox import ROUNDS, philox4x32, round_keys
from fastinit.distributions.uniform import stepped, uniform
from fastinit.kernels import machine
from fastinit.kernels.layout import PAIR, TILE
from fastinit.kernels.mapped import known_numbers
from fastinit.kernels.targets.llvm import I64, number, store, while_left
from fastinit.kernels.targets.vectors import Vectors
from fastinit.kernels.tiles import Kept, scalar

VECTORS, TILES = (8, 16, 32, 64), (16, 32, 64)  # counters of each
BYTES = 16  # that a counter's values take
PLAN = uniform(0.0, 1.0, dtypes.resolve("float32"))

#: What a tile stores one after the other, of the planes A and B of its counters.
LAYOUTS = {
    "pair-major": lambda a, b: [bitcast(plane, u32) for plane in (a, b)],
    "word-major": lambda a, b: [convert(word, u32) for word in (a >> 32, a, b >> 32, b)],
}


def trace(layout, vector, tile):
    """LLVM's text of fill(address, counters, call, key, memory for the keys): whole tiles by vectors of counters."""
    module, run = ir.Module("layout"), min(vector, tile)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * 5), "fill")
    target = Vectors(ir.IRBuilder(function.append_basic_block("entry")), machine.host().traits)
    builder, (address, counters, call, key, memory) = target.builder, function.args
    kept = Kept(target, memory, round_keys(scalar(target, key)))

    def step(state):
        counter, left = state
        x0 = scalar(target, counter) + target.count_up(u64, vector)
        nothing = x0.constant(0)
        planes = philox4x32(x0, nothing, scalar(target, call).spread(vector), nothing, kept.load())
        first, entry = builder.udiv(counter, number(tile)), builder.urem(counter, number(tile))
        base = builder.add(address, builder.mul(first, number(tile * BYTES)))
        parts = LAYOUTS[layout](*planes)
        for i, words in enumerate(parts):
            x, each = stepped(words, known_numbers(PLAN, words)), BYTES // len(parts)
            place = builder.add(base, builder.mul(entry, number(each)))
            for j in range(vector // run):
                store(builder, target.part(x, j, run * x.width // vector).value, place, (j * BYTES + i * each) * tile)
        return [builder.add(counter, number(vector)), builder.sub(left, number(vector))]

    while_left(builder, [number(0), counters], vector, step)
    builder.ret_void()
    return str(module)


def compiled(layout, vector, tile):
    (address,) = machine.link(machine.object_code(trace(layout, vector, tile)), "fill")
    return ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 5)(address)


def variants():
    """(layout, chains, tile) -> fill."""
    return {
        (layout, vector // 8, tile): compiled(layout, vector, tile)
        for tile in TILES
        for layout in LAYOUTS
        for vector in VECTORS
    }


def bound(fill, out):
    """The fill of this array by a fresh Generator's first call."""
    low, high = fi.default_rng(0)._key
    keys = np.empty(2 * ROUNDS, np.uint64)

    return lambda: fill(out.ctypes.data, out.size // 4, 0, low | high << 32, keys.ctypes.data)


def check(fills, values):
    """All widths of a layout and tile must make the same values, and those of the built one be fastinit's."""
    expected = {("pair-major", TILE): fi.default_rng(0).uniform(size=values)}
    for (layout, chains, tile), fill in fills.items():
        out = np.zeros(values, np.float32)
        bound(fill, out)()
        same = np.array_equal(out, expected.setdefault((layout, tile), out))
        assert same, f"{layout}, {chains} chains, tile of {tile}: other values"


def measured(sizes, count):
    """Nanoseconds per value of every layout and size."""
    fills = variants()
    check(fills, 4 * max(*VECTORS, *TILES) * 8)
    columns = []
    for values in sizes:
        times = timed_rounds({key: bound(fill, touched(values, "float32")) for key, fill in fills.items()}, count)
        columns.append({key: seconds / values * 1e9 for key, seconds in medians(times).items()})
    yield "| layout | chains of 8 counters | counters per tile | " + " | ".join(f"{n:,} values" for n in sizes) + " |"
    yield "|---|--:|--:|" + "--:|" * len(sizes)
    for key in fills:
        built = " (as built)" if key == ("pair-major", PAIR // 8, TILE) else ""
        layout, chains, tile = key
        yield f"| {layout}{built} | {chains} | {tile} | " + " | ".join(f"{column[key]:.3f}" for column in columns) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, nargs="+", default=[2**20, 2**26], help="sizes, multiples of 256")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default %(default)s)")
    args = parser.parse_args()
    if any(n < 256 or n % 256 for n in args.values) or args.rounds < 1:
        parser.error(f"--values must be multiples of 256 and --rounds at least 1; got {args.values}, {args.rounds}")
    print("Serial uniform float32 fill, ns per value:\n")
    print("\n".join(measured(args.values, args.rounds)))


if __name__ == "__main__":
    main()
