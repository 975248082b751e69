"""Measure the choices behind the stream format on this machine: `python docs/scripts/format_choices.py`, Markdown on stdout.

The map from elements to words, on a serial float32 uniform fill: *pair-major* stores each 64-bit plane of a tile as it
is (so it is built), *word-major* narrows the planes to their 32-bit words and stores w0, w1, w2, w3 of a tile one after the
other; *scalar* is word-major as plain Numba, left to LLVM's vectoriser. A vector of counters is 1, 2, 4 or 8 chains of eight
64-bit lanes.
"""

import argparse
import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

import fastinit as fi
from benchmarks.measure import medians, timed_rounds, touched
from fastinit import dtypes, parameters
from fastinit.kernels.lanes import bitcast, convert, device, iota, llvm_type, spread
from fastinit.kernels.philox import HALF, LOW, PAIR, TILE, philox4x32
from fastinit.kernels.plain import uniform
from fastinit.kernels.rounding import as_is

u32, u64 = np.uint32, np.uint64
VECTORS, TILES = (8, 16, 32, 64), (16, 32, 64)  # counters of each
REAL = dtypes.resolve("float32")
UNIFORM = tuple(parameters.uniform(0.0, 1.0, REAL).numbers.tolist())
STEP = np.float32(2**-24)


@intrinsic(prefer_literal=True)
def store_runs(typingctx, address, value, count, distance):
    """Write each run of `count` lanes `distance` bytes after the one before."""
    run = count.literal_value
    i64, vector = ir.IntType(64), ir.VectorType(llvm_type(value).element, run)

    def codegen(context, builder, sig, args):
        for i in range(value.count // run):
            mask = ir.Constant(ir.VectorType(ir.IntType(32), run), list(range(i * run, (i + 1) * run)))
            lanes = builder.shuffle_vector(args[1], args[1], mask)
            place = builder.add(args[0], builder.mul(args[3], ir.Constant(i64, i)))
            builder.store(lanes, builder.inttoptr(place, vector.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(address, value, count, distance), codegen


def pair_major(vector, tile):
    """The storing end: planes A and B of a vector of counters, the first of which is entry `entry` of the tile at `base`."""
    run, plane = 2 * min(vector, tile), u64(8 * tile)

    @device
    def put(base, entry, a, b, p):
        (x, y), _ = uniform(bitcast(a, u32), bitcast(b, u32), p, as_is)
        store_runs(base + entry * u64(8), x, run, plane * u64(2))
        store_runs(base + entry * u64(8) + plane, y, run, plane * u64(2))

    return put


def word_major(vector, tile):
    run, words, size = min(vector, tile), u64(4 * tile), u64(16 * tile)

    @device
    def put(base, entry, a, b, p):
        place = base + entry * u64(4)
        (x, y), _ = uniform(convert(a >> HALF, u32), convert(a & LOW, u32), p, as_is)
        store_runs(place, x, run, size)
        store_runs(place + words, y, run, size)
        (x, y), _ = uniform(convert(b >> HALF, u32), convert(b & LOW, u32), p, as_is)
        store_runs(place + words * u64(2), x, run, size)
        store_runs(place + words * u64(3), y, run, size)

    return put


def vectors(layout, vector, tile):
    """A fill of whole tiles by vectors of counters; what it closes over are constants to the compiler."""
    put, step, tile_counters, tile_bytes = layout(vector, tile), u64(vector), u64(tile), u64(16 * tile)

    @njit(error_model="numpy")
    def fill(out, address, counters, call, key, p):
        for counter in range(u64(0), counters, step):
            lanes = spread(u64(counter & LOW), vector)
            upper, word2, word3 = spread(u64(counter >> HALF), vector), spread(call, vector), spread(u64(0), vector)
            a, b = philox4x32(lanes + iota(lanes), upper, word2, word3, key)
            put(address + counter // tile_counters * tile_bytes, counter % tile_counters, a, b, p)

    return fill


@device
def real(word):
    return np.float32(np.int32(u32(word) >> u32(8))) * STEP


def scalars(tile):
    """The same as word-major, one counter at a time."""
    tile_counters = u64(tile)

    @njit(error_model="numpy")
    def fill(out, address, counters, call, key, p):
        for first in range(u64(0), counters, tile_counters):
            for i in range(tile_counters):
                counter = first + i
                a, b = philox4x32(counter & LOW, counter >> HALF, call, u64(0), key)
                place = first * u64(4) + i
                out[place] = real(a >> HALF)
                out[place + tile_counters] = real(a & LOW)
                out[place + u64(2) * tile_counters] = real(b >> HALF)
                out[place + u64(3) * tile_counters] = real(b & LOW)

    return fill


def variants():
    """(layout, chains, tile) -> fill."""
    fills = {}
    for tile in TILES:
        for name, layout in (("pair-major", pair_major), ("word-major", word_major)):
            fills |= {(name, f"{vector // 8}", tile): vectors(layout, vector, tile) for vector in VECTORS}
        fills["scalar", "LLVM's", tile] = scalars(tile)
    return fills


def stream():
    """Call and key words of a fresh Generator's first call."""
    return (0, *fi.default_rng(0)._key)


def check(fills, values):
    """All widths of a layout and tile must make the same values, and those of the built one be fastinit's."""
    expected = {("pair-major", TILE): fi.default_rng(0).uniform(size=values)}
    for (name, chains, tile), fill in fills.items():
        out = np.zeros(values, np.float32)
        bound(fill, out)()
        layout = "word-major" if name == "scalar" else name
        same = np.array_equal(out, expected.setdefault((layout, tile), out))
        assert same, f"{name}, {chains} chains, tile of {tile}: other values"


def bound(fill, out):
    call, low, high = stream()
    return functools.partial(fill, out, u64(out.ctypes.data), u64(out.size // 4), u64(call), u64(low | high << 32), UNIFORM)


def layouts(sizes, count):
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
        built = " (as built)" if key == ("pair-major", f"{PAIR // 8}", TILE) else ""
        name, chains, tile = key
        yield f"| {name}{built} | {chains} | {tile} | " + " | ".join(f"{column[key]:.3f}" for column in columns) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, nargs="+", default=[2**20, 2**26], help="sizes, multiples of 256")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default %(default)s)")
    args = parser.parse_args()
    if any(n < 256 or n % 256 for n in args.values) or args.rounds < 1:
        parser.error(f"--values must be multiples of 256 and --rounds at least 1; got {args.values}, {args.rounds}")
    print("Serial uniform float32 fill, ns per value:\n")
    print("\n".join(layouts(args.values, args.rounds)))


if __name__ == "__main__":
    main()
