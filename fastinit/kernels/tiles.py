"""A row's machine code: two functions, traced from a law and a dtype's format.

Elements lie in aligned *tiles* of the logical order, `TILE` counters each. Every element of a tile belongs to a plane (A or B)
and a lane of it, so a tile is computed by whole vectors and stored without moving anything; `docs/stream-format.md` has the
map. `tiles` fills whole tiles; `attempt` tries a vector of single elements, each by its own counter.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir

from fastinit.arithmetic.lanes import REAL, Kind, Lanes, convert, f64, select, u8, u16, u32, u64
from fastinit.arithmetic.lanes import bitcast as bits_as
from fastinit.arithmetic.philox import LOW, ROUNDS, philox4x32, round_keys
from fastinit.kernels.layout import PAIR, QUAD, TILE
from fastinit.kernels.row import Row
from fastinit.kernels.targets.cpu import Cpu
from fastinit.kernels.targets.llvm import I64, Instructions, element, llvm_type, number, pointer, store, while_left
from fastinit.kernels.targets.vectors import Vectors

FEW = 8  # numbers of a law that may stay in registers
UNSIGNED_BITS = {8: u8, 16: u16, 32: u32, 64: u64}
TEST = 1 << 31  # set in counter word 3 for the words that decide about a proposal


def scalar(target: Instructions, value: Any) -> Lanes:
    return Lanes(target, value, u64, None)


def named_numbers(row: Row, doubles: Sequence[Lanes]) -> Any:
    """The law's numbers by name: those that count words stay doubles, the others become the word's real kind."""
    law = row.law
    named = zip(law.numbers._fields, doubles, strict=True)
    return law.numbers(*(x if name in law.counts else convert(x, REAL[row.word.bits]) for name, x in named))


class Numbers(NamedTuple):
    """What a plan holds: the law's numbers by name; and the factor of a sum, or None."""

    law: Any
    factor: Lanes | None

    def flat(self) -> list[Lanes]:
        """All in a row."""
        return [*self.law, *(() if self.factor is None else (self.factor,))]


def numbers_of(row: Row, scalars: Sequence[Lanes]) -> Numbers:
    """The numbers of a row, from scalars in a plan's order, of whatever kinds."""
    count = len(row.law.numbers._fields)
    factor = convert(scalars[count], REAL[row.word.bits]) if row.law.adds else None
    return Numbers(named_numbers(row, scalars[:count]), factor)


def load_numbers(target: Instructions, row: Row, address: Any) -> Numbers:
    """The numbers of a row as scalars, from an array of doubles."""
    places = (pointer(target.builder, address, 8 * i) for i in range(row.law.count))
    return numbers_of(row, [Lanes(target, target.builder.load(place, typ=element(f64)), f64, None) for place in places])


def bits_of(row: Row, value: Lanes, sure: Lanes | None, p: Numbers, old: Callable[[Kind], Lanes]) -> Lanes:
    """The bits to store for a value: its own; or of its sum with the old ones, which stay where it is not sure."""
    if p.factor is None:
        return row.stored(value)
    before = old(UNSIGNED_BITS[8 * row.itemsize])
    total = bits_as(row.added(value, before, p.factor), before.kind)
    return total if sure is None else select(sure, total, before)


class Kept:
    """Scalars that every step of a loop needs, kept in memory and loaded anew in each step.

    LLVM cannot prove that the output does not overlap them, so it does not hoist the loads. Hoisted, 20 keys in all lanes would
    need more registers than there are. Loaded, the instructions that use them spread them (AVX-512: the tails 20 % faster).
    """

    def __init__(self, target: Vectors, address: Any, scalars: Sequence[Lanes]) -> None:
        self.target, self.address, self.kinds = target, address, [x.kind for x in scalars]
        for i, x in enumerate(scalars):
            store(target.builder, x.value, address, 8 * i)

    def load(self) -> list[Lanes]:
        """The scalars, at the builder's present place."""
        builder = self.target.builder
        loaded = (builder.load(pointer(builder, self.address, 8 * i), typ=element(k)) for i, k in enumerate(self.kinds))
        return [Lanes(self.target, value, kind, None) for value, kind in zip(loaded, self.kinds, strict=True)]


class Stream(NamedTuple):
    """A call's stream, as scalars: its number and the keys of the rounds."""

    call: Lanes
    keys: Sequence[Lanes]


def _planes_from(target: Vectors, counter: Lanes, stream: Stream, count: int, together: bool) -> tuple[Lanes, Lanes]:
    """Planes of so many counters from `counter` on, first attempt; they must not straddle a multiple of 2^32."""
    x0 = (counter & LOW) + target.count_up(u64, count)
    high, call = (counter >> 32).spread(count), stream.call.spread(count)
    return philox4x32(x0, high, call, x0.constant(0), stream.keys, together)


def _put_tile(target: Vectors, row: Row, address: Any, missing: Any, place: int, planes: Sequence[Lanes], p: Numbers) -> None:
    """Store one tile's values, and a word at `missing` with a bit for each element that is not sure."""
    words = [bits_as(plane, row.word) for plane in planes]
    sure = [None if row.law.sure is None else row.law.sure(word, p.law) for word in words]
    for i, value in enumerate(row.law.values(words[0], words[1], p.law)):
        offset = (2 * place + i) * row.plane
        bits = bits_of(row, value, sure[i], p, functools.partial(_loaded, target, address, offset, value.width))
        store(target.builder, bits.value, address, offset)
    if sure[0] is not None and sure[1] is not None:
        store(target.builder, target.mask_bits(~sure[0], ~sure[1]), missing, 8 * place)


def _loaded(target: Instructions, address: Any, offset: int, width: int | None, kind: Kind) -> Lanes:
    """What memory holds, which needs no alignment."""
    place = pointer(target.builder, address, offset)
    return Lanes(target, target.builder.load(place, typ=llvm_type(kind, width), align=1), kind, width)


def _fill(
    target: Vectors, row: Row, call: Lanes, kept: Kept, few: Numbers | None, count: int
) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """One step of the loop: fill the tiles of `count` counters."""
    tiles, builder = count // TILE, target.builder

    def step(state: Sequence[Any]) -> Sequence[Any]:
        address, missing, counter, left = state
        scalars = kept.load()
        stream, p = Stream(call, scalars[: 2 * ROUNDS]), few if few is not None else numbers_of(row, scalars[2 * ROUNDS :])
        planes = _planes_from(target, scalar(target, counter), stream, count, together=count == QUAD)
        for t in range(tiles):
            _put_tile(target, row, address, missing, t, [target.part(plane, t, TILE) for plane in planes], p)
        moved = [
            builder.add(x, number(n)) for x, n in ((address, 2 * tiles * row.plane), (missing, 8 * tiles), (counter, count))
        ]
        return [*moved, builder.sub(left, number(tiles))]

    return step


def _four_at_once(row: Row, cpu: Cpu) -> bool:
    """Whether to fill four tiles in a step: only if Philox is most of the work, and AVX-512 has the registers.

    Half as many registers would not hold their counters, and values of 4 bytes and more come too close together then.
    """
    return row.law.cheap and row.itemsize < 4 and cpu.has_avx512


def _trace_tiles(module: Any, row: Row, cpu: Cpu) -> None:
    """Trace tiles(address, missing, counter, tiles, call, key, numbers, kept): fill an even number of tiles side by side."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * 8), "tiles")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    target = Vectors(builder, cpu)
    address, missing, counter, tiles, call, key, numbers, memory = function.args
    p = load_numbers(target, row, numbers)
    few = p if row.law.count <= FEW else None
    kept = Kept(target, memory, [*round_keys(scalar(target, key)), *(p.flat() if few is None else ())])
    state = [address, missing, counter, tiles]
    if _four_at_once(row, cpu):
        aligned = builder.icmp_unsigned("==", builder.urem(counter, number(QUAD)), number(0))  # else it could straddle 2^32
        in_fours = builder.select(aligned, builder.and_(tiles, number(-4 & (1 << 64) - 1)), number(0))
        done = while_left(builder, [*state[:3], in_fours], 4, _fill(target, row, scalar(target, call), kept, few, QUAD))
        state = [*done[:3], builder.sub(tiles, in_fours)]
    while_left(builder, state, 1, _fill(target, row, scalar(target, call), kept, few, PAIR))
    builder.ret_void()


def _words_of(row: Row, elements: Lanes, stream: Stream, attempt: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """Both words of each element in one attempt, and whether the element belongs to the second plane."""
    plane = row.words * TILE
    place = elements % (2 * plane)
    lane = place % plane
    counters = elements // (2 * plane) * TILE + lane // row.words
    call, attempt = (x.spread(elements.width) for x in (stream.call, attempt))
    a, b = philox4x32(counters & LOW, counters >> 32, call, attempt, stream.keys)
    if row.words == 2:
        upper = (lane & 1) != 0
        a, b = select(upper, a >> 32, a), select(upper, b >> 32, b)
    return convert(a, row.word), convert(b, row.word), place >= plane


def value_of(row: Row, elements: Lanes, stream: Stream, attempt: Lanes, p: Any) -> tuple[Lanes, Lanes | None]:
    """The value of each element in one attempt, and whether it is accepted (None: always)."""
    law = row.law
    a, b, second = _words_of(row, elements, stream, attempt)
    if law.pair is not None:
        x, y = law.pair(a, b, p)
        return select(second, y, x), None
    assert law.value is not None
    own = select(second, b, a)
    value = law.value(own, p)
    if law.accept is None or law.sure is None:
        return value, None
    v, w, _ = _words_of(row, elements, stream, attempt | TEST)
    return value, law.sure(own, p) | law.accept(own, select(second, w, v), p)


def _trace_attempt(module: Any, row: Row, cpu: Cpu) -> None:
    """Trace attempt(elements, values, call, key, attempt, numbers) of a vector of elements; the bits say which are accepted.

    A row that adds finds the old values in `values`, and leaves those that are not accepted.
    """
    function = ir.Function(module, ir.FunctionType(I64, [I64] * 6), "attempt")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    target = Vectors(builder, cpu)
    elements, values, call, key, attempt, numbers = function.args
    stream = Stream(scalar(target, call), round_keys(scalar(target, key)))
    p = load_numbers(target, row, numbers)
    vector = builder.load(pointer(builder, elements), typ=ir.VectorType(I64, PAIR), align=1)
    value, accepted = value_of(row, Lanes(target, vector, u64, PAIR), stream, scalar(target, attempt), p.law)
    bits = bits_of(row, value, accepted, p, functools.partial(_loaded, target, values, 0, PAIR))
    store(builder, bits.value, values)
    builder.ret(number(2**64 - 1) if accepted is None else target.mask_bits(accepted))


def trace(row: Row, cpu: Cpu) -> str:
    """LLVM's text of a row for a CPU."""
    row.law.check()
    module = ir.Module("row")
    _trace_tiles(module, row, cpu)
    _trace_attempt(module, row, cpu)
    return str(module)
