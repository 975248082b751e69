"""The one loop over the output, compiled once: it calls a row's two functions by their addresses.

Elements that still need the exact test, and elements that are not contiguous, go to a queue and are computed one vector at
a time. All integers are int64, which holds every logical index; addresses are integers too.
"""

from __future__ import annotations

from numba import cfunc, config, types
from numba.extending import register_jitable

from fastinit.kernels import layout as at
from fastinit.kernels import machine
from fastinit.kernels.layout import PAIR, QUEUE_FULL, REGION, TILE
from fastinit.kernels.memory import (
    add_shared,
    bits_set,
    call_attempt,
    call_tiles,
    copy_value,
    get_entry,
    least,
    list_four,
    listed,
    load,
    nap,
    pause,
    put_entry,
)

#: LLVM inlines these.
device = register_jitable(forceinline=True)

SHORTEST_RUN = 12  # contiguous elements; fewer go to the queue
LOOKS, NAP = 300, 20  # looks at the other threads before a nap, and its microseconds


@device
def enqueue_doubtful(row, scratch, queued, tiles, target, skip, end):  # type: ignore[no-untyped-def]
    """Queue the elements of tiles whose bits are set and that lie in `skip` .. `end`, counted from the first tile's.

    Indices are written in groups of four, at least one group, and only the valid ones counted. A loop of exactly popcount(mask)
    steps mispredicts its exit at nearly every mask.
    """
    element, address, stride = target
    doubt, queue, count = scratch + at.DOUBT_AT, scratch + at.QUEUE_AT, 0
    for tile in range(tiles):
        (bits,) = load(scratch + at.MISSING_AT + tile * 8, 1)
        last = count + bits_set(bits)
        while True:
            bits = list_four(doubt, count, tile * 2 * TILE * row[2], bits)
            count += 4
            if count >= last:
                break
        count = last
    for i in range(count):
        e = listed(doubt, i)
        put_entry(queue, queued, element + e, address + e * stride)
        queued += (e >= skip) & (e < end)
    return queued


@device
def settle(row, stream, numbers, scratch, count):  # type: ignore[no-untyped-def]
    """Try each element of the queue until it is accepted."""
    queue, itemsize, attempt = scratch + at.QUEUE_AT, row[3], 0
    values = queue + at.VECTOR
    while count > 0:
        element, address = get_entry(queue, count - 1)
        for i in range(count, count + PAIR - 1):  # the last vector repeats an element in its idle lanes
            put_entry(queue, i, element, address)
        kept = 0
        for i in range(0, count, PAIR):
            if row[5] != 0:  # it adds to these values; a rejected one stays as it is
                for j in range(least(PAIR, count - i)):
                    _, address = get_entry(queue, i + j)
                    copy_value(values + j * itemsize, address, itemsize)
            accepted = call_attempt(row[1], queue + i * 8, values, stream[0], stream[1], attempt, numbers)
            for j in range(least(PAIR, count - i)):
                element, address = get_entry(queue, i + j)
                copy_value(address, values + j * itemsize, itemsize)  # a rejected value is overwritten later
                put_entry(queue, kept, element, address)
                kept += ((accepted >> j) & 1) ^ 1
        count = kept
        attempt += 1


@device
def fill_region(row, stream, numbers, scratch, queued, target, count):  # type: ignore[no-untyped-def]
    """Fill up to a region of consecutive elements; return how many, and how many are queued now."""
    element, address, stride = target
    itemsize, pair = row[3], 4 * TILE * row[2]  # as many elements are filled at once
    skip = element % pair
    take = least(count, REGION - skip)
    if skip == 0 and take >= pair:
        take -= take % pair
    whole = skip == 0 and take >= pair and stride == itemsize
    into = address if whole else scratch
    pairs = (skip + take + pair - 1) // pair
    counter, missing, kept = element // pair * PAIR, scratch + at.MISSING_AT, scratch + at.KEPT_AT
    if row[5] != 0 and not whole:
        for i in range(take):
            copy_value(scratch + (skip + i) * itemsize, address + i * stride, itemsize)
    call_tiles(row[0], into, missing, counter, 2 * pairs, stream[0], stream[1], numbers, kept)
    if not whole:
        for i in range(take):
            copy_value(address + i * stride, scratch + (skip + i) * itemsize, itemsize)
    if row[4] != 0:
        start = (element - skip, address - skip * stride, stride)
        queued = enqueue_doubtful(row, scratch, queued, 2 * pairs, start, skip, skip + take)
    return take, queued


@device
def start_of(place, axes, index):  # type: ignore[no-untyped-def]
    """The logical index and the address of the `index`-th element, and how many follow on the innermost axis with it.

    A row of the table of axes is a count, a logical step and a stride in bytes.
    """
    outer, inner = index // place[2], index % place[2]
    element, address = place[0] + inner * place[3], place[1] + inner * place[4]
    for axis in range(axes[1] - 1, -1, -1):
        count, step, stride = load(axes[0] + axis * 24, 3)
        i = outer % count
        outer //= count
        element += i * step
        address += i * stride
    return element, address, place[2] - inner


@device
def fill_span(row, place, axes, stream, numbers, scratch, index, end):  # type: ignore[no-untyped-def]
    """Fill elements `index` to `end` of the output, counted along the innermost axis first."""
    step, stride, queued = place[3], place[4], 0
    while index < end:
        element, address, left = start_of(place, axes, index)
        left = least(left, end - index)
        index += left
        while left > 0:
            if step == 1 and left >= SHORTEST_RUN:
                done, queued = fill_region(row, stream, numbers, scratch, queued, (element, address, stride), left)
            else:
                done = least(left, QUEUE_FULL)
                for i in range(done):
                    put_entry(scratch + at.QUEUE_AT, queued + i, element + i * step, address + i * stride)
                queued += done
            if queued >= QUEUE_FULL:
                settle(row, stream, numbers, scratch, queued)
                queued = 0
            left -= done
            element += done * step
            address += done * stride
    settle(row, stream, numbers, scratch, queued)


@device
def take(work):  # type: ignore[no-untyped-def]
    """Take a part of the shared work: its first element and the one after its last."""
    next_one, end, grain, chunk, shares = load(work, 5)
    rest = (end - next_one) // shares // grain * grain
    size = least(grain if rest < grain else rest, chunk)
    first = add_shared(work, size)  # others may have taken parts since: then the share is a little larger than it should be
    return first, least(first + size, end)


@device
def wait_for_work(slot, looks):  # type: ignore[no-untyped-def]
    """Look for the address of arguments in a slot, and register as its worker before reading them; 0 if none came."""
    for _ in range(looks):
        (arguments,) = load(slot, 1)
        if arguments != 0:
            add_shared(slot + 8, 1)
            arguments = add_shared(slot, 0)
            if arguments != 0:
                return arguments
            add_shared(slot + 8, -1)
        pause()
    return 0


@device
def withdraw(slot):  # type: ignore[no-untyped-def]
    """Empty a slot, and wait until its worker is done."""
    add_shared(slot, -add_shared(slot, 0))
    looks = 0
    while add_shared(slot + 8, 0) != 0:
        pause()
        looks += 1
        if looks > LOOKS:
            nap(NAP)


def fill(arguments, scratch, slot, looks):  # type: ignore[no-untyped-def]
    """Fill what `arguments` describes: the address of integers in the order of `layout.ARGUMENTS`, which threads may share.

    A helper calls with 0 for arguments, and a slot: it looks `looks` times for the address of arguments in the slot, works on
    them, and returns how often it helped. With a slot and no looks, arguments are put into the slot (by an atomic addition, so
    that the helper sees what they say); and 0 for arguments empties the slot and waits for its worker.
    """
    helped, helping = 0, arguments == 0
    if slot != 0 and looks == 0:
        if helping:
            withdraw(slot)
        else:
            add_shared(slot, arguments)
        return 0
    while True:
        if helping:
            arguments = wait_for_work(slot, looks)
            if arguments == 0:
                return helped
        row, place, axes = load(arguments, 6), load(arguments + at.PLACE * 8, 5), load(arguments + at.AXES * 8, 2)
        call, low, high = load(arguments + at.STREAM * 8, 3)
        (numbers,) = load(arguments + at.NUMBERS * 8, 1)
        while True:
            first, end = take(arguments + at.WORK * 8)
            if first >= end:
                break
            fill_span(row, place, axes, (call, low | high << 32), numbers, scratch, first, end)
        if not helping:
            return 0
        helped += 1
        looks -= looks >> 5
        add_shared(slot + 8, -1)
        while add_shared(slot, 0) == arguments and looks > 0:
            pause()
            looks -= 1


def code() -> bytes:
    """The machine code of `fill`: Numba makes LLVM's code of it, and has run LLVM's passes."""
    if config.DISABLE_JIT:
        raise RuntimeError("fastinit's loop must be compiled, and NUMBA_DISABLE_JIT forbids it: unset it for the first fill")
    made = cfunc(types.int64(*[types.int64] * 4), error_model="numpy")(fill)
    return machine.object_code(made.inspect_llvm().replace(made.native_name, "fill"), passes=False)
