"""Measure the choices behind the stream format: `python -m docs.scripts.derivations.format_choices`, Markdown on stdout.

They are maps from elements to words, compared on a serial float32 uniform fill. *Pair-major* stores each 64-bit plane of a
tile unchanged; fastinit does this. *Word-major* narrows the planes to 32-bit words and stores w0, w1, w2, w3 of a tile one
after the other. A vector of counters has 1, 2, 4 or 8 chains of eight 64-bit lanes.
"""

import ctypes

import numpy as np
from llvmlite import ir

import fastinit as fi
from docs.scripts import arguments
from docs.scripts.markdown import table
from fastinit.arguments import dtypes
from fastinit.arithmetic.lanes import bitcast, convert, u32, u64
from fastinit.arithmetic.philox import ROUNDS, philox4x32, round_keys
from fastinit.bench.measure import medians, timed_rounds, touched
from fastinit.distributions.uniform import stepped, uniform
from fastinit.kernels import machine
from fastinit.kernels.layout import PAIR, TILE
from fastinit.kernels.mapped import known_numbers
from fastinit.kernels.targets.llvm import I64, number, store, while_left
from fastinit.kernels.targets.vectors import Vectors
from fastinit.kernels.tiles import Kept, scalar

VECTORS, TILES = (8, 16, 32, 64), (16, 32, 64)  # counters of each
BYTES = 16  # of the values of one counter
PLAN = uniform(0.0, 1.0, dtypes.resolve("float32"))

#: The parts of a tile in the order in which they are stored, from the planes A and B of its counters.
LAYOUTS = {
    "pair-major": lambda a, b: [bitcast(plane, u32) for plane in (a, b)],
    "word-major": lambda a, b: [convert(word, u32) for word in (a >> 32, a, b >> 32, b)],
}


def trace(layout, vector, tile):
    """The LLVM module of fill(address, counters, call, key, memory for the keys), which fills whole tiles."""
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
    """The compiled fills by (layout, chains, tile)."""
    return {
        (layout, vector // 8, tile): compiled(layout, vector, tile)
        for tile in TILES
        for layout in LAYOUTS
        for vector in VECTORS
    }


def bound(fill, out):
    """A call of the fill for this array, with the stream of a new Generator's first call."""
    low, high = fi.default_rng(0)._key
    keys = np.empty(2 * ROUNDS, np.uint64)

    return lambda: fill(out.ctypes.data, out.size // 4, 0, low | high << 32, keys.ctypes.data)


def check(fills, values):
    """Compare values: all vectors of a layout and tile must agree, and the map of the format with fastinit."""
    expected = {("pair-major", TILE): fi.default_rng(0).uniform(size=values)}
    for (layout, chains, tile), fill in fills.items():
        out = np.zeros(values, np.float32)
        bound(fill, out)()
        same = np.array_equal(out, expected.setdefault((layout, tile), out))
        assert same, f"{layout}, {chains} chains, tile of {tile}: other values"


def measured(sizes, count):
    """A table of the nanoseconds per value of every layout and size."""
    fills = variants()
    check(fills, 4 * max(*VECTORS, *TILES) * 8)
    columns = []
    for values in sizes:
        times = timed_rounds({key: bound(fill, touched(values, "float32")) for key, fill in fills.items()}, count)
        columns.append({key: seconds / values * 1e9 for key, seconds in medians(times).items()})
    head = ["layout", "chains of 8 counters", "counters per tile", *(f"{n:,} values" for n in sizes)]
    built = "pair-major", PAIR // 8, TILE
    return table(head, [[*key, *(f"{column[key]:.3f}" for column in columns)] for key in fills]) + f"\n\nBuilt: {built}."


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--values", type=int, nargs="+", default=[2**20, 2**26], help="sizes, multiples of 256")
    parser.add_argument("--rounds", type=arguments.count, default=9, help="interleaved rounds (default %(default)s)")
    args = parser.parse_args()
    if any(n < 256 or n % 256 for n in args.values):
        parser.error(f"--values must be multiples of 256; got {args.values}")
    print("Serial uniform float32 fill, ns per value:\n")
    print(measured(args.values, args.rounds))


if __name__ == "__main__":
    main()
