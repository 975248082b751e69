"""The one loop over the output, compiled once: it calls a row's two functions by their addresses.

Elements that still need the exact test, and elements that are not contiguous, go to a queue and are computed one vector at
a time. All integers are int64, which holds every logical index; addresses are integers too.
"""

from __future__ import annotations

import functools

from numba import cfunc, types
from numba.extending import register_jitable

from fastinit.kernels import machine
from fastinit.kernels.layout import (
    ADDRESSES,
    AXES,
    DOUBT_AT,
    MISSING_AT,
    PAIR,
    PLACE,
    QUEUE_AT,
    QUEUE_FULL,
    REGION,
    REST,
    STREAM,
    TILE,
    VECTOR,
)
from fastinit.kernels.memory import (
    add_shared,
    bits_set,
    call_attempt,
    call_tiles,
    copy,
    load32,
    load64,
    load_tuple,
    lowest_bit,
    nap,
    store,
)

#: Inlined by LLVM.
device = register_jitable(forceinline=True)

SHORTEST_RUN = 12  # contiguous elements; fewer go to the queue
LOOKS, NAP = 300, 20  # looks at the other threads before a nap, and its microseconds


@device
def copy_value(to, source, itemsize):  # type: ignore[no-untyped-def]
    if itemsize == 4:
        copy(to, source, 32)
    elif itemsize == 2:
        copy(to, source, 16)
    elif itemsize == 8:
        copy(to, source, 64)
    else:
        copy(to, source, 8)


@device
def list_doubtful(row, scratch, tiles):  # type: ignore[no-untyped-def]
    """List the elements whose bits are set, as 32-bit integers; return their number.

    Indices are written in groups of four and only the valid ones counted. A loop of exactly popcount(mask) steps mispredicts
    its exit at nearly every mask.
    """
    elements = 2 * TILE * row[2]
    count = 0
    for t in range(tiles):
        bits = load64(scratch + MISSING_AT + t * 8)
        end = count + bits_set(bits)
        while True:
            for i in range(4):
                store(scratch + DOUBT_AT + (count + i) * 4, t * elements + lowest_bit(bits), 32)
                bits &= bits - 1
            count += 4
            if count >= end:
                break
        count = end
    return count


@device
def settle(row, stream, numbers, scratch, count):  # type: ignore[no-untyped-def]
    """Try each element of the queue, an index and an address, until it is accepted."""
    queue, itemsize = scratch + QUEUE_AT, row[3]
    attempt = 0
    while count > 0:
        for i in range(count, count + PAIR - 1):  # the last vector repeats an element in its idle lanes
            store(queue + i * 8, load64(queue + (count - 1) * 8), 64)
        kept = 0
        for i in range(0, count, PAIR):
            accepted = call_attempt(row[1], queue + i * 8, queue + VECTOR, stream[0], stream[1], attempt, numbers)
            for j in range(min(PAIR, count - i)):
                element, address = load64(queue + (i + j) * 8), load64(queue + ADDRESSES + (i + j) * 8)
                copy_value(address, queue + VECTOR + j * itemsize, itemsize)  # a rejected value will be written over
                store(queue + kept * 8, element, 64)
                store(queue + ADDRESSES + kept * 8, address, 64)
                kept += ((accepted >> j) & 1) ^ 1
        count = kept
        attempt += 1


@device
def enqueue_doubtful(scratch, queued, count, element, address, stride, skip, end):  # type: ignore[no-untyped-def]
    """Queue those of the listed elements that lie in `skip` .. `end`, counted from the one at `address`."""
    queue = scratch + QUEUE_AT
    for i in range(count):
        e = load32(scratch + DOUBT_AT + i * 4)
        store(queue + queued * 8, element + e, 64)
        store(queue + ADDRESSES + queued * 8, address + e * stride, 64)
        queued += (e >= skip) & (e < end)
    return queued


@device
def enqueue(scratch, queued, element, step, address, stride, count):  # type: ignore[no-untyped-def]
    """Queue as many elements at equal distances as it takes in one go; return their number."""
    queue, count = scratch + QUEUE_AT + queued * 8, min(count, QUEUE_FULL)
    for i in range(count):
        store(queue + i * 8, element + i * step, 64)
        store(queue + ADDRESSES + i * 8, address + i * stride, 64)
    return count


@device
def fill_region(row, stream, numbers, scratch, queued, element, address, stride, count):  # type: ignore[no-untyped-def]
    """Fill up to a region of consecutive elements; return how many, and how many are queued now."""
    itemsize = row[3]
    pair = 4 * TILE * row[2]  # elements that are filled at once
    skip = element % pair
    take = min(count, REGION - skip)
    if skip == 0 and take >= pair:
        take -= take % pair
    whole = skip == 0 and take >= pair and stride == itemsize
    tiles = 2 * ((skip + take + pair - 1) // pair)
    into = address if whole else scratch
    counter = element // pair * (2 * TILE)
    call_tiles(row[0], into, scratch + MISSING_AT, counter, tiles, stream[0], stream[1], numbers)
    if not whole:
        for i in range(take):
            copy_value(address + i * stride, scratch + (skip + i) * itemsize, itemsize)
    if row[4]:
        doubtful = list_doubtful(row, scratch, tiles)
        first, start = element - skip, address - skip * stride
        queued = enqueue_doubtful(scratch, queued, doubtful, first, start, stride, skip, skip + take)
    return take, queued


@device
def start_of(place, axes, at):  # type: ignore[no-untyped-def]
    """The logical index, the address, and the number of elements to the end of the innermost axis, of the `at`-th element.

    `axes` is the address of a table of the axes around the innermost one, and their number: count, logical step and stride
    in bytes of each, the innermost last.
    """
    outer, inner = at // place[2], at % place[2]
    element, address = place[0] + inner * place[3], place[1] + inner * place[4]
    axis = axes[0] + axes[1] * 24
    for _ in range(axes[1]):
        axis -= 24
        count = load64(axis)
        i = outer % count
        outer //= count
        element += i * load64(axis + 8)
        address += i * load64(axis + 16)
    return element, address, place[2] - inner


@device
def fill_span(row, place, axes, stream, numbers, scratch, at, end):  # type: ignore[no-untyped-def]
    """Fill elements `at` to `end` of the output, counted along the innermost axis first."""
    step, stride, queued = place[3], place[4], 0
    while at < end:
        element, address, left = start_of(place, axes, at)
        end_of_run = min(at + left, end)
        while at < end_of_run:
            count = end_of_run - at
            if step != 1 or count < SHORTEST_RUN:
                done = enqueue(scratch, queued, element, step, address, stride, count)
                queued += done
            else:
                done, queued = fill_region(row, stream, numbers, scratch, queued, element, address, stride, count)
            if queued >= QUEUE_FULL:
                settle(row, stream, numbers, scratch, queued)
                queued = 0
            at += done
            element += done * step
            address += done * stride
    settle(row, stream, numbers, scratch, queued)


def fill(arguments, scratch, wait):  # type: ignore[no-untyped-def]
    """Do what `arguments` says, an address of integers in the order of `layout.ARGUMENTS`.

    Several threads may run one call. Each takes the next chunk until none is left; the second of the integers that they share
    counts those at work. The thread with `wait` returns when the others have written all they took.
    """
    row, place, axes = load_tuple(arguments, 5), load_tuple(arguments + PLACE * 8, 5), load_tuple(arguments + AXES * 8, 2)
    call, low, high = load_tuple(arguments + STREAM * 8, 3)
    stream = (call, low | high << 32)
    numbers, begin, end, chunk, shared = load_tuple(arguments + REST * 8, 5)
    if shared == 0:
        fill_span(row, place, axes, stream, numbers, scratch, begin, end)
        return
    add_shared(shared + 8, 1)
    while True:
        at = begin + chunk * add_shared(shared, 1)
        if at >= end:
            break
        fill_span(row, place, axes, stream, numbers, scratch, at, min(at + chunk, end))
    add_shared(shared + 8, -1)
    looks = 0
    while wait and add_shared(shared + 8, 0) > 0:
        looks += 1
        if looks > LOOKS:
            nap(NAP)


@functools.cache
def code() -> bytes:
    """The machine code of `fill`: Numba makes LLVM's code of it, which is then compiled as the rows are."""
    made = cfunc(types.void(types.int64, types.int64, types.int64), error_model="numpy")(fill)
    return machine.object_code(made.inspect_llvm().replace(made.native_name, "fill"))
