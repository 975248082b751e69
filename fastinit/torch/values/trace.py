"""LLVM's text of what makes words and values: loops over chunks of the sequence, with the formulas in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from llvmlite import ir

from fastinit.arithmetic.lanes import Lanes, convert, f64, select, u32
from fastinit.kernels import machine
from fastinit.kernels.targets.llvm import I64, indices, llvm_type, number, pointer, store, while_left
from fastinit.kernels.targets.vectors import Vectors
from fastinit.torch.values.laws import FORMATS, UNIT, Law, ordered
from fastinit.torch.values.twister import M, N, next_words, tempered

#: Words that are made before they are transformed: whole blocks and whole units, which the first cache holds.
BLOCKS = 6
CHUNK = BLOCKS * N
WIDTH = 16  # words of a vector: a block has 39
REACH = 33  # blocks that a jump is a sum of: the polynomial's degree and a block
BEFORE, STILL = 1, 2  # bits of a chunk's flag: it had values outside the bounds; it still has some

I8, I32 = ir.IntType(8), ir.IntType(32)

#: How values are written: as ever; past the caches, to whole aligned lines of 64 bytes; or only in the place of others.
Way = Literal["plain", "streaming", "again"]


def load(target: Vectors, address: Any, kind: Any, width: int | None) -> Lanes:
    """Lanes at an address that needs no alignment."""
    value = target.builder.load(pointer(target.builder, address), typ=llvm_type(kind, width), align=1)
    return Lanes(target, value, kind, width)


def repeat(builder: Any, count: Any, steps: Sequence[tuple[Any, int]], body: Callable[..., None]) -> None:
    """Run `body` so many times, with addresses that advance by fixed steps."""

    def step(state: Sequence[Any]) -> list[Any]:
        body(*state[:-1])
        return [builder.add(x, number(by)) for x, by in zip(state, (*(by for _, by in steps), -1), strict=True)]

    while_left(builder, [*(x for x, _ in steps), count], 1, step)


def _shifted(target: Vectors, low: Any, high: Any, by: int) -> Lanes:
    """The vector that begins `by` words after `low`; `high` follows it."""
    return Lanes(target, target.builder.shuffle_vector(low, high, indices(range(by, by + WIDTH))), u32, WIDTH)


def _make_words(target: Vectors, window: Any, blocks: Any) -> None:
    """Continue the sequence behind the window's first block by so many blocks.

    All loads are of whole stored vectors, from which those between are shuffled: a load of parts of two stores waits for both.
    """
    builder, together, skip = target.builder, 3, M // WIDTH

    def vector(address: Any, index: int) -> Any:
        return load(target, builder.add(address, number(4 * WIDTH * index)), u32, WIDTH).value

    def step(state: Sequence[Any]) -> list[Any]:
        address, now, middle, left = state
        for i in range(together):
            after, middle_after = vector(address, i + 1), vector(address, i + 1 + skip)
            terms = _shifted(target, now, after, 1), _shifted(target, middle, middle_after, M % WIDTH)
            new = next_words(Lanes(target, now, u32, WIDTH), *terms)
            store(builder, new.value, address, 4 * (WIDTH * i + N))
            now, middle = after, middle_after
        return [builder.add(address, number(4 * WIDTH * together)), now, middle, builder.sub(left, number(1))]

    steps = builder.mul(blocks, number(N // (together * WIDTH)))
    while_left(builder, [window, vector(window, 0), vector(window, skip), steps], 1, step)


def _move(target: Vectors, window: Any, blocks: Any) -> None:
    """Copy the last block to the window's start."""
    builder = target.builder
    source = builder.add(window, builder.mul(blocks, number(4 * N)))
    repeat(
        builder,
        number(N // WIDTH),
        [(window, 4 * WIDTH), (source, 4 * WIDTH)],
        lambda to, source: store(builder, load(target, source, u32, WIDTH).value, to),
    )


def _put(target: Vectors, law: Law, numbers: list[Lanes], streaming: bool) -> Callable[[Any, Any], None]:
    """A step that writes the values of a unit."""
    builder = target.builder

    def body(words: Any, out: Any) -> None:
        values = law.values(target, tempered(load(target, words, u32, UNIT)), numbers)
        written = builder.store(values.value, pointer(builder, out), align=64 if streaming else 1)
        if streaming:
            written.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))

    return body


def _put_again(target: Vectors, law: Law, numbers: list[Lanes], flag: Any) -> Callable[[Any, Any], None]:
    """A step that replaces those values of a unit that lie outside bounds, the last two numbers."""
    builder, stored = target.builder, FORMATS[law.dtype][1]
    low, high = (convert(x, stored) for x in numbers[law.numbers :])

    def outside(bits: Lanes) -> Lanes:
        return (ordered(bits) < low) | (ordered(bits) > high)

    def any_of(condition: Lanes) -> Any:
        return builder.icmp_unsigned("!=", target.mask_bits(condition), number(0))

    def body(words: Any, out: Any) -> None:
        old = load(target, out, stored, UNIT)
        wrong = outside(old)
        with builder.if_then(any_of(wrong), likely=False):
            values = law.values(target, tempered(load(target, words, u32, UNIT)), numbers[: law.numbers])
            values = Lanes(target, builder.bitcast(values.value, llvm_type(stored, UNIT)), stored, UNIT)
            store(builder, select(wrong, values, old).value, out)
            now = builder.select(any_of(wrong & outside(values)), I8(BEFORE | STILL), I8(BEFORE))
            store(builder, builder.or_(now, load_flag(builder, flag)), flag)

    return body


def load_flag(builder: Any, flag: Any) -> Any:
    return builder.load(pointer(builder, flag), typ=I8, align=1)


def _function(name: str, count: int) -> tuple[ir.Module, Vectors, Sequence[Any]]:
    """A module with a function of so many integers, and the target that appends to it."""
    module = ir.Module(name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * count), name)
    return module, Vectors(ir.IRBuilder(function.append_basic_block("entry")), machine.host().traits), function.args


def trace(law: Law, way: Way) -> str:
    """LLVM's text of fill(window, place, out, chunks, blocks, units, numbers, flags).

    For each chunk it continues the sequence of 624 words at `window` by so many blocks, transforms so many units from word
    `place` on, and moves the window to the last block. The way "again" is for later rounds of a truncated law: only chunks
    whose flag has STILL are transformed, only values outside the bounds are replaced, and the flags are set anew.
    """
    again, streaming = way == "again", way == "streaming"
    module, target, (window, place, out, chunks, blocks, units, table, flags) = _function("fill", 8)
    builder, size = target.builder, law.unit * law.itemsize
    numbers = [load(target, builder.add(table, number(8 * i)), f64, None) for i in range(law.numbers + 2 * again)]
    words, chunk = builder.add(window, builder.mul(place, number(4))), builder.mul(units, number(size))

    def body(state: Sequence[Any]) -> Sequence[Any]:
        at, flag, left = state
        _make_words(target, window, blocks)
        todo, step = units, _put(target, law, numbers, streaming)
        if again:
            pending = builder.icmp_unsigned("!=", builder.and_(load_flag(builder, flag), I8(STILL)), I8(0))
            store(builder, I8(0), flag)
            todo, step = builder.select(pending, units, number(0)), _put_again(target, law, numbers, flag)
        repeat(builder, todo, [(words, 4 * UNIT), (at, size)], step)
        _move(target, window, blocks)
        return [builder.add(at, chunk), builder.add(flag, number(1)), builder.sub(left, number(1))]

    while_left(builder, [out, flags, chunks], 1, body)
    if streaming:
        builder.fence("seq_cst")  # other threads see the values no later than what comes after them
    builder.ret_void()
    return str(module)


def _sum_of_blocks(target: Vectors, sequence: Any, offsets: Any, count: Any, out: Any) -> None:
    """Store the exclusive or of vectors from several offsets on, one vector more than a block has."""
    builder, together = target.builder, 20  # registers
    zero = ir.Constant(llvm_type(u32, WIDTH), [0] * WIDTH)
    for first in range(0, N // WIDTH + 1, together):

        def step(state: Sequence[Any], first: int = first) -> list[Any]:
            *sums, at, left = state
            begin = builder.add(sequence, builder.zext(load(target, at, u32, None).value, I64))
            places = [builder.add(begin, number(4 * WIDTH * (first + i))) for i in range(together)]
            sums = [builder.xor(x, load(target, place, u32, WIDTH).value) for x, place in zip(sums, places, strict=True)]
            return [*sums, builder.add(at, number(4)), builder.sub(left, number(1))]

        *sums, _, _ = while_left(builder, [*[zero] * together, offsets, count], 1, step)
        for i, value in enumerate(sums):
            store(builder, value, out, 4 * WIDTH * (first + i))


def trace_jump() -> str:
    """LLVM's text of jump(sequence, offsets, counts, scratch, out): add blocks of the sequence to `out`, by exclusive or.

    The sequence is continued from its first block as far as offsets reach. `counts` says how many blocks begin at word 0 of a
    vector, at word 1, and so on. The offsets, in bytes, are those of the vectors, so all loads are aligned, which halves the
    time.
    """
    module, target, (sequence, all_offsets, all_counts, scratch, out) = _function("jump", 5)
    builder = target.builder
    _make_words(target, sequence, number(REACH - 1))

    def step(state: Sequence[Any]) -> list[Any]:
        offsets, counts, shifted, left = state
        count = builder.zext(load(target, counts, u32, None).value, I64)
        _sum_of_blocks(target, sequence, offsets, count, scratch)

        def add(to: Any, source: Any) -> None:
            store(builder, (load(target, to, u32, WIDTH) ^ load(target, source, u32, WIDTH)).value, to)

        repeat(builder, number(N // WIDTH), [(out, 4 * WIDTH), (shifted, 4 * WIDTH)], add)
        moved = [builder.add(x, y) for x, y in ((offsets, builder.mul(count, number(4))), (counts, number(4)))]
        return [*moved, builder.add(shifted, number(4)), builder.sub(left, number(1))]

    while_left(builder, [all_offsets, all_counts, scratch, number(WIDTH)], 1, step)
    builder.ret_void()
    return str(module)
