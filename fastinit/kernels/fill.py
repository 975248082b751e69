"""The one loop over the output.

Elements lie in aligned *tiles* of the logical order, `TILE` counters each. Every element of a tile belongs to a plane (A or B)
and a lane of it, so a tile is computed by whole vectors and stored without moving anything; `docs/stream-format.md` has the
map. Elements in doubt, or strewn singly, are put off and settled a vector at a time, each by its own counter.

A *row* names what the loop is compiled for: `block`, `trial` and `encode` (`plain.py`, `truncated.py`, `rounding.py`), the
`word` type, and the `layout` = (words of a plane per counter, bytes per value).
"""

import numpy as np

from fastinit.kernels.lanes import bitcast, convert, device, select
from fastinit.kernels.memory import (
    bits_set,
    doubles,
    load,
    lowest_bit,
    one_plane,
    one_plane_bits,
    peek,
    poke,
    store,
    store_missing_bits,
    store_planes,
)
from fastinit.kernels.philox import PAIR, QUAD, TILE, planes_at, planes_of_pair, planes_of_quad
from fastinit.kernels.shuffles import part
from fastinit.proposals import NUMBERS

u32, u64 = np.uint32, np.uint64

REGION = u64(4096)  # elements between two looks at the list of the unsettled: their values stay in the first cache
FULL = u64(512)  # elements put off until they are settled together
BACKLOG = FULL + REGION + u64(40)  # room for them, with what a region can add and a vector's idle lanes
BACKLOG_AT = REGION * u64(8)  # in the scratch memory, after a region's values
PENDING_AT = BACKLOG_AT + BACKLOG * u64(16) + u64(256)  # after the backlog's indices and addresses and one vector
MISSING_AT = PENDING_AT + REGION * u64(4) + u64(64)
SCRATCH = int(MISSING_AT) + 4096 // 4  # below the 128 KiB from which the C library asks the system for memory each time
TEST = u64(1) << u64(31)  # set in counter word 3 for the words that decide about a proposal
DENSE = u64(12)  # runs shorter than this are settled element by element


@device
def put_tile(block, encode, word, plane, address, missing, a, b, p):
    """Store the values of one tile's words, and at `missing` which of them are not accepted."""
    values, accepts = block(bitcast(a, word), bitcast(b, word), p, encode)
    store_planes(address, values, plane)
    store_missing_bits(missing, accepts)


@device
def put_pair(block, encode, word, plane, address, missing, a, b, p):
    """Store the values of two tiles' words."""
    put_tile(block, encode, word, plane, address, missing, part(a, 0, TILE), part(b, 0, TILE), p)
    put_tile(block, encode, word, plane, address + u64(2) * plane, missing + u64(8), part(a, 1, TILE), part(b, 1, TILE), p)


@device
def fill_tiles(block, wide, encode, word, layout, address, missing, counter, tiles, stream, p):
    """Fill an even number of tiles side by side at `address`; at `missing` goes a word per tile of those not accepted.

    Two at once, for half the time would go to waiting for one chain of multiplies; four if `wide`.
    """
    words, size = layout
    call, key = stream
    plane = words * u64(TILE) * size
    left = tiles
    if wide and counter % u64(QUAD) == u64(0):  # else a quad could straddle a multiple of 2^32
        while left >= u64(4):
            a, b = planes_of_quad(counter, call, key)
            put_pair(block, encode, word, plane, address, missing, part(a, 0, PAIR), part(b, 0, PAIR), p)
            address += u64(4) * plane
            put_pair(block, encode, word, plane, address, missing + u64(16), part(a, 1, PAIR), part(b, 1, PAIR), p)
            address += u64(4) * plane
            missing += u64(32)
            counter += u64(QUAD)
            left -= u64(4)
    while left > u64(0):
        a, b = planes_of_pair(counter, call, key)
        put_pair(block, encode, word, plane, address, missing, a, b, p)
        address += u64(4) * plane
        missing += u64(16)
        counter += u64(PAIR)
        left -= u64(2)


@device
def list_missing(layout, missing, tiles, pending):
    """Write the elements whose bits are set as uint32 at `pending`; return their number.

    Four are written whether they are there or not, and only those that are get counted: a loop that ends after each
    mask's own number is mispredicted at nearly every mask.
    """
    words, _ = layout
    count = u64(0)
    for t in range(tiles):
        bits = peek(missing + t * u64(8), u64)
        base = t * u64(2 * TILE) * words
        end = count + bits_set(bits)
        while True:
            for i in range(u64(4)):
                poke(pending + (count + i) * u64(4), u32(base + lowest_bit(bits)))
                bits &= bits - u64(1)
            count += u64(4)
            if count >= end:
                break
        count = end
    return count


@device
def words_of(elements, word, layout, stream, attempt):
    """Both words of each of a vector's elements in one attempt, and whether the element belongs to the second plane."""
    call, key = stream
    words, _ = layout
    plane = words * u64(TILE)
    place = elements % (u64(2) * plane)
    lane = place % plane
    counters = elements // (u64(2) * plane) * u64(TILE) + lane // words
    a, b = planes_at(counters, call, attempt, key)
    upper = (lane & (words - u64(1))) != u64(0)
    a, b = select(upper, a >> 32, a), select(upper, b >> 32, b)
    return convert(a, word), convert(b, word), place >= plane


@device
def settle(trial, encode, word, layout, cell, stream, p, backlog, count):
    """Try each element of the backlog, whose entries are an element's index and its address, until it is accepted."""
    size = layout[1]
    places, found = backlog + BACKLOG * u64(8), backlog + BACKLOG * u64(16)
    attempt = u64(0)
    while count > u64(0):
        for i in range(count, count + u64(PAIR - 1)):  # the last vector repeats an element in its idle lanes
            poke(backlog + i * u64(8), peek(backlog + (count - u64(1)) * u64(8), u64))
        kept = u64(0)
        for i in range(u64(0), count, u64(PAIR)):
            elements = load(backlog + i * u64(8), u64, PAIR)
            a, b, second = words_of(elements, word, layout, stream, attempt)
            v, w, _ = words_of(elements, word, layout, stream, attempt | TEST)
            values, accepts = trial(a, b, v, w, p, encode)
            store(found, one_plane(values, second))
            bits = one_plane_bits(accepts, second)
            for j in range(min(u64(PAIR), count - i)):
                e, address = peek(backlog + (i + j) * u64(8), u64), peek(places + (i + j) * u64(8), u64)
                poke(address, peek(found + j * size, cell))  # a rejected value will be written over
                poke(backlog + kept * u64(8), e)
                poke(places + kept * u64(8), address)
                kept += ((bits >> j) & u64(1)) ^ u64(1)
        count = kept
        attempt += u64(1)


@device
def put_off(backlog, count, pending, listed, target, low, high):
    """Add those of the listed elements that lie in `low` .. `high` to the backlog; return its new length.

    The elements are counted from the one at `target`: its logical index and its address, and the steps of both.
    """
    first, step, address, stride = target
    for i in range(listed):
        e = u64(peek(pending + i * u64(4), u32))
        poke(backlog + count * u64(8), first + e * step)
        poke(backlog + (BACKLOG + count) * u64(8), address + e * stride)
        count += u64((e >= low) & (e < high))
    return count


@device
def copy(source, size, cell, address, stride, count):
    for i in range(count):
        poke(address + i * stride, peek(source + i * size, cell))


@device
def fill_run(block, wide, rejecting, encode, word, layout, cell, target, count, stream, p, scratch, late):
    """Fill `count` elements at equal distances, logically and in memory, as far as `late` elements in the backlog allow.

    Returns how many elements were dealt with, and how many the backlog holds now.
    """
    first, step, address, stride = target
    words, size = layout
    pair = u64(4 * TILE) * words  # elements that are filled at once
    backlog, pending, missing = scratch + BACKLOG_AT, scratch + PENDING_AT, scratch + MISSING_AT
    if step != u64(1) or count < DENSE:
        take = min(count, FULL)
        for i in range(take):
            poke(backlog + (late + i) * u64(8), first + i * step)
            poke(backlog + (BACKLOG + late + i) * u64(8), address + i * stride)
        return take, late + take
    skip = first % pair
    take = min(count, REGION - skip)
    if skip == u64(0) and take >= pair:
        take -= take % pair
    whole = skip == u64(0) and take >= pair and stride == size
    tiles = u64(2) * ((skip + take + pair - u64(1)) // pair)
    into = address if whole else scratch
    fill_tiles(block, wide, encode, word, layout, into, missing, first // pair * u64(2 * TILE), tiles, stream, p)
    if not whole:
        copy(scratch + skip * size, size, cell, address, stride, take)
    if rejecting:
        listed = list_missing(layout, missing, tiles, pending)
        start = (first - skip, u64(1), address - skip * stride, stride)
        late = put_off(backlog, late, pending, listed, start, skip, skip + take)
    return take, late


@device
def fill_span(block, trial, wide, rejecting, encode, word, layout, cell, place, around, stream, parameters, begin, end):
    """Elements `begin` to `end` of the output, counted along `place` (the innermost axis), then the axes around it.

    An axis is its count, its step between elements in the logical order, and its stride in bytes; `around` is the address of
    a table of such int64 rows, the innermost last, and their number; `parameters` is an address too.
    """
    origin, address, inner, step, stride = u64(place[0]), u64(place[1]), u64(place[2]), u64(place[3]), u64(place[4])
    p = doubles(u64(parameters), NUMBERS)
    words = (u64(stream[0]), u64(stream[1]) | u64(stream[2]) << u64(32))
    memory = np.empty(SCRATCH, np.uint8)
    scratch = u64(memory.ctypes.data)
    at, last, late = u64(begin), u64(end), u64(0)
    while at < last:
        row = at // inner
        column = at - row * inner
        take = min(inner - column, last - at)
        first, to = origin + column * step, address + column * stride
        axis = u64(around[0]) + u64(around[1]) * u64(24)
        for _ in range(around[1]):
            axis -= u64(24)
            count = peek(axis, u64)
            i = row % count
            row //= count
            first += i * peek(axis + u64(8), u64)
            to += i * peek(axis + u64(16), u64)
        end_of_run = at + take
        while at < end_of_run:
            target = (first, step, to, stride)
            done, late = fill_run(
                block, wide, rejecting, encode, word, layout, cell, target, end_of_run - at, words, p, scratch, late
            )
            if late >= FULL:
                settle(trial, encode, word, layout, cell, words, p, scratch + BACKLOG_AT, late)
                late = u64(0)
            at += done
            first += done * step
            to += done * stride
    settle(trial, encode, word, layout, cell, words, p, scratch + BACKLOG_AT, late)
    memory[0] = np.uint8(0)  # used last of all: Numba frees an array behind its last use, whoever has its address
